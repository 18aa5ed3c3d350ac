"""What was measured, in words and numbers for a person, and as plain data for a program."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from collectors.kernel import ways
from collectors.kernel.hooks import HOOKS
from tracetide.overhead.pairs import CONFIDENCE, FEWEST, Measured


@dataclass(frozen=True, slots=True)
class TypeCost:
    """What the events of one program cost in the kernel: nanoseconds in all its runs.

    ``unneeded`` events were looked at and did not leave it.
    """

    types: tuple[str, ...]
    events: int
    unneeded: int
    runs: int
    nanoseconds: int


@dataclass(frozen=True, slots=True)
class Report:
    """The figures. Times in seconds, memory in megabytes; ``share`` is of one processor."""

    measured: Measured
    costs: tuple[TypeCost, ...]

    @property
    def events(self) -> int:
        """Events of a watched run, in the middle."""
        return int(median(self._counted("events")))

    @property
    def unneeded(self) -> int:
        """Events of a watched run that no rule needed."""
        return int(median(self._counted("unneeded")))

    @property
    def lost(self) -> int:
        """Events that were lost in all watched runs."""
        return sum(self._counted("lost"))

    @property
    def share(self) -> float:
        """How much of one processor the collector took while the workload ran."""
        runs = zip(self.measured.watchers, self.measured.watched, strict=True)
        return float(median(said["seconds"] / seconds for said, seconds in runs))

    @property
    def resident(self) -> float:
        """The collector's memory."""
        return max(float(said["resident"]) for said in self.measured.watchers)

    def _counted(self, what: str) -> list[int]:
        return [sum(said[what].values()) for said in self.measured.watchers]

    @property
    def sentence(self) -> str:
        """The answer in one sentence."""
        found, pairs = self.measured.slowdown, len(self.measured.watched)
        sure = (
            f"{100 * CONFIDENCE:.0f} % sure"
            if pairs >= FEWEST
            else f"too few pairs to be sure, {FEWEST} are enough"
        )
        between = f"{_percent(found.low)} to {_percent(found.high)}, {sure}"
        if found.low <= 1 <= found.high:
            return f"No slow-down that can be told from noise: {_percent(found.middle)} ({between})."
        return f"Watched, the workload takes {_percent(found.middle)} time ({between})."

    def to_json(self) -> dict[str, Any]:
        """Plain lists and dictionaries."""
        return {
            "slowdown": asdict(self.measured.slowdown),
            "unwatched_seconds": self.measured.unwatched,
            "watched_seconds": self.measured.watched,
            "collector": {
                "events": self.events,
                "unneeded": self.unneeded,
                "lost": self.lost,
                "share_of_a_core": self.share,
                "resident_mb": self.resident,
            },
            "costs": [asdict(cost) for cost in self.costs],
        }


def type_costs(said: dict[str, Any]) -> Iterator[TypeCost]:
    """What each program cost, the dearest first. The kernel keeps 15 characters of a program's name."""
    events: Counter[str] = Counter(said["events"])
    unneeded: Counter[str] = Counter(said["unneeded"])
    for name, (nanoseconds, runs) in sorted(said["programs"].items(), key=lambda item: -item[1][0]):
        types = tuple(event for event, hook in HOOKS.items() if ways.called(name) == hook.program[:15])
        if runs and types:
            needed, rest = (sum(counts[each] for each in types) for counts in (events, unneeded))
            yield TypeCost(types, needed, rest, runs, nanoseconds)


def _percent(ratio: float) -> str:
    return f"{100 * (ratio - 1):+.1f} %"
