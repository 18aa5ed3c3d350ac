"""What became of documents that are written for Sigma."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rules.faults import Fault
from rules.ruleset import Rule
from rules.sigma.correlation import Correlation


@dataclass(frozen=True, slots=True)
class Refused:
    """A rule that was understood and cannot be asked of the events that there are."""

    name: str
    file: str
    line: int
    reasons: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain lists and dictionaries."""
        return {"name": self.name, "file": self.file, "line": self.line, "reasons": list(self.reasons)}


@dataclass(slots=True)
class Outcome:
    """Rules that can be used, those that cannot, and what is to be said of the files."""

    rules: list[Rule] = field(default_factory=list)
    correlations: list[Correlation] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    errors: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)

    def refuse(self, name: str, reasons: Sequence[Fault]) -> None:
        """Leave a rule out; every reason is a warning."""
        place = reasons[0].place
        self.refused.append(Refused(name, place.file, place.line, tuple(each.sentence for each in reasons)))
        for reason in reasons:
            self.warnings.append(Fault(reason.place, reason.item, f"left out: {reason.sentence}", "notice"))
