"""What a value must have for a condition to hold, as far as an index can look for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from rules.catalogue import FIELDS
from rules.compiler.comparison import Call, Comparison, FieldValue, Value
from rules.compiler.index import Anchor, Part
from rules.compiler.logic import All, Any, Is, Tree
from rules.compiler.matching import fixed_ends
from rules.compiler.transformers import folded

Logic = Tree[Comparison]

# Fewer rules than these are asked as quickly without looking anything up.
_WORTHWHILE = 3

# An anchor shorter than this is in too many values, except where it is all of the value.
_SHORTEST = 3


@dataclass(frozen=True, slots=True)
class Anchored:
    """A condition holds only where the field's value has one of the anchors."""

    field: FieldValue
    anchors: frozenset[Anchor]

    @property
    def width(self) -> float:
        """A guess how many values have an anchor: of two ways to look for a rule, the narrower is better."""
        return sum(_WIDTHS[anchor.part] / max(len(str(anchor.text)), 1) for anchor in self.anchors)


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
    """By which field each rule is best looked for; rules that cannot be, or not with profit, are left out.

    ``conditions`` are numbers of rules and their conditions.
    """
    choices = {rule: [each for each in anchored(logic) if suitable(each.field)] for rule, logic in conditions}
    while True:
        chosen = {rule: min(options, key=_width) for rule, options in choices.items() if options}
        counts = Counter(each.field.spelled for each in chosen.values())
        few = {spelled for spelled, number in counts.items() if number < _WORTHWHILE}
        if not few:
            return chosen
        rarest = min(few, key=lambda spelled: (counts[spelled], spelled))
        choices = {
            rule: [each for each in options if each.field.spelled != rarest]
            for rule, options in choices.items()
        }


def _width(option: Anchored) -> float:
    return option.width


def anchored(logic: Logic) -> list[Anchored]:
    """Every way to look for a condition: for each field that gives one, the narrowest."""
    if isinstance(logic, Is):
        found = None if logic.negated else _of_comparison(logic.leaf)
        return [] if found is None else [found]
    if isinstance(logic, All):
        return list(_narrowest(each for term in logic.terms for each in anchored(term)))
    if isinstance(logic, Any):
        return list(_together([anchored(term) for term in logic.terms]))
    return []


def _narrowest(options: Iterable[Anchored]) -> Iterable[Anchored]:
    best: dict[str, Anchored] = {}
    for each in options:
        known = best.get(each.field.spelled)
        if known is None or each.width < known.width:
            best[each.field.spelled] = each
    return best.values()


def _together(terms: Sequence[list[Anchored]]) -> Iterator[Anchored]:
    """Of alternatives each must have an anchor, and all in the same field."""
    by_field = [{option.field: option.anchors for option in options} for options in terms]
    for name in by_field[0]:
        if all(name in options for options in by_field):
            yield Anchored(name, frozenset().union(*(options[name] for options in by_field)))


def _of_comparison(comparison: Comparison) -> Anchored | None:
    constants = comparison.right
    if not isinstance(constants, tuple):
        return None
    place = _place(comparison.left)
    if place is None or place[0].values != "one":
        return None
    field, part = place
    anchors = [_anchor(comparison.operator, part, each) for each in constants]
    return None if None in anchors else Anchored(field, frozenset(each for each in anchors if each))


def _place(value: Value) -> tuple[FieldValue, Part] | None:
    """The field in which to look for a value, and what part of that the value is."""
    if isinstance(value, FieldValue):
        if value.row.part_of:
            whole, part = value.row.part_of
            return FieldValue(FIELDS[whole], "", whole), part
        return value, "equal"
    if isinstance(value, Call) and value.transformer == "basename":
        place = _place(value.arguments[0])
        return (place[0], "filename") if place is not None and place[1] == "equal" else None
    return None


def _anchor(operator: str, part: Part, constant: object) -> Anchor | None:
    """``None`` if values that fulfil the comparison have nothing in common that can be looked for."""
    if operator == "=" and isinstance(constant, str | int) and not isinstance(constant, bool):
        return None if part == "filename" and constant in ("", "/") else Anchor(part, constant)
    if not isinstance(constant, str) or operator not in _OPERATORS:
        return None
    found, text, fold = _OPERATORS[operator](constant)
    if len(text) < _SHORTEST:
        return None
    return Anchor(_WITHIN.get((part, found), "inside") if part != "equal" else found, text, fold)


def _of_glob(pattern: str) -> tuple[Part, str, bool]:
    begin, end = fixed_ends(pattern)
    return ("prefix", begin, False) if len(begin) > 2 * len(end) else ("suffix", end, False)


_OPERATORS: Mapping[str, Callable[[str], tuple[Part, str, bool]]] = {
    "startswith": lambda text: ("prefix", text, False),
    "endswith": lambda text: ("suffix", text, False),
    "contains": lambda text: ("inside", text, False),
    "icontains": lambda text: ("inside", folded(text), True),
    "glob": _of_glob,
}

# What a part's beginning or end is of the whole; anything else is somewhere in it.
_WITHIN: Mapping[tuple[Part, Part], Part] = {
    ("directory", "prefix"): "prefix",
    ("filename", "suffix"): "suffix",
}
