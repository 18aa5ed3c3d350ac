"""Brings detections from a source to one sink: batches, tries again, buries what is refused, acknowledges."""

import asyncio
import logging
import random
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from sinks.contract import Delivered, Duplicate, Never, Outcome, Retry, Sink, SinkError
from sinks.counters import Counters
from wire.detection import Detection

_log = logging.getLogger(__name__)

# How long to wait for a first item before asking again, in seconds.
_IDLE = 1.0

# Seconds between two lines of counters in the log.
_REPORT = 60.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a detection is given up, after how many attempts, and when the first and the last of them were.

    Times are seconds since the epoch.
    """

    reason: str
    attempts: int
    first: float
    last: float


@dataclass(frozen=True, slots=True)
class Item:
    """One detection on its way, or a record that holds none and why.

    ``settle`` tells the source that nothing is left to do for it. ``bury`` brings it to the dead letters;
    when it raises, the item is not settled. ``size`` is about how many bytes it holds.
    """

    content: Detection | Never
    settle: Callable[[], None]
    bury: Callable[[Refusal], Awaitable[None]]
    size: int = 0


class Source(Protocol):
    """Where items come from. What was taken and not settled must come again after a restart, if it can."""

    async def take(self, limit: int, seconds: float) -> Sequence[Item] | None:
        """At most ``limit`` items as soon as there are some, none after ``seconds``; None from the end on."""

    async def commit(self) -> None:
        """Make known what has been settled, in order, up to the first item that has not."""

    def pause(self) -> None:
        """Fetch nothing ahead for now: the destination takes nothing."""

    def resume(self) -> None:
        """Fetch again."""

    def close(self) -> None:
        """Take in nothing more; ``take`` gives what is already here, if it would be lost, and then None."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How many at a time, and how patiently. Times in seconds.

    A batch goes out when it has ``count`` items or ``bytes``, or its first one is ``age`` old; as many are in
    flight as the sink takes at once. The n-th try in a row that settles nothing is followed by a wait of up
    to ``first_wait * 2**n``, at most ``longest_wait``. A destination that names a time gets it, up to
    ``longest_wish``. After ``breaker`` such tries the source is paused, and one item alone asks whether the
    destination is back. ``timeout`` is for one call of the sink, ``grace`` for what is in flight when the
    runner is stopped.
    """

    count: int = 500
    bytes: int = 4 << 20
    age: float = 1.0
    first_wait: float = 0.5
    longest_wait: float = 60.0
    longest_wish: float = 600.0
    breaker: int = 5
    timeout: float = 120.0
    grace: float = 10.0


@dataclass(slots=True)
class _Held:
    """An item in flight: since when, in seconds since the epoch, and how often it was tried."""

    item: Item
    since: float = field(default_factory=time.time)
    attempts: int = 0


@dataclass(slots=True, eq=False)
class _Flight:
    """A batch under way: what of it is not settled, why not, and how many tries in a row settled nothing."""

    pending: list[_Held]
    retries: list[Retry] = field(default_factory=list)
    failures: int = 0

    def oldest(self) -> int | None:
        """The time of the oldest event in it."""
        contents = (held.item.content for held in self.pending)
        return min((each.time for each in contents if isinstance(each, Detection)), default=None)


@dataclass
class Runner:
    """Runs one sink. It forgets nothing: while a destination takes no detections, it holds the source.

    While all goes well, as many batches are under way as the sink takes at once. What has to be tried again
    is tried by one batch at a time, and nothing new is begun meanwhile: a destination in trouble gets no more
    than it can bear, and memory holds no more than those batches.
    """

    sink: Sink
    source: Source
    pace: Pace = Pace()
    counters: Counters = field(default_factory=Counters)
    _flights: list[_Flight] = field(default_factory=list)
    _gathering: asyncio.Lock = field(default_factory=asyncio.Lock)
    _committing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _trouble: asyncio.Lock = field(default_factory=asyncio.Lock)
    _broken: bool = False
    _trouble_since: float | None = None
    _refusal: str | None = None

    async def run(self) -> None:
        """Work until the source ends; when cancelled, finish what is in flight within ``pace.grace`` first.

        Raises:
            SinkError: the sink says that it can never be used again.
        """
        work = asyncio.create_task(self._work())
        report = asyncio.create_task(self._report())
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            self.source.close()
            try:
                await asyncio.wait([work], timeout=self.pace.grace)
            finally:
                if work.cancel():
                    _log.warning("%s: stopped with detections not yet delivered", self.sink.name)
                await asyncio.gather(work, return_exceptions=True)
            raise
        finally:
            report.cancel()

    async def _work(self) -> None:
        """As many batches at once as the sink takes; the first error ends them all."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self.sink.at_once):
                    group.create_task(self._one_after_the_other())
        except BaseExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _one_after_the_other(self) -> None:
        while (batch := await self._gather()) is not None:
            if batch:
                await self._see_through(_Flight([_Held(item) for item in batch]))

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(_REPORT)
            _log.info("%s: %s", self.sink.name, self.counters.line(time.time()))

    async def _gather(self) -> list[Item] | None:
        """Items until there are enough of them or the first has waited long enough; None at the end."""
        async with self._gathering:
            batch = await self.source.take(self.pace.count, _IDLE)
            if batch is None:
                return None
            gathered, deadline = list(batch), time.monotonic() + self.pace.age
            while gathered and not self._enough(gathered) and (left := deadline - time.monotonic()) > 0:
                more = await self.source.take(self.pace.count - len(gathered), left)
                if more is None:
                    break
                gathered += more
            return gathered

    def _enough(self, gathered: list[Item]) -> bool:
        return len(gathered) >= self.pace.count or sum(item.size for item in gathered) >= self.pace.bytes

    async def _see_through(self, flight: _Flight) -> None:
        """Try until everything in it is settled."""
        self._flights.append(flight)
        if not self._trouble.locked():
            await self._go(flight)
        if flight.pending:
            async with self._trouble:
                while flight.pending:
                    if flight.retries:
                        await asyncio.sleep(self._wait(flight.failures, flight.retries))
                    await self._go(flight)
        self._flights.remove(flight)

    async def _go(self, flight: _Flight) -> None:
        """One try; while the breaker is open, of the first item only."""
        self._note_oldest()
        tried = flight.pending[:1] if self._broken else flight.pending
        left = await self._try(tried)
        async with self._committing:
            await self.source.commit()
        flight.pending = [held for held, _ in left] + flight.pending[len(tried) :]
        flight.retries = [retry for _, retry in left]
        flight.failures = flight.failures + 1 if len(left) == len(tried) else 0
        self.counters.retries += len(left)
        self._note_oldest()
        self._tell()
        self._break(flight.failures)

    def _note_oldest(self) -> None:
        times = [time for flight in self._flights if (time := flight.oldest()) is not None]
        self.counters.oldest = min(times, default=None)

    async def _try(self, tried: list[_Held]) -> list[tuple[_Held, Retry]]:
        """Deliver once; what has to be tried again, and why."""
        for held in tried:
            held.attempts += 1
        outcomes = await self._ask([held.item for held in tried])
        return [
            (held, retry)
            for held, outcome in zip(tried, outcomes, strict=True)
            if (retry := await self._settle(held, outcome))
        ]

    def _break(self, failures: int) -> None:
        """Open the breaker after enough failures in a row, close it when something went through."""
        if not self._broken and failures >= self.pace.breaker:
            self._broken = True
            self.source.pause()
        elif self._broken and not failures:
            self._broken = False
            self.source.resume()

    async def _ask(self, items: list[Item]) -> list[Outcome]:
        """The outcome of each; the sink sees only those that are detections."""
        detections = [item.content for item in items if isinstance(item.content, Detection)]
        answers = iter(await self._deliver(detections) if detections else [])
        return [next(answers) if isinstance(item.content, Detection) else item.content for item in items]

    async def _deliver(self, detections: list[Detection]) -> Sequence[Outcome]:
        try:
            async with asyncio.timeout(self.pace.timeout):
                outcomes = await self.sink.deliver(detections)
        except SinkError:
            raise
        except Exception as error:  # noqa: BLE001  # a sink that breaks its promise must not lose detections
            return [Retry(_where(error))] * len(detections)
        if len(outcomes) != len(detections):
            return [Retry(f"{len(outcomes)} outcomes for {len(detections)} detections")] * len(detections)
        return outcomes

    async def _settle(self, held: _Held, outcome: Outcome) -> Retry | None:
        """Do what the outcome asks for; what remains is a reason to try again."""
        match outcome:
            case Delivered():
                self.counters.delivered += 1
                self.counters.arrived(time.time() - held.since)
            case Duplicate():
                self.counters.duplicates += 1
                self.counters.arrived(time.time() - held.since)
            case Never(reason):
                self._tell_refusal(reason)
                try:
                    await held.item.bury(Refusal(reason, held.attempts, held.since, time.time()))
                except Exception as error:  # noqa: BLE001  # whatever it is, the item stays until it is buried
                    return Retry(f"a dead letter could not be written: {_where(error)}")
                self.counters.dead += 1
            case Retry():
                return outcome
        held.item.settle()
        return None

    def _wait(self, failures: int, retries: list[Retry]) -> float:
        """Exponential backoff with full jitter, or the longest wish of the destination if that is longer."""
        ceiling = min(self.pace.longest_wait, self.pace.first_wait * 2 ** min(failures, 32))
        wish = max(retry.after or 0.0 for retry in retries)
        return max(random.uniform(0, ceiling), min(wish, self.pace.longest_wish))  # noqa: S311  # no secret

    def _tell(self) -> None:
        """Log once when a destination stops taking detections, and once when it takes them again."""
        retries = [retry for flight in self._flights for retry in flight.retries]
        if retries and self._trouble_since is None:
            self._trouble_since = time.monotonic()
            _log.warning("%s: not delivered, trying again until it is: %s", self.sink.name, retries[0].reason)
        elif not retries and self._trouble_since is not None:
            seconds = time.monotonic() - self._trouble_since
            self._trouble_since = None
            _log.warning("%s: delivering again after %.1f s", self.sink.name, seconds)

    def _tell_refusal(self, reason: str) -> None:
        """Log a refusal once until another reason comes: there may be one for each detection."""
        if reason != self._refusal:
            self._refusal = reason
            _log.error("%s: refused for good, goes to the dead letters: %s", self.sink.name, reason)


def _where(error: Exception) -> str:
    """The error without its message, which may hold an address with a password in it."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"
