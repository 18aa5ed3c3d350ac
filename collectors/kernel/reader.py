"""Turns what lies in the ring buffer into batches, numbers the events, and tells of losses."""

from __future__ import annotations

import asyncio
import select
import struct
import time
from collections.abc import Collection, Iterator, Sequence
from itertools import count
from typing import cast

import msgspec

from collectors.contract import SPARE
from collectors.kernel.decode import Context
from collectors.kernel.hooks import HOOKS
from collectors.kernel.host import identify
from collectors.kernel.layout import HEADER, KINDS, compiled
from collectors.kernel.loader import Loaded
from collectors.kernel.request import ways
from collectors.kernel.ring import Ring, Span
from collectors.kernel.snapshot import snapshot
from wire.batch import MAX_BYTES, MAX_EVENTS, Batch
from wire.event import AnyEvent, Event, Loss

# An event is about twice as long in JSON as in the ring buffer.
_SPAN_BYTES = MAX_BYTES // 2

# Processes in a batch of the snapshot; their arguments can be long.
_RUNNING = 50

_KIND = struct.Struct("=I")
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
        self._losses = bytes(len(loaded.losses()))
        # Edge-triggered: readable when the kernel calls, not whenever a record is there.
        self._calls = select.epoll()
        self._calls.register(loaded.maps["events"], select.EPOLLIN | select.EPOLLET)

    def attach(self, events: Collection[str]) -> None:
        """Watch for these types of events too, from now on."""
        self._loaded.attach(events)

    def running(self) -> Iterator[Batch]:
        """The processes that are there already. They carry the time at which watching began."""
        # All at once: what is read later would have changed meanwhile.
        processes = list(snapshot(self._context, self._seq))
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
        if lost := self._lost():
            yield self._batch([lost])

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

    def close(self) -> None:
        """Stop watching; what was not read by now is gone."""
        self._calls.close()
        self._ring.close()
        self._loaded.close()

    def _decode(self, span: Span) -> list[Event]:
        context, data, seq = self._context, span.data, self._seq + SPARE
        events = []
        for at in span.records:
            decode, name = _DECODERS[_KIND.unpack_from(data, at + _KIND_AT)[0]]
            events.append(decode(context, name, seq, data, at))
            seq += 1
        return events

    def _lost(self) -> Loss | None:
        """What the kernel could not put into the ring buffer since last time."""
        losses = self._loaded.losses()
        if losses == self._losses:
            return None
        now, before = memoryview(losses).cast("Q"), memoryview(self._losses).cast("Q")
        counts = {
            name: sum(now[hook.kind :: KINDS]) - sum(before[hook.kind :: KINDS])
            for name, hook in HOOKS.items()
        }
        self._losses = losses
        return Loss(
            seq=self._seq + SPARE,
            time=time.clock_gettime_ns(time.CLOCK_BOOTTIME) + self._context.epoch,
            pid=0,
            tid=0,
            start=0,
            where="ring",
            counts={name: count for name, count in counts.items() if count},
        )

    def _batch(self, events: Sequence[Event]) -> Batch:
        first, last = self._seq, events[-1].seq
        self._seq = last + 1
        return Batch(host=self._host, first=first, last=last, events=cast("list[AnyEvent]", events))
