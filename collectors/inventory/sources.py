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

# Seconds between two looks whether a stream of events has told meanwhile, or a runtime knows it by now.
_GLANCE = 0.05

# How often a runtime is asked again for a container that only it can have made.
_DOUBTS = 10

# The interface that is asked for the containers of a runtime.
_NAMES = {"containerd": "cri", "cri-o": "cri"}

# Seconds between two looks for sockets that were not there.
_LOOK = 5.0


@dataclass
class _Connection:
    """A source and whether it has told of all that is there; ``trouble`` is what was last said of it."""

    teller: Teller
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    trouble: str | None = None


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
        if self.files and (about := self.files.look(seen.id)):
            self.book.told("oci", seen.id, about)
        late: list[str] = []
        if not self._enough(seen):
            asked = {
                asyncio.create_task(self._ask(connection, seen, patience)): connection.teller.name
                for connection in self._connections.values()
            }
            self._asking.update(asked)
            late = await self._answers(asked, seen, patience)
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

    def _enough(self, seen: Seen) -> bool:
        """Whether a runtime has told of the container and, where there is a cluster, this of the pod."""
        if not self.book.has_runtime(seen.id):
            return False
        about = self.book.about(seen.id, seen.pod)
        uid = about.pod.uid if about and about.pod else None
        cluster = any(connection.teller.name == "kubernetes" for connection in self._connections.values())
        return uid is None or not cluster or self.book.has_pod(uid)

    async def _ask(self, connection: _Connection, seen: Seen, patience: float) -> None:
        """Ask one source, again if it is connected in time; what is wrong with it, ``_keep`` will say.

        A stream of events may have broken while questions are answered, and a container may not live until it
        is back. What is gone by now, the stream tells when it is back.
        """
        was_ready = connection.ready.is_set()
        with contextlib.suppress(InventoryError):
            await self._look(connection, seen)
        if was_ready or self._enough(seen):
            return
        with contextlib.suppress(InventoryError, TimeoutError):
            async with asyncio.timeout(patience):
                await connection.ready.wait()
            await self._look(connection, seen)

    async def _look(self, connection: _Connection, seen: Seen) -> None:
        """The source that must know a container may need a moment to do so."""
        name = connection.teller.name
        doubts = _DOUBTS if name == _maker(seen) else 0
        while not self._enough(seen):
            if about := await connection.teller.look(seen):
                self.book.told(name, seen.id, about)
                return
            if not doubts:
                return
            doubts -= 1
            await asyncio.sleep(_GLANCE)

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
                await connection.teller.follow(self.book, connection.ready.set)
            except InventoryError as error:
                if connection.ready.is_set():
                    pause = _PAUSE
                connection.ready.clear()
                self._complain(connection, str(error))
            except Exception as error:  # noqa: BLE001  # whatever a source does, the events must go on
                connection.ready.clear()
                self._complain(connection, f"{connection.teller.name} failed: {error!r}")
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

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
