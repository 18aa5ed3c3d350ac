"""What values must have for a condition to hold, as far as indexes can look for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from rules.catalogue import FIELDS
from rules.compiler import patterns
from rules.compiler.comparison import Call, Comparison, FieldValue, Value
from rules.compiler.index import Anchor, Part, fixed
from rules.compiler.logic import All, Any, Is, Tree
from rules.compiler.matching import literals
from rules.compiler.transformers import lowered

Logic = Tree[Comparison]

# Fewer rules than these are asked as quickly without looking anything up.
_WORTHWHILE = 3

# An anchor shorter than this is in too many values, except where it is all of the value.
_SHORTEST = 3

# Fields in which one condition may be looked for: each is one more look-up for every event.
_FIELDS = 4


@dataclass(frozen=True, slots=True)
class Anchored:
    """A condition holds only where one of the fields has a value with one of its anchors."""

    fields: frozenset[tuple[FieldValue, frozenset[Anchor]]]

    @property
    def names(self) -> frozenset[str]:
        """The fields as they are spelled."""
        return frozenset(field.spelled for field, _ in self.fields)

    @property
    def width(self) -> float:
        """A guess how many events have an anchor: of two ways to look for a rule, the narrower is better."""
        return sum(
            _WIDTHS[anchor.part] / max(len(str(anchor.text)), 1)
            for _, anchors in self.fields
            for anchor in anchors
        )


_WIDTHS: Mapping[Part, float] = {
    "equal": 1,
    "filename": 2,
    "directory": 4,
    "suffix": 8,
    "prefix": 16,
    "inside": 16,
}


def assigned(
    conditions: Sequence[tuple[int, Logic]], suitable: Callable[[FieldValue], bool]
) -> dict[int, Anchored]:
    """By which fields each rule is best looked for; rules that cannot be, or not with profit, are left out.

    ``conditions`` are numbers of rules and their conditions.
    """
    choices = {rule: anchored(logic, suitable) for rule, logic in conditions}
    while True:
        chosen = {rule: min(options, key=_width) for rule, options in choices.items() if options}
        counts = Counter(name for each in chosen.values() for name in each.names)
        few = {name for name, number in counts.items() if number < _WORTHWHILE}
        if not few:
            return chosen
        rarest = min(few, key=lambda name: (counts[name], name))
        choices = {
            rule: [each for each in options if rarest not in each.names] for rule, options in choices.items()
        }


def _width(option: Anchored) -> float:
    return option.width


def anchored(logic: Logic, suitable: Callable[[FieldValue], bool]) -> list[Anchored]:
    """Every way to look for a condition in suitable fields; for the same fields only the narrowest."""
    if isinstance(logic, Is):
        found = None if logic.negated else _of_comparison(logic.leaf)
        return [] if found is None or not all(suitable(field) for field, _ in found.fields) else [found]
    if isinstance(logic, All):
        return list(_narrowest(each for term in logic.terms for each in anchored(term, suitable)))
    if isinstance(logic, Any):
        return list(_narrowest(_together([anchored(term, suitable) for term in logic.terms])))
    return []


def _narrowest(options: Iterable[Anchored]) -> Iterable[Anchored]:
    best: dict[frozenset[str], Anchored] = {}
    for each in options:
        known = best.get(each.names)
        if known is None or each.width < known.width:
            best[each.names] = each
    return best.values()


def _together(terms: Sequence[list[Anchored]]) -> Iterator[Anchored]:
    """Of alternatives each must have an anchor: all in one field, or each where it is narrowest."""
    if not all(terms):
        return
    for names in {option.names for option in terms[0]}:
        same = [next((option for option in options if option.names == names), None) for options in terms]
        if None not in same:
            yield _joined(option for option in same if option)
    mixed = _joined(min(options, key=_width) for options in terms)
    if len(mixed.names) <= _FIELDS:
        yield mixed


def _joined(options: Iterable[Anchored]) -> Anchored:
    fields: dict[FieldValue, frozenset[Anchor]] = {}
    for option in options:
        for field, anchors in option.fields:
            fields[field] = fields.get(field, frozenset()) | anchors
    return Anchored(frozenset(fields.items()))


def _of_comparison(comparison: Comparison) -> Anchored | None:
    constants = comparison.right
    place = _place(comparison.left)
    if not isinstance(constants, tuple) or place is None or place[0].values != "one":
        return None
    field, part = place
    anchors = [_anchor(comparison.operator, part, each) for each in constants]
    if None in anchors:
        return None
    return Anchored(frozenset([(field, frozenset(each for each in anchors if each))]))


def _place(value: Value) -> tuple[FieldValue, Part] | None:
    """The field in which to look for a value, and what part of that the value is."""
    if isinstance(value, FieldValue):
        if value.row.part_of:
            whole, part = value.row.part_of
            return FieldValue(FIELDS[whole], "", whole), part
        return (value, "equal") if value.type in ("string", "port") else None
    if isinstance(value, Call) and value.transformer == "basename":
        place = _place(value.arguments[0])
        return (place[0], "filename") if place is not None and place[1] == "equal" else None
    return None


def _anchor(operator: str, part: Part, constant: object) -> Anchor | None:
    """``None`` if values that fulfil the comparison have nothing in common that can be looked for."""
    if operator == "=":
        return None if part == "filename" and constant in ("", "/") else Anchor(part, constant)
    if not isinstance(constant, str) or operator not in _OPERATORS:
        return None
    found = _OPERATORS[operator](constant)
    if found is None or (len(found.text) < _SHORTEST and found.part != "equal"):
        return None
    return found if part == "equal" else replace(found, part=_WITHIN.get((part, found.part), "inside"))


def _of_glob(pattern: str) -> Anchor:
    part, text = fixed(literals(pattern))
    return Anchor(part, text)


def _of_folded(pattern: str) -> Anchor | None:
    found = patterns.anchor(pattern)
    return found and replace(found, fold=True)


_OPERATORS: Mapping[str, Callable[[str], Anchor | None]] = {
    "startswith": lambda text: Anchor("prefix", text),
    "endswith": lambda text: Anchor("suffix", text),
    "contains": lambda text: Anchor("inside", text),
    "icontains": lambda text: Anchor("inside", lowered(text), fold=True),
    "glob": _of_glob,
    "like": patterns.anchor,
    "ilike": _of_folded,
}

# What a part's beginning or end is of the whole; anything else is somewhere in it.
_WITHIN: Mapping[tuple[Part, Part], Part] = {
    ("directory", "prefix"): "prefix",
    ("filename", "suffix"): "suffix",
    ("directory", "equal"): "directory",
    ("filename", "equal"): "filename",
}
