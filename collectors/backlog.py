"""Batches that wait for Kafka: a few in memory, then in files, in order, and never more than was allowed."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from collectors.contract import CollectorError
from collectors.recording import RecordingSource, RecordingWriter
from wire.batch import Batch
from wire.event import AnyEvent, Container, Event, Exec, Exit, Fork, Loss, Snapshot

_log = logging.getLogger(__name__)

_FILE = 8 << 20

# The part of the allowed space that is for events of processes only: without them the others mean little.
_RESERVED = 0.2
_RESERVED_FOR = (Fork, Exec, Snapshot, Exit, Loss, Container)


@dataclass
class Backlog:
    """A queue of one writer and one reader.

    ``memory`` batches wait in memory, what comes then in recordings in ``folder``, up to ``limit`` bytes.
    What does not fit is shed, events of processes last; a ``Loss`` event in its place says how much. Files
    that an earlier run left behind are delivered first. Without a folder there is only memory.
    """

    folder: Path | None = None
    limit: int = 512 << 20
    memory: int = 64
    shed: Counter[str] = field(default_factory=Counter)
    _waiting: deque[Batch] = field(default_factory=deque)
    _files: deque[Path] = field(default_factory=deque)
    _stored: int = 0
    _writer: RecordingWriter | None = None
    _missing: Batch | None = None
    _closed: bool = False
    _change: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        if self.folder is not None and self.folder.is_dir():
            self._files.extend(sorted(self.folder.glob("*.jsonl.zst")))
            self._stored = sum(path.stat().st_size for path in self._files)
        if self._files:
            _log.info("%s files of events that an earlier run did not deliver come first", len(self._files))

    def put(self, batch: Batch) -> None:
        """Take a batch in, or as much of it as there is space for."""
        if not self._files and len(self._waiting) < self.memory:
            self._tell_missing()
            self._waiting.append(batch)
        elif (left := self._fitting(batch)) is not None:
            self._tell_missing()
            self._store(left)
        self._change.set()

    @property
    def stored(self) -> int:
        """Bytes in files that wait."""
        return self._stored

    def close(self) -> None:
        """Nothing more comes: the reader ends when it has had everything."""
        self._closed = True
        self._change.set()

    def keep(self) -> None:
        """Nobody reads on in this run: what is in memory goes into a file for the next one."""
        self._tell_missing()
        self._finish()
        if self.folder is None or not self._waiting:
            return
        try:
            with self._open(self._waiting[0]) as writer:
                for batch in self._waiting:
                    writer.write(batch)
        except (OSError, CollectorError) as error:
            _log.error("events that wait for Kafka cannot be kept in %s (%s)", self.folder, error)

    async def batches(self) -> AsyncIterator[Batch]:
        """Every batch in order. One counts as delivered when the next is asked for."""
        while True:
            if self._waiting:
                yield self._waiting[0]
                self._waiting.popleft()
            elif self._files:
                for batch in self._read(self._files[0]):
                    yield batch
                self._delete(self._files.popleft())
            elif self._missing is not None:
                self._tell_missing()
            elif self._closed:
                return
            else:
                self._change.clear()
                await self._change.wait()

    def _fitting(self, batch: Batch) -> Batch | None:
        """As much of the batch as there is space for in files; the rest is shed."""
        if self.folder is not None and self._stored < self.limit * (1 - _RESERVED):
            return batch
        if self.folder is None or self._stored >= self.limit:
            self._miss(batch)
            return None
        dropped = [event for event in batch.events if not isinstance(event, _RESERVED_FOR)]
        if not dropped:
            return batch
        self.shed.update(event.type for event in dropped)
        kept = [event for event in batch.events if isinstance(event, _RESERVED_FOR)]
        events = sorted([*kept, _loss(dropped)], key=lambda event: event.seq)
        return _replaced(batch, batch.first, events)

    def _miss(self, batch: Batch) -> None:
        """Shed a whole batch: one loss stands for all that are shed in a row."""
        self.shed.update(_counts(batch.events))
        before = self._missing
        if before is None:
            self._missing = _replaced(batch, batch.first, [_loss(batch.events)])
        else:
            self._missing = _replaced(batch, before.first, [_loss([*before.events, *batch.events])])

    def _tell_missing(self) -> None:
        """Let the reader know what was shed, in its place."""
        batch, self._missing = self._missing, None
        if batch is None:
            return
        _log.warning("events waited for Kafka and found no space; %s were shed so far", self.shed.total())
        if not self._files:
            self._waiting.append(batch)
        elif not self._stored_away(batch):
            self._missing = batch

    def _store(self, batch: Batch) -> None:
        if not self._stored_away(batch):
            self._miss(batch)

    def _stored_away(self, batch: Batch) -> bool:
        """Write the batch to the newest file. A file that could not be written is not written again."""
        try:
            if self._writer is None:
                self._writer = self._open(batch)
            before = self._writer.size
            self._writer.write(batch)
            self._stored += self._writer.size - before
        except (OSError, CollectorError) as error:
            _log.error("events that wait for Kafka cannot be kept in %s (%s)", self.folder, error)
            with suppress(OSError):
                self._finish()
            self._writer = None
            return False
        if self._writer.size >= _FILE:
            self._finish()
        return True

    def _open(self, batch: Batch) -> RecordingWriter:
        """A file whose name comes after those of earlier batches, also of earlier boots."""
        assert self.folder is not None  # noqa: S101  # nobody stores without one
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.folder / f"{batch.events[0].time:020}-{batch.first:020}.jsonl.zst"
        writer = RecordingWriter(path)
        self._files.append(path)
        return writer

    def _read(self, path: Path) -> Iterator[Batch]:
        if len(self._files) == 1:
            self._finish()
        try:
            yield from RecordingSource(path).read()
        except CollectorError as error:
            _log.warning("%s", error)

    def _finish(self) -> None:
        if self._writer is not None:
            before = self._writer.size
            self._writer.close()
            self._stored += self._files[-1].stat().st_size - before
            self._writer = None

    def _delete(self, path: Path) -> None:
        self._stored -= path.stat().st_size
        path.unlink()


def _loss(events: Sequence[Event]) -> Loss:
    """What stands in the place of events that were shed."""
    first = events[0]
    counts = dict(_counts(events))
    return Loss(seq=first.seq, time=first.time, pid=0, tid=0, start=0, where="shed", counts=counts)


def _counts(events: Sequence[Event]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for event in events:
        counts.update(event.counts if isinstance(event, Loss) else {event.type: 1})
    return counts


def _replaced(batch: Batch, first: int, events: Sequence[Event]) -> Batch:
    return Batch(host=batch.host, first=first, last=batch.last, events=cast("list[AnyEvent]", list(events)))
