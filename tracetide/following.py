"""Files that change while a command runs: looked at again and again, and read again when they are others."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

_log = logging.getLogger(__name__)

# Seconds between two looks at the files.
INTERVAL = 1.0

# What tells one state of a file from another: its path, when it was changed, its inode and its size.
_Mark = tuple[str, int, int, int]


@dataclass
class Following:
    """Calls ``reload`` when what ``files`` names is not what it was when this was made, or somebody asks."""

    what: str
    files: Callable[[], Iterable[Path]]
    reload: Callable[[], Awaitable[None]]
    interval: float = INTERVAL
    _seen: frozenset[_Mark] = field(init=False)
    _asked: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._seen = self._look()

    def ask(self) -> None:
        """Read again soon, whether the files look changed or not."""
        self._asked.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Follow while the block runs."""
        task = asyncio.create_task(self._follow())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def _follow(self) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), self.interval)
            asked = self._asked.is_set()
            self._asked.clear()
            try:
                if asked or await self._changed():
                    self._seen = await asyncio.to_thread(self._look)  # what changes while reading shows next
                    await self.reload()
            except Exception:  # noqa: BLE001  # whatever goes wrong, the work goes on with what it has
                _log.exception("the %s could not be loaded again; those before stay in use", self.what)

    async def _changed(self) -> bool:
        """Whether the files are others than before, and nobody is in the middle of writing them."""
        found = await asyncio.to_thread(self._look)
        if found == self._seen:
            return False
        await asyncio.sleep(self.interval / 2)
        return found == await asyncio.to_thread(self._look)

    def _look(self) -> frozenset[_Mark]:
        """The files as they are now; those that cannot be looked at are left out."""
        return frozenset(mark for path in self.files() for mark in _marks(path))


def _marks(path: Path) -> Iterable[_Mark]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return [(str(path), found.st_mtime_ns, found.st_ino, found.st_size)]
