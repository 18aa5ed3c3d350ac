"""Which event types a condition can match at all."""

from rules.catalogue.event import numbered
from rules.catalogue.event_types import KNOWN
from rules.compiler.comparison import Comparison, FieldValue
from rules.compiler.logic import All, Is, Tree

_NONE: frozenset[str] = frozenset()


def event_types(logic: Tree[Comparison]) -> frozenset[str]:
    """The known types that the checks of ``evt.type`` leave; every other check may be true of any type."""
    if isinstance(logic, bool):
        return KNOWN if logic else _NONE
    if isinstance(logic, Is):
        return _of_leaf(logic)
    parts = map(event_types, logic.terms)
    return frozenset.intersection(*parts) if isinstance(logic, All) else frozenset.union(*parts)


def _of_leaf(leaf: Is[Comparison]) -> frozenset[str]:
    left, right = leaf.leaf.left, leaf.leaf.right
    if not isinstance(left, FieldValue) or not isinstance(right, tuple):
        return KNOWN
    if left.spelled == "evt.num" and numbered(leaf.leaf.operator, right) == str(leaf.negated):
        return _NONE
    if left.spelled not in ("evt.type", "syscall.type"):
        return KNOWN
    named = KNOWN & set(right)
    if leaf.leaf.operator == "=":
        return KNOWN - named if leaf.negated else named
    if leaf.leaf.operator == "!=":
        return named if leaf.negated else KNOWN - named
    return KNOWN
