"""Correlation rules: what several matches of other rules mean together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from wire.detection import RuleInfo

Kind = Literal[
    "event_count",
    "value_count",
    "temporal",
    "temporal_ordered",
    "value_sum",
    "value_avg",
    "value_percentile",
    "value_median",
]
Operator = Literal["<", "<=", ">", ">=", "=", "!="]


@dataclass(frozen=True, slots=True)
class Threshold:
    """What a count must be. ``fields`` are what is counted: different values, not events."""

    operator: Operator
    number: int | float
    fields: tuple[str, ...] = ()
    percentile: int | None = None


@dataclass(frozen=True, slots=True)
class Correlation:
    """One correlation rule. ``rules`` are names of loaded rules or of other correlations, in their order.

    Matches belong together if all ``group_by`` fields are the same: for each, by the name of a rule, the
    fields of the catalogue that hold it there, of which an event has at most one. ``seconds``
    is how long the first and the last of them may be apart. ``condition`` is a threshold, or for
    temporal ones an expression over the rules. ``generate``: its rules are reported by themselves too.
    """

    name: str
    info: RuleInfo
    file: str
    line: int
    kind: Kind
    rules: tuple[str, ...]
    seconds: int
    group_by: Mapping[str, Mapping[str, tuple[str, ...]]]
    counted: Mapping[str, Mapping[str, tuple[str, ...]]]
    condition: Threshold | str
    generate: bool

    def to_json(self) -> dict[str, Any]:
        """Plain lists and dictionaries."""
        condition: Any = self.condition
        if isinstance(condition, Threshold):
            condition = {name: getattr(condition, name) for name in condition.__slots__}
        return {
            "name": self.name,
            "file": self.file,
            "line": self.line,
            "priority": self.info.priority,
            "type": self.kind,
            "rules": list(self.rules),
            "seconds": self.seconds,
            "group_by": {name: dict(places) for name, places in self.group_by.items()},
            "counted": {name: dict(places) for name, places in self.counted.items()},
            "condition": condition,
            "generate": self.generate,
        }
