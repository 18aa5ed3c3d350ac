"""Takes detections, keeps them, tells people when it is time, and tries until it is told."""

import asyncio
import logging
import random
import sqlite3
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from notify.config import Config
from notify.contract import Delivered, Never, Outcome, Receiver, Retry
from notify.groups import Groups, Step, merged
from notify.inhibit import Inhibitor
from notify.labels import Labels, labels_of
from notify.message import message
from notify.receivers import Target
from notify.silences import Silence, SilenceError, Silences
from notify.store import Store, Waiting, open_store
from wire.detection import Detection

_log = logging.getLogger(__name__)

SILENCES = "silences.json"


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds. After the n-th failure in a row there is a wait of up to ``first * 2**n`` and ``longest``.

    A receiver that names a time gets it, up to ``longest_wish``. ``timeout`` is for one message,
    ``grace`` for what is under way at a stop.
    """

    first: float = 1.0
    longest: float = 60.0
    longest_wish: float = 600.0
    timeout: float = 120.0
    grace: float = 10.0

    def wait(self, failures: int, wish: float | None) -> float:
        """Exponential backoff with full jitter, or the wish if that is longer."""
        ceiling = min(self.longest, self.first * 2 ** min(failures, 32))
        return max(random.uniform(0, ceiling), min(wish or 0.0, self.longest_wish))  # noqa: S311  # no secret


@dataclass
class Notifier:
    """The whole way from a detection to people. ``told`` counts messages that arrived."""

    config: Config
    store: Store
    silences: Silences
    clock: Callable[[], float] = time.time
    patience: Patience = Patience()
    told: int = 0
    _groups: Groups = field(init=False)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _due: dict[str, asyncio.Event] = field(default_factory=dict)
    _trouble: str = ""
    _unkept: Step = field(default_factory=Step)

    def __post_init__(self) -> None:
        """Go on where the last process stopped."""
        config = self.config
        inhibitor = Inhibitor(config.inhibitions, self.store.sources())
        inhibitor.sources = {
            key: one for key, one in inhibitor.sources.items() if key[0] < len(inhibitor.rules)
        }
        self._groups = Groups(config.route, inhibitor, config.intervals)
        self._groups.restore(self.store.groups(), self.clock())
        self._due = {target.name: asyncio.Event() for target in self._targets()}
        heir = next(iter(config.receivers.get(config.route.receiver, ())), None)
        moved = self.store.adopt(self._due, heir.name if heir else None)
        if moved:
            to = f"they go to {heir.name}" if heir else "they wait until there is one"
            _log.warning("notify: %d messages are for receivers that are no more; %s", moved, to)

    def take(self, detections: Sequence[Detection]) -> None:
        """Take in detections; when this returns they are on disk, and will be told."""
        now = self.clock()
        for detection in detections:
            self._groups.add(detection, labels_of(detection, self.config.owners(detection).name), now)
        self._keep(Step(), now)
        self._arrived.set()

    def look(self) -> None:
        """Put in the outbox what is due now."""
        now = self.clock()
        self._keep(self._groups.due(now, self._silenced), now)

    async def run(self) -> None:
        """Tell people until cancelled; then finish what is under way within ``patience.grace``."""
        work = [asyncio.create_task(self._watch())]
        work += [asyncio.create_task(self._serve(target)) for target in self._targets()]
        try:
            await asyncio.gather(*work)
        finally:
            for task in work:
                if not task.cancelling():
                    task.cancel()
            await asyncio.wait(work, timeout=self.patience.grace)

    async def _watch(self) -> None:
        """Look whenever something may be due."""
        while True:
            self._arrived.clear()
            try:
                self.look()
            except sqlite3.Error as error:
                _log.error("notify: the state cannot be written, trying until it can: %s", error)
                await asyncio.sleep(self.patience.longest / 10)
                continue
            next_ = self._groups.next()
            seconds = None if next_ is None else max(0.0, next_ - self.clock())
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._arrived.wait()

    async def _serve(self, target: Target) -> None:
        """Bring one target what waits for it; a target that is away holds up nobody else."""
        receiver, failures = target.open(), 0
        try:
            await asyncio.sleep(self._settling(target))
            while True:
                self._due[target.name].clear()
                waiting = self.store.waiting(target.name)
                if waiting is None:
                    await self._due[target.name].wait()
                    continue
                attempt = asyncio.create_task(self._attempt(target.name, receiver, waiting, failures))
                try:
                    outcome = await asyncio.shield(attempt)
                except asyncio.CancelledError:
                    await asyncio.wait([attempt], timeout=self.patience.grace)
                    raise
                failures = failures + 1 if isinstance(outcome, Retry) else 0
                if isinstance(outcome, Retry):
                    await asyncio.sleep(self.patience.wait(failures, outcome.after))
        finally:
            await receiver.close()

    async def _attempt(self, target: str, receiver: Receiver, waiting: Waiting, failures: int) -> Outcome:
        """Tell it, and keep what became of it."""
        self.store.asks(target, self.clock())
        outcome = await self._deliver(receiver, waiting)
        match outcome:
            case Delivered(thread):
                self.store.delivered(target, waiting, thread, self.clock())
                self.told += 1
                if failures:
                    _log.warning("notify: %s: told again after %d failures", target, failures)
            case Never(reason):
                _log.error("notify: %s refuses a message for good: %s", target, reason)
                self.store.refused(target, waiting, reason, self.clock())
            case Retry(reason):
                self.store.failed(target, waiting)
                if not failures:
                    _log.warning("notify: %s: not told, trying until it is: %s", target, reason)
        return outcome

    def _settling(self, target: Target) -> float:
        """Seconds until what a killed process asked of a target is done there, or never will be."""
        asked, settles = self.store.asked(target.name), target.settings.settles
        return 0.0 if asked is None else min(settles, asked + settles - self.clock())

    async def _deliver(self, receiver: Receiver, waiting: Waiting) -> Outcome:
        one = merged(waiting.notifications)
        try:
            async with asyncio.timeout(self.patience.timeout):
                said = message(one, self.config.owners(one.lead), self.config.links)
                return await receiver.deliver(said, waiting.thread)
        except Exception as error:  # noqa: BLE001  # a receiver that breaks its promise must not lose messages
            return Retry(_where(error))

    def _keep(self, step: Step, now: float) -> None:
        """Write down what changed; what could not be written is with the next that is."""
        self._unkept.notifications.extend(step.notifications)
        self._unkept.withheld.extend(step.withheld)
        targets = {name: [each.name for each in ways] for name, ways in self.config.receivers.items()}
        self.store.keep(self._groups, self._unkept, targets, now)
        if self._unkept.notifications:
            for due in self._due.values():
                due.set()
        self._unkept = Step()

    def _silenced(self, labels: Labels, now: float) -> Silence | None:
        """A file of silences that cannot be read silences nothing: better told too often than not at all."""
        try:
            return self.silences.of(labels, now)
        except SilenceError as error:
            if str(error) != self._trouble:
                self._trouble = str(error)
                _log.error("notify: nothing is silenced: %s", error)
            return None

    def _targets(self) -> list[Target]:
        return [target for ways in self.config.receivers.values() for target in ways]


def notifier(config: Config, folder: Path, patience: Patience | None = None) -> Notifier:
    """What tells people, with its state in a folder; raises ``StoreError``."""
    return Notifier(config, open_store(folder), Silences(folder / SILENCES), patience=patience or Patience())


def _where(error: Exception) -> str:
    """The error without its message, which may hold an address with a password in it."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"
