"""What tells two sets of rules apart."""

from collections.abc import Iterable
from dataclasses import dataclass

from rules.ruleset import Rule


@dataclass(frozen=True, slots=True)
class Changes:
    """Names of rules; of a changed one also what is different: condition, output, priority and so on."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: dict[str, tuple[str, ...]]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)

    def __str__(self) -> str:
        """One sentence part, for the log."""
        parts = [
            f"{len(names)} {what} ({', '.join(names)})"
            for what, names in (
                ("added", self.added),
                ("removed", self.removed),
                ("changed", tuple(self.changed)),
            )
            if names
        ]
        return "; ".join(parts) or "nothing"


def changes(old: Iterable[Rule], new: Iterable[Rule]) -> Changes:
    """From ``old`` to ``new``; rules are the same if their names are."""
    before, after = ({rule.name: rule for rule in each} for each in (old, new))
    different = {name: tuple(_different(before[name], after[name])) for name in before if name in after}
    return Changes(
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        changed={name: what for name, what in different.items() if what},
    )


def _different(old: Rule, new: Rule) -> Iterable[str]:
    """What a reader of detections or the stream would notice; where it is written does not count."""
    if old.logic != new.logic:
        yield "condition"
    if old.output != new.output:
        yield "output"
    if old.enabled != new.enabled:
        yield "enabled"
    for name in ("priority", "tags", "techniques", "description", "response", "false_positives"):
        if getattr(old.info, name) != getattr(new.info, name):
            yield name
