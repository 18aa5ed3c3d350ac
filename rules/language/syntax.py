"""A condition after parsing: what its author wrote, nothing yet looked up.

``at`` is the index in the condition's text at which a node begins. It takes no part in comparisons.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Field:
    """``name`` or ``name[argument]``."""

    name: str
    argument: str | None = None
    at: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return self.name if self.argument is None else f"{self.name}[{self.argument}]"


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant, without its quotes and escapes."""

    text: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Several:
    """Values in parentheses: constants on the right of a check, anything inside a transformer."""

    items: tuple[Operand, ...]
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Transformed:
    """``transformer(arguments)`` or ``transformer(arguments)[selector]``."""

    transformer: str
    arguments: tuple[Operand, ...]
    selector: str | None = None
    at: int = field(default=0, compare=False)


Operand = Field | Literal | Several | Transformed


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison. ``exists`` has no right side; ``modifier`` is oneof, anyof or allof."""

    left: Field | Transformed
    operator: str
    right: Operand | None = None
    modifier: str | None = None
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Macro:
    """The name of a condition that is written down elsewhere."""

    name: str
    at: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    """True when ``term`` is false."""

    term: Condition


@dataclass(frozen=True, slots=True)
class And:
    """True when all terms are; at least two."""

    terms: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True when any term is; at least two."""

    terms: tuple[Condition, ...]


Condition = And | Or | Not | Check | Macro
