"""Keeps what waits for destinations in a SQLite file, so that one process alone loses nothing at a reboot.

Only this process writes the file (a lock beside it sees to that), and one thread of it, so that a slow disk
does not hold up the event loop. A detection is on disk one write after it was handed over, usually some
milliseconds.
"""

import asyncio
import fcntl
import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any, Self, TypeVar

import msgspec

from sinks.body import body
from sinks.contract import Never, SinkError
from sinks.counters import Counters
from sinks.runner import Item, Refusal
from wire import detection as wire_detection
from wire.detection import Detection

_log = logging.getLogger(__name__)

# Detections that wait for one sink, and dead letters of all; more of either are shed and counted.
WAITING = 100_000
DEAD = 10_000

# Detections that may wait for the disk in memory.
_UNWRITTEN = 10_000

# Seconds until a disk that refused is tried again.
_PAUSE = 1.0

_TABLES = """
CREATE TABLE IF NOT EXISTS waiting (
    number INTEGER PRIMARY KEY AUTOINCREMENT, sink TEXT NOT NULL, detection BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS waiting_of_sink ON waiting (sink, number);
CREATE TABLE IF NOT EXISTS dead (
    number INTEGER PRIMARY KEY AUTOINCREMENT, sink TEXT NOT NULL, reason TEXT NOT NULL,
    attempts INTEGER NOT NULL, first REAL NOT NULL, last REAL NOT NULL, detection BLOB NOT NULL
);
"""

Result = TypeVar("Result")


@dataclass
class Store:
    """The file at ``path``; a queue in it for each of ``sinks``. Use it as an asynchronous context."""

    path: Path
    sinks: Collection[str]
    size: int = WAITING
    _database: sqlite3.Connection | None = None
    _lock: IO[bytes] | None = None
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "store"))

    async def __aenter__(self) -> Self:
        """Open the file, or make it; raises ``SinkError`` if that cannot be."""
        try:
            self._lock = _locked(self.path)
            self._database = await self.run(_open, self.path)
            for sink, waiting in await self.run(self._left):
                known = sink in self.sinks
                _log.log(
                    logging.INFO if known else logging.WARNING,
                    "%s detections of an earlier run wait for %s%s",
                    waiting,
                    sink,
                    "" if known else ", which this run does not deliver to",
                )
        except (OSError, sqlite3.Error) as error:
            await self.__aexit__()
            raise SinkError(
                f"the queue {self.path} cannot be used ({error}): name another file, "
                "or move this one away; what waits in it would not be delivered"
            ) from error
        except SinkError:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close the file; what waits in it is there when it is opened again."""
        if self._database is not None:
            await self.run(self._database.close)
        self._thread.shutdown()
        if self._lock is not None:
            self._lock.close()

    def queue(self, sink: str, counters: Counters) -> "DiskQueue":
        """The queue of one sink."""
        return DiskQueue(self, sink, counters, self.size)

    async def run(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """Do ``work`` in the thread of the file."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, partial(work, *arguments))

    def add(self, sink: str, bodies: Iterable[bytes]) -> None:
        """All of them in one transaction. This and what follows is for the thread of the file."""
        with self._open as database:
            database.executemany(
                "INSERT INTO waiting (sink, detection) VALUES (?, ?)", ((sink, each) for each in bodies)
            )

    def after(self, sink: str, number: int, limit: int) -> list[tuple[int, bytes]]:
        """What waits for ``sink`` behind ``number``, in the order in which it came."""
        found = self._open.execute(
            "SELECT number, detection FROM waiting WHERE sink = ? AND number > ? ORDER BY number LIMIT ?",
            (sink, number, limit),
        )
        return found.fetchall()

    def waiting(self, sink: str) -> int:
        """How many wait for ``sink``."""
        count: int = self._open.execute("SELECT count(*) FROM waiting WHERE sink = ?", (sink,)).fetchone()[0]
        return count

    def remove(self, numbers: Sequence[int]) -> None:
        """They have been delivered or buried."""
        with self._open as database:
            database.executemany("DELETE FROM waiting WHERE number = ?", ((number,) for number in numbers))

    def bury(self, sink: str, detection: bytes, refusal: Refusal) -> bool:
        """Keep a dead letter; whether there was room."""
        with self._open as database:
            if database.execute("SELECT count(*) FROM dead").fetchone()[0] >= DEAD:
                return False
            database.execute(
                "INSERT INTO dead (sink, reason, attempts, first, last, detection) VALUES (?, ?, ?, ?, ?, ?)",
                (sink, refusal.reason, refusal.attempts, refusal.first, refusal.last, detection),
            )
        return True

    def dead(self) -> list[tuple[int, str, str, int, float, float, bytes]]:
        """Number, sink, reason, attempts, time of the first and the last of them, detection."""
        return self._open.execute(
            "SELECT number, sink, reason, attempts, first, last, detection FROM dead ORDER BY number"
        ).fetchall()

    def forget(self, number: int) -> None:
        """A dead letter has been delivered after all."""
        with self._open as database:
            database.execute("DELETE FROM dead WHERE number = ?", (number,))

    def _left(self) -> list[tuple[str, int]]:
        return self._open.execute("SELECT sink, count(*) FROM waiting GROUP BY sink").fetchall()

    @property
    def _open(self) -> sqlite3.Connection:
        if self._database is None:
            raise RuntimeError("the store is not open")
        return self._database


@dataclass
class DiskQueue:
    """A source of items that the same process fills, and the next one goes on with."""

    store: Store
    sink: str
    counters: Counters
    size: int = WAITING
    _unwritten: deque[bytes] = field(default_factory=deque)
    _settled: list[int] = field(default_factory=list)
    _waiting: int | None = None
    _taken: int = 0
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _writer: asyncio.Task[None] | None = None
    _closed: bool = False
    _error: Exception | None = None
    _full: bool = False

    async def put(self, detection: Detection) -> None:
        """Bring it on its way to the disk; raises what the reader failed with. A full queue sheds it."""
        if self._error is not None:
            raise self._error
        if self._waiting is None:
            self._waiting = await self.store.run(self.store.waiting, self.sink)
        if self._waiting + len(self._unwritten) >= self.size or len(self._unwritten) >= _UNWRITTEN:
            self._shed()
            return
        self._full = False
        encoded = body(detection)
        if isinstance(encoded, Never):
            self.counters.dead += 1
            _log.error("%s: detection %s %s", self.sink, detection.id, encoded.reason)
            return
        self._unwritten.append(encoded)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        await asyncio.sleep(0)

    async def take(self, limit: int, seconds: float) -> Sequence[Item] | None:
        """See ``Source``."""
        self._changed.clear()
        rows = await self.store.run(self.store.after, self.sink, self._taken, limit)
        if not rows and (self._unwritten or not self._closed):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), seconds)
            rows = await self.store.run(self.store.after, self.sink, self._taken, limit)
        if not rows and self._closed and not self._unwritten:
            return None
        if rows:
            self._taken = rows[-1][0]
        return [self._item(number, detection) for number, detection in rows]

    async def commit(self) -> None:
        """See ``Source``."""
        settled, self._settled = self._settled, []
        if not settled:
            return
        try:
            await self.store.run(self.store.remove, settled)
        except sqlite3.Error as error:
            self._settled += settled
            _log.warning("%s: delivered, but the queue cannot be written: %s", self.sink, error)
            return
        if self._waiting is not None:
            self._waiting -= len(settled)

    async def keep(self) -> None:
        """Wait until everything that was handed over is on disk, if the disk takes it."""
        if self._writer is not None:
            await asyncio.wait([self._writer], timeout=5 * _PAUSE)
            self._writer.cancel()
        await self.commit()

    def pause(self) -> None:
        """Nothing is fetched ahead."""

    def resume(self) -> None:
        """The same."""

    def close(self) -> None:
        """See ``Source``."""
        self._closed = True
        self._changed.set()

    def fail(self, error: Exception) -> None:
        """Let whoever puts know that the reader is gone."""
        self._error = error

    async def _write(self) -> None:
        """One transaction for all that has come meanwhile; while the disk refuses, it waits here."""
        while self._unwritten:
            bodies = list(self._unwritten)
            try:
                await self.store.run(self.store.add, self.sink, bodies)
            except sqlite3.Error as error:
                _log.warning("%s: the queue cannot be written, will be again: %s", self.sink, error)
                await asyncio.sleep(_PAUSE)
                continue
            for _ in bodies:
                self._unwritten.popleft()
            self._waiting = (self._waiting or 0) + len(bodies)
            self._changed.set()

    def _shed(self) -> None:
        self.counters.shed += 1
        if not self._full:
            self._full = True
            _log.error("%s: %s detections wait, there is no room for more", self.sink, self.size)

    def _item(self, number: int, detection: bytes) -> Item:
        settle, bury = partial(self._settle, number), partial(self._bury, detection)
        return Item(_read(detection), settle, bury, len(detection))

    def _settle(self, number: int) -> None:
        """It may come after any number of commits: the list of that moment takes it."""
        self._settled.append(number)

    async def _bury(self, detection: bytes, refusal: Refusal) -> None:
        if not await self.store.run(self.store.bury, self.sink, detection, refusal):
            self.counters.shed += 1
            _log.error("%s: no room for more dead letters, see `tracetide dead list`", self.sink)


def _read(data: bytes) -> Detection | Never:
    """A file may have been written by another version."""
    try:
        return wire_detection.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        return Never(f"not a detection: {error}")


def _locked(path: Path) -> IO[bytes]:
    """The lock of the file: it ends with the process, however that ends."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = path.with_name(path.name + ".lock").open("ab")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise SinkError(f"the queue {path} is in use by another process: end that, or name another") from None
    return lock


def _open(path: Path) -> sqlite3.Connection:
    """Every commit is on disk when it returns (``FULL``); what is in it is for the owner's eyes only."""
    path.touch(mode=0o600)
    database = sqlite3.connect(path, timeout=5.0, check_same_thread=False)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.executescript(_TABLES)
    return database
