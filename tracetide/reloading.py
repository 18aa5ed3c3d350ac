"""Rules that change while a command runs: loaded beside the work, and taken over if they are good."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import rules
from rules import RuleErrors, RuleSet
from rules.changes import changes
from tracetide.loading import load_rules
from tracetide.options import Matching

_log = logging.getLogger(__name__)

# Seconds between two looks at the files.
INTERVAL = 1.0

# What tells one state of a file from another: its path, when it was changed, its inode and its size.
_Mark = tuple[str, int, int, int]

Adopt = Callable[[RuleSet], Awaitable[None]]


@dataclass
class RuleFiles:
    """The rules of ``paths`` as a command loads them at its start and follows them from then on.

    Raises:
        CommandError: they cannot be used at the start; with every error.
    """

    paths: Sequence[Path]
    library: bool
    matching: Matching
    interval: float = INTERVAL
    rules: RuleSet = field(init=False)
    _seen: frozenset[_Mark] = field(init=False)
    _asked: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._seen = self._look()  # before loading: what changes meanwhile shows at the next look
        self.rules = load_rules(self.paths, library=self.library, matching=self.matching)

    def ask(self) -> None:
        """Load again soon, whether the files look changed or not."""
        self._asked.set()

    @asynccontextmanager
    async def followed(self, adopt: Adopt) -> AsyncIterator[None]:
        """While the block runs, hand every new set of rules to ``adopt``; a broken one is told to the log."""
        following = asyncio.create_task(self._follow(adopt))
        try:
            yield
        finally:
            following.cancel()
            with suppress(asyncio.CancelledError):
                await following

    async def _follow(self, adopt: Adopt) -> None:
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._asked.wait(), self.interval)
            asked = self._asked.is_set()
            self._asked.clear()
            try:
                if asked or await self._changed():
                    await self._reload(adopt)
            except Exception:  # noqa: BLE001  # whatever goes wrong, the work goes on with the rules it has
                _log.exception("the rules could not be loaded again; those before stay in use")

    async def _changed(self) -> bool:
        """Whether the files are others than before, and nobody is in the middle of writing them."""
        found = await asyncio.to_thread(self._look)
        if found == self._seen:
            return False
        await asyncio.sleep(self.interval / 2)
        return found == await asyncio.to_thread(self._look)

    async def _reload(self, adopt: Adopt) -> None:
        self._seen = await asyncio.to_thread(self._look)
        try:
            new = await asyncio.to_thread(
                rules.load, self.paths, library=self.library, matching=self.matching
            )
        except RuleErrors as errors:
            _log.error("the new rules cannot be used, those before stay in use\n%s", errors)
            return
        for warning in new.warnings:
            _log.warning("%s", warning)
        difference = changes(self.rules.rules, new.rules)
        await adopt(new)
        self.rules = new
        _log.warning("rules were loaded again: %s", difference)

    def _look(self) -> frozenset[_Mark]:
        """The files as they are now; those that cannot be looked at are left out."""
        return frozenset(mark for path in rules.files(self.paths) for mark in _marks(path))


def _marks(path: Path) -> Sequence[_Mark]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return [(str(path), found.st_mtime_ns, found.st_ino, found.st_size)]
