"""A source of events in which each container is described before the first event of it.

The order of the stream decides what the engine knows at each event, so the waiting for a runtime's answer is
done here, once, where there is a clock. The records come with the events, in recordings too.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from collectors.contract import Source
from collectors.inventory.contract import Seen
from collectors.inventory.groups import Groups
from collectors.inventory.sources import Sources, cancelled
from wire.batch import Batch
from wire.cgroup import containers
from wire.event import Container
from wire.inventory import Description

# Batches that are read while one waits, so that the kernel's buffer does not fill: 32,000 events.
_AHEAD = 64

# How long to wait for an exec that names the control group of an event whose process is gone.
_UNNAMED = 0.25

# Control groups remembered at most; what is forgotten is told again when it is seen again.
_PLACED = 1 << 16

# Seconds between two looks whether the control groups of containers still exist; gone twice is gone.
_SWEEP = 10.0


@dataclass
class _Known:
    """A container that was told of: what was told last, its control groups, whether the first was gone."""

    about: Description | None
    path: str
    pod: str | None
    numbers: set[int] = field(default_factory=set)
    missed: bool = False


@dataclass(frozen=True, slots=True)
class _Place:
    """A control group of a container."""

    number: int
    path: str
    seen: Seen


@dataclass
class DescribedSource:
    """The events of ``source``, and before them what is known of their containers.

    An event of a container never seen waits at most ``patience`` seconds, and with it all later ones.
    Batches of ``source`` must leave numbers free before their first event, as the kernel's do.
    """

    source: Source
    sources: Sources = field(default_factory=Sources)
    patience: float = 2.0
    _groups: Groups = field(default_factory=Groups)
    _placed: set[int] = field(default_factory=set)
    _unnamed: set[int] = field(default_factory=set)
    _told: dict[str, _Known] = field(default_factory=dict)
    _swept: float = 0.0

    async def batches(self) -> AsyncIterator[Batch]:
        """Every batch of ``source`` in its order, some with one before it that describes containers."""
        async with self._running() as queue:
            while (batch := await queue.get()) is not None:
                if isinstance(batch, BaseException):
                    raise batch
                told = await self._news(batch)
                if told:
                    last = told[-1].seq
                    yield Batch(host=batch.host, first=batch.first, last=last, events=list(told))
                    yield Batch(host=batch.host, first=last + 1, last=batch.last, events=batch.events)
                else:
                    yield batch

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[asyncio.Queue[Batch | BaseException | None]]:
        queue: asyncio.Queue[Batch | BaseException | None] = asyncio.Queue(_AHEAD)
        tasks = [asyncio.create_task(self.sources.run()), asyncio.create_task(self._read(queue))]
        try:
            yield queue
        finally:
            for task in tasks:
                task.cancel()
            for task in tasks:
                await cancelled(task)

    async def _read(self, queue: asyncio.Queue[Batch | BaseException | None]) -> None:
        batches = self.source.batches()
        try:
            async for batch in batches:
                self._groups.read(batch.events)
                await queue.put(batch)
            await queue.put(None)
        except Exception as error:  # noqa: BLE001  # whoever reads the queue raises it
            await queue.put(error)
        finally:
            await cast("AsyncGenerator[Batch]", batches).aclose()

    async def _news(self, batch: Batch) -> list[Container]:
        """What has to be told before this batch: its new containers first, then changes, as many as fit."""
        if not batch.events:
            return []
        places = await self._new_places(batch)
        found = await asyncio.gather(*(self.sources.find(place.seen, self.patience) for place in places))
        told = _Numbering(batch)
        for place, (about, why) in zip(places, found, strict=True):
            if told.add(place.seen.id, about=about, why=why, cgroup=place.number, cgroup_path=place.path):
                self.sources.book.news.discard(place.seen.id)
                known = self._told.setdefault(place.seen.id, _Known(about, _top(place), place.seen.pod))
                known.about = about
                known.numbers.add(place.number)
                self._placed.add(place.number)
        self._changes(told)
        self._sweep(told)
        return told.events

    async def _new_places(self, batch: Batch) -> list[_Place]:
        """The containers' control groups that were not seen before. Those of the host are only remembered."""
        fresh = {event.cgroup for event in batch.events if event.cgroup not in self._placed}
        numbers = sorted(number for number in fresh if number is not None)
        if not numbers:
            return []
        if len(self._placed) + len(self._unnamed) > _PLACED:
            self._placed.clear()
            self._unnamed.clear()
        paths = await asyncio.gather(*map(self._path, numbers))
        places = []
        for number, path in zip(numbers, paths, strict=True):
            if path is None:
                self._unnamed.add(number)
            elif named := containers(path):
                places.append(_Place(number, path, Seen(named[-1].id, named[-1].pod, named[-1].runtime)))
            else:
                self._placed.add(number)
        return places

    async def _path(self, number: int) -> str | None:
        """Waited for once; if nothing named it in time, a later exec still may."""
        return await self._groups.path(number, 0 if number in self._unnamed else _UNNAMED)

    def _changes(self, told: _Numbering) -> None:
        """What the sources said since, of containers that were told of; the others may never be seen."""
        news = self.sources.book.news
        for container in list(news):
            known = self._told.get(container)
            if known is None or not told.room:
                continue
            news.discard(container)
            about = self.sources.book.about(container, known.pod)
            if about is not None and about != known.about:
                known.about = about
                told.add(container, about=about)

    def _sweep(self, told: _Numbering) -> None:
        """Tell which containers are gone, now and then: those whose control group was not there twice."""
        now = time.monotonic()
        if now - self._swept < _SWEEP:
            return
        self._swept = now
        for container, known in list(self._told.items()):
            there = self._groups.exists(known.path, container in self.sources.book)
            if known.missed and not there and told.add(container, removed=True):
                del self._told[container]
                self._placed -= known.numbers
                self.sources.book.forget(container)
            known.missed = not there


def _top(place: _Place) -> str:
    """The container's own group: systemd within it makes others below."""
    end = place.path.rindex(place.seen.id) + len(place.seen.id)
    return place.path[:end] + place.path[end:].partition("/")[0]


class _Numbering:
    """Events that describe containers, in the numbers that are free before a batch."""

    def __init__(self, batch: Batch) -> None:
        self.events: list[Container] = []
        self._time = batch.events[0].time
        self._free = range(batch.first, batch.events[0].seq)

    @property
    def room(self) -> bool:
        """Whether a number is left."""
        return len(self.events) < len(self._free)

    def add(self, container: str, **facts: Any) -> bool:
        """One more, if there is room: whether there was."""
        if not self.room:
            return False
        seq = self._free[len(self.events)]
        self.events.append(Container(seq=seq, time=self._time, pid=0, tid=0, start=0, id=container, **facts))
        return True
