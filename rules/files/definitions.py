"""What rule files define, while they are being read: later items change earlier ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rules.faults import Place
from rules.files.tree import Scalar
from wire.detection import Priority

Entry = str | tuple["Entry", ...]


@dataclass(slots=True)
class Text:
    """Text put together from what several items contributed, which knows where each part stands."""

    parts: list[Scalar]

    def __str__(self) -> str:
        return " ".join(part.text for part in self.parts)

    def place_of(self, index: int) -> Place:
        """Where the character at ``index`` stands."""
        for part in self.parts:
            if index <= len(part.text):
                return part.place_of(index)
            index -= len(part.text) + 1
        return self.parts[-1].place


@dataclass(slots=True)
class Exclusion:
    """An exception of a rule: ``fields`` compared by ``comparisons`` with each of ``values``."""

    name: str
    place: Place
    fields: Entry | None
    comparisons: Entry | None
    values: list[Entry] = field(default_factory=list)


@dataclass(slots=True)
class ListDefinition:
    """A list. ``index`` is where it was first defined, ``visibility`` where it was last changed."""

    name: str
    place: Place
    items: list[str]
    index: int = 0
    visibility: int = 0


@dataclass(slots=True)
class MacroDefinition:
    """A macro. It sees the macros whose ``index`` is below its ``visibility``."""

    name: str
    place: Place
    condition: Text
    index: int = 0
    visibility: int = 0


@dataclass(slots=True)
class RuleDefinition:
    """A rule. ``techniques`` to ``cases`` are keys that Falco does not have."""

    name: str
    place: Place
    condition: Text
    output: Text
    description: str
    priority: Priority
    source: str = "syscall"
    enabled: bool = True
    tags: list[str] = field(default_factory=list)
    exceptions: list[Exclusion] = field(default_factory=list)
    warn_event_types: bool = True
    skip_unknown: bool = False
    techniques: list[Scalar] = field(default_factory=list)
    response: str = ""
    false_positives: list[str] = field(default_factory=list)
    cases: list[CaseDefinition] = field(default_factory=list)
    index: int = 0


@dataclass(frozen=True, slots=True)
class CaseDefinition:
    """Values of fields that a rule must match, or must not."""

    name: str
    place: Place
    matches: bool
    fields: Mapping[str, Any]
