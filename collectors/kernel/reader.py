"""Turns what lies in the ring buffer into batches, numbers the events, and tells of losses."""

from __future__ import annotations

import asyncio
import select
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any, cast

import msgspec

from collectors.contract import SPARE
from collectors.kernel.decode import TICK, Context
from collectors.kernel.hooks import HOOKS
from collectors.kernel.host import identify
from collectors.kernel.layout import HEADER, compiled
from collectors.kernel.loader import Loaded
from collectors.kernel.losses import Counts, Limited, Losses, parsed, reported
from collectors.kernel.request import ways
from collectors.kernel.ring import LENGTH_BEFORE, Ring, Span
from collectors.kernel.scopes import Scopes
from collectors.kernel.snapshot import snapshot
from wire.batch import MAX_BYTES, MAX_EVENTS, Batch
from wire.event import AnyEvent, Event, Exec, Loss

# An event is about twice as long in JSON as in the ring buffer.
_SPAN_BYTES = MAX_BYTES // 2

# Processes in a batch of the snapshot; their arguments can be long.
_RUNNING = 50

# Seconds between two times at which it is told who had more than their share.
_PAUSE = 1.0

_KIND_AT = compiled(HEADER[: [name for name, _ in HEADER].index("kind")]).size

_DECODERS = {hook.kind | mark: (decode, name) for name, hook in HOOKS.items() for mark, decode in ways(hook)}


class Reader:
    """The only reader of the programs' ring buffer, from their start to their end."""

    def __init__(self, context: Context, loaded: Loaded, ring_bytes: int) -> None:
        """Take over what was loaded; ``close`` unloads it."""
        self._context = context
        self._loaded = loaded
        self._ring = Ring(loaded.maps["events"], ring_bytes)
        self._host = identify()
        # Microseconds since boot are ahead of every number that an earlier run on this boot has given out.
        self._seq = context.began // 1000
        self._losses = Losses()
        self._changed = reported(bytes(len(loaded.losses())))
        self._limited: Counter[str] = Counter()
        self._whose = Limited(loaded.maps["limited"])
        self._told = 0.0
        self._scopes = Scopes(loaded.maps["scopes"])
        self._delivered: Counter[str] = Counter()
        self._truncated: Counter[str] = Counter()
        # Edge-triggered: readable when the kernel calls, not whenever a record is there.
        self._calls = select.epoll()
        self._calls.register(loaded.maps["events"], select.EPOLLIN | select.EPOLLET)

    def running(self) -> Iterator[Batch]:
        """The processes that are there already. They carry the time at which watching began."""
        # All at once: what is read later would have changed meanwhile.
        processes = list(snapshot(self._context, self._seq))
        for process in processes:
            self._scopes.learn(process)
        for at in range(0, len(processes), _RUNNING):
            numbers = count(self._seq + SPARE)
            some = processes[at : at + _RUNNING]
            yield self._batch([msgspec.structs.replace(each, seq=next(numbers)) for each in some])

    def waiting(self) -> Iterator[Batch]:
        """Everything that is in the ring buffer, and then what was lost since last time."""
        full = True
        while full:
            span = self._ring.read(MAX_EVENTS, _SPAN_BYTES)
            # What has come since a batch that was not full may wait for the next one.
            full = len(span.records) == MAX_EVENTS or len(span.data) >= _SPAN_BYTES
            if span.records:
                yield self._batch(self._decode(span))
        if lost := list(self._lost()):
            numbers = count(self._seq + SPARE)
            yield self._batch([msgspec.structs.replace(each, seq=next(numbers)) for each in lost])

    async def more(self, seconds: float) -> None:
        """Wait until the kernel calls because the ring buffer fills, at most this long."""
        loop = asyncio.get_running_loop()
        called = asyncio.Event()
        loop.add_reader(self._calls, called.set)
        try:
            async with asyncio.timeout(seconds):
                await called.wait()
        except TimeoutError:
            pass
        finally:
            loop.remove_reader(self._calls)
            self._calls.poll(0)

    def counts(self) -> Counts:
        """What became of the events so far."""
        return Counts(+self._delivered, +self._truncated, parsed(self._loaded.losses()))

    def close(self) -> None:
        """Stop watching; what was not read by now is gone."""
        self._calls.close()
        self._ring.close()
        self._loaded.close()

    def _decode(self, span: Span) -> list[Event]:
        context, data, seq = self._context, span.data, self._seq + SPARE
        events = []
        words = memoryview(data).cast("I")
        for at in span.records:
            decode, name = _DECODERS[words[at + _KIND_AT >> 2]]
            event = decode(context, name, seq, data, at, at + words[at - LENGTH_BEFORE >> 2])
            events.append(event)
            if type(event) is Exec:
                self._scopes.learn(event)
                self._truncated[name] += event.args_lost > 0
            seq += 1
        self._delivered.update([event.type for event in events])
        return events

    def _lost(self) -> Iterator[Loss]:
        """What the kernel did not deliver since last time; of rates, whose it was, once a second."""
        data = self._loaded.losses()
        if (changed := reported(data)) != self._changed:
            self._changed = changed
            found = parsed(data)
            new = found.since(self._losses)
            self._losses = found
            self._limited += new.limited
            if new.full:
                yield self._loss("ring", _totals(new.full), cpus=new.full, refusing=new.refusing)
        now = time.monotonic()
        if self._limited and now >= self._told + _PAUSE:
            self._told = now
            for (cgroup, start, pid), counts in self._whose.told(self._limited):
                yield self._loss("rate", counts, cgroup=cgroup or None, pid=pid, start=start - start % TICK)
            self._limited = Counter()

    def _loss(self, where: str, counts: Mapping[str, int], **more: Any) -> Loss:  # as Loss has them
        process = {"pid": 0, "start": 0} | more
        return Loss(
            seq=0,
            time=time.clock_gettime_ns(time.CLOCK_BOOTTIME) + self._context.epoch,
            tid=0,
            where=where,
            counts=dict(counts),
            **process,
        )

    def _batch(self, events: Sequence[Event]) -> Batch:
        first, last = self._seq, events[-1].seq
        self._seq = last + 1
        return Batch(host=self._host, first=first, last=last, events=cast("list[AnyEvent]", events))


def _totals(full: Mapping[str, Sequence[int]]) -> dict[str, int]:
    return {name: sum(cpus) for name, cpus in full.items()}
