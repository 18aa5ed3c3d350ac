"""Keeps the inventory's sources connected, and asks them all about a container that was just seen."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path

from collectors.inventory.book import Book
from collectors.inventory.contract import InventoryError, Seen, Teller
from collectors.inventory.oci import Files
from collectors.inventory.settings import KINDS, Where, everywhere
from wire.inventory import Description

_log = logging.getLogger(__name__)

_PAUSE = 0.5
_LONGEST_PAUSE = 30.0

# A stream that lasted so many seconds is taken up again at once.
_LASTED = 5.0

# Seconds between two looks whether a stream of events has told meanwhile, or a runtime knows it by now.
_GLANCE = 0.05

# Seconds for which a runtime is asked again and again for a container that only it can have made.
_DOUBT = 1.0

# The interface that is asked for the containers of a runtime.
_NAMES = {"containerd": "cri", "cri-o": "cri"}

# Seconds for which files are looked for: runc writes its own after the first process is in the control group.
_WRITTEN = 0.5

# Seconds between two looks for sockets that were not there.
_LOOK = 5.0


@dataclass
class _Connection:
    """A source and whether it has told of all that is there; ``trouble`` is what was last said of it.

    ``since`` is when it had, by the clock of the loop.
    """

    teller: Teller
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    since: float = 0.0
    trouble: str | None = None

    def complete(self) -> None:
        """It has told of all that is there."""
        self.since = asyncio.get_running_loop().time()
        self.ready.set()

    def broke(self) -> float:
        """It can tell nothing for now; for how many seconds it could."""
        lasted = asyncio.get_running_loop().time() - self.since if self.ready.is_set() else 0.0
        self.ready.clear()
        return lasted


@dataclass
class Sources:
    """All sources that there are on this host. ``run`` never ends by itself."""

    where: Where = field(default_factory=everywhere)
    files: Files | None = field(default_factory=Files)
    book: Book = field(default_factory=Book)
    _connections: dict[tuple[str, Path], _Connection] = field(default_factory=dict)
    _tasks: dict[tuple[str, Path], asyncio.Task[None]] = field(default_factory=dict)
    _asking: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self) -> None:
        """Connect to what is there and to what comes, until cancelled."""
        try:
            while True:
                self.connect()
                self.book.tidy()
                await asyncio.sleep(_LOOK)
        finally:
            tasks = [*self._tasks.values(), *self._asking]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def connect(self) -> None:
        """Begin with sources that have appeared, let go of those that are gone."""
        there = set(self.where.found())
        for key in there - self._connections.keys():
            kind, path = key
            connection = self._connections[key] = _Connection(KINDS[kind].open(path))
            self._tasks[key] = asyncio.create_task(self._keep(connection))
        for key in self._connections.keys() - there:
            self._tasks.pop(key).cancel()
            del self._connections[key]

    async def find(self, seen: Seen, patience: float) -> tuple[Description | None, str | None]:
        """What is known of a container; asks everybody, and waits for the answers that long at most.

        The second is a sentence that says why no runtime's description is there, if none is.
        """
        self._look_into_files(seen)
        late: list[str] = []
        if not self._enough(seen):
            asked = {
                asyncio.create_task(self._ask(connection, seen, patience)): connection.teller.name
                for connection in self._connections.values()
            }
            self._asking.update(asked)
            late = await self._answers(asked, seen, patience)
        await self._files_written(seen, patience)
        about = self.book.about(seen.id, seen.pod)
        return about, None if about and about.name else self._why(late, patience)

    async def _answers(self, asked: dict[asyncio.Task[None], str], seen: Seen, patience: float) -> list[str]:
        """Wait until enough is known or all have answered; the names of those that did not in time."""
        waiting = set(asked)
        deadline = asyncio.get_running_loop().time() + patience
        while waiting and not self._enough(seen):
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                break
            _, waiting = await asyncio.wait(
                waiting, timeout=min(left, _GLANCE), return_when=asyncio.FIRST_COMPLETED
            )
        # Those that are not needed any more may end by themselves: their answer may still be news.
        self._asking = {task for task in self._asking if not task.done()}
        return [asked[task] for task in waiting]

    def _look_into_files(self, seen: Seen) -> None:
        if self.files and (about := self.files.look(seen.id)):
            self.book.told("oci", seen.id, about)

    async def _files_written(self, seen: Seen, patience: float) -> None:
        """Look again for a while if nobody knows anything of a container that was just made."""
        deadline = asyncio.get_running_loop().time() + min(_WRITTEN, patience)
        while self.book.about(seen.id, seen.pod) is None and asyncio.get_running_loop().time() < deadline:
            await asyncio.sleep(_GLANCE)
            self._look_into_files(seen)

    def _enough(self, seen: Seen) -> bool:
        """Whether a runtime has told of the container and, where there is a cluster, this of the pod."""
        if not self.book.has_runtime(seen.id):
            return False
        about = self.book.about(seen.id, seen.pod)
        uid = about.pod.uid if about and about.pod else None
        cluster = any(connection.teller.name == "kubernetes" for connection in self._connections.values())
        return uid is None or not cluster or self.book.has_pod(uid)

    async def _ask(self, connection: _Connection, seen: Seen, patience: float) -> None:
        """Ask one source, again and again while it may yet tell; what is wrong with it, ``_keep`` will say.

        A stream of events may have broken while questions are answered, and a container may not live until it
        is back. What is gone by now, the stream tells when it is back.
        """
        began = asyncio.get_running_loop().time()
        with contextlib.suppress(InventoryError):
            await self._look(connection, seen)
        while not self._enough(seen):
            waited = asyncio.get_running_loop().time() - began
            if waited >= self._worth_waiting(connection, seen, patience):
                return
            await asyncio.sleep(_GLANCE)
            if connection.ready.is_set():
                with contextlib.suppress(InventoryError):
                    await self._look(connection, seen)

    def _worth_waiting(self, connection: _Connection, seen: Seen, patience: float) -> float:
        """For how many seconds a source that did not know a container may yet tell of it."""
        if not connection.ready.is_set():
            return patience
        if _maker(seen) not in (None, connection.teller.name):
            return 0.0
        if asyncio.get_running_loop().time() - connection.since < 2 * patience:
            # What the stream tells of the time when it was away is still on its way.
            return patience - 2 * _GLANCE
        return _DOUBT if _maker(seen) else 0.0

    async def _look(self, connection: _Connection, seen: Seen) -> None:
        if about := await connection.teller.look(seen):
            self.book.told(connection.teller.name, seen.id, about)

    def _why(self, late: list[str], patience: float) -> str:
        if not self._connections:
            return "no container runtime can be asked on this host"
        if late:
            return f"{', '.join(sorted(late))} did not answer within {patience:g} seconds"
        names = {connection.teller.name for connection in self._connections.values()}
        return f"not known to {', '.join(sorted(names))}"

    async def _keep(self, connection: _Connection) -> None:
        """Follow one source, again and again, and say once what is wrong with it."""
        pause = _PAUSE
        while True:
            try:
                await connection.teller.follow(self.book, connection.complete)
            except InventoryError as error:
                if connection.ready.is_set():
                    pause = _PAUSE
                if connection.broke() >= _LASTED:
                    pause = 0.0
                self._complain(connection, str(error))
            except Exception as error:  # noqa: BLE001  # whatever a source does, the events must go on
                connection.broke()
                self._complain(connection, f"{connection.teller.name} failed: {error!r}")
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE) or _PAUSE

    def _complain(self, connection: _Connection, sentence: str) -> None:
        if connection.trouble != sentence:
            _log.warning("%s; trying again", sentence)
        connection.trouble = sentence


def _maker(seen: Seen) -> str | None:
    """Which source must know a container, by what its control group says; pods are made through the CRI."""
    return _NAMES.get(seen.runtime or "", seen.runtime) or ("cri" if seen.pod else None)


async def cancelled(work: Awaitable[object]) -> None:
    """Wait for a task that was cancelled."""
    with contextlib.suppress(asyncio.CancelledError):
        await work
