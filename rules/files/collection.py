"""Everything that rule files have defined so far."""

from dataclasses import dataclass, field

from rules.faults import Fault
from rules.files.definitions import ListDefinition, MacroDefinition, RuleDefinition
from rules.files.tree import Entries


@dataclass(slots=True)
class Collection:
    """Everything defined so far, by name; ``errors`` and ``warnings`` are what was wrong on the way.

    ``sigma`` are the documents that are written for Sigma, still as they were read.
    """

    lists: dict[str, ListDefinition] = field(default_factory=dict)
    macros: dict[str, MacroDefinition] = field(default_factory=dict)
    rules: dict[str, RuleDefinition] = field(default_factory=dict)
    errors: list[Fault] = field(default_factory=list)
    warnings: list[Fault] = field(default_factory=list)
    touched: list[MacroDefinition | RuleDefinition] = field(default_factory=list)
    sigma: list[Entries] = field(default_factory=list)
    dropped: set[str] = field(default_factory=set)
    count: int = 0

    def next(self) -> int:
        """The number of the next definition or change."""
        self.count += 1
        return self.count - 1
