"""Rules that change while a command runs: loaded beside the work, and taken over if they are good."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import rules
from rules import RuleErrors, RuleSet
from rules.changes import changes
from tracetide.following import INTERVAL, Following
from tracetide.loading import load_rules
from tracetide.options import Matching

_log = logging.getLogger(__name__)

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
    _adopt: Adopt = field(init=False)
    _following: Following = field(init=False)

    def __post_init__(self) -> None:
        # Before loading: what changes meanwhile shows at the next look.
        self._following = Following("rules", lambda: rules.files(self.paths), self._reload, self.interval)
        self.rules = load_rules(self.paths, library=self.library, matching=self.matching)

    def ask(self) -> None:
        """Load again soon, whether the files look changed or not."""
        self._following.ask()

    @asynccontextmanager
    async def followed(self, adopt: Adopt) -> AsyncIterator[None]:
        """While the block runs, hand every new set of rules to ``adopt``; a broken one is told to the log."""
        self._adopt = adopt
        async with self._following.running():
            yield

    async def _reload(self) -> None:
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
        await self._adopt(new)
        self.rules = new
        _log.warning("rules were loaded again: %s", difference)
