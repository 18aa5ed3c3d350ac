"""A check after everything in it was looked up: typed values, parsed constants."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from rules.catalogue.row import Row, Type, Values


@dataclass(frozen=True, slots=True)
class FieldValue:
    """A field of the catalogue; ``argument`` is empty if it has none."""

    row: Row
    argument: str = ""
    spelled: str = ""

    @property
    def type(self) -> Type:
        """The type of each value."""
        return self.row.type

    @property
    def values(self) -> Values:
        """How many values there are: with an index there is one."""
        return "one" if self.argument and self.row.index else self.row.values

    def __hash__(self) -> int:
        return hash(self.spelled)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FieldValue) and self.spelled == other.spelled


@dataclass(frozen=True, slots=True)
class Constant:
    """A constant that stands where a field could: inside a transformer."""

    text: str
    type: Type = "string"
    values: Values = "one"


@dataclass(frozen=True, slots=True)
class Listed:
    """Values in parentheses inside a transformer; each is taken as text."""

    items: tuple[Value, ...]
    type: Type = "string"
    values: Values = "list"


@dataclass(frozen=True, slots=True)
class Call:
    """A transformer and what it makes."""

    transformer: str
    arguments: tuple[Value, ...]
    selector: str | None
    type: Type
    values: Values = "one"


Value = FieldValue | Constant | Listed | Call


@dataclass(frozen=True, slots=True)
class Comparison:
    """A comparison.

    ``operator`` is one of the language, but ``=`` stands for ``==`` and for ``in`` and ``intersects``
    of a single value. ``right`` holds constants, of which any may match, or the value of another field.
    ``once``: exactly one of the constants must match.
    """

    left: Value
    operator: str
    right: tuple[Any, ...] | Value | None = None
    once: bool = False


def fields_of(comparison: Comparison) -> Iterator[FieldValue]:
    """Every field that the comparison reads."""
    yield from _fields(comparison.left)
    if comparison.right is not None and not isinstance(comparison.right, tuple):
        yield from _fields(comparison.right)


def _fields(value: Value) -> Iterator[FieldValue]:
    if isinstance(value, FieldValue):
        yield value
    elif isinstance(value, Call):
        for argument in value.arguments:
            yield from _fields(argument)
    elif isinstance(value, Listed):
        for item in value.items:
            yield from _fields(item)
