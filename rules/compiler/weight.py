"""Estimates of what a test costs and how often it holds, to put cheap and selective ones first.

They decide the order only; a wrong one costs time, never a match.
"""

from functools import lru_cache
from math import prod

from rules.compiler.comparison import Comparison, FieldValue, Value
from rules.compiler.logic import All, Is, Tree

Logic = Tree[Comparison]

# Relative to comparing two strings.
_COSTS = {"glob": 15.0, "iglob": 30.0, "regex": 30.0, "search": 30.0, "pmatch": 4.0}
_COSTS |= {"startswith": 2.0, "endswith": 2.0}
_COSTS |= {"contains": 2.0, "icontains": 4.0}

# How often a comparison holds, unless the field says otherwise.
_CHANCES = {"!=": 0.9, "exists": 0.95, ">=": 0.5, ">": 0.5, "<": 0.5, "<=": 0.5, "contains": 0.05}
_RARE = 0.03

# How often a field is true, positive or what it is most often compared with: too often to look rules up by.
OFTEN = {
    "container.id": 0.5,
    "container.type": 0.5,
    "evt.res": 0.7,
    "evt.is_open_write": 0.15,
    "evt.is_open_read": 0.8,
    "fd.num": 0.7,
    "fd.typechar": 0.5,
    "evt.rawres": 0.7,
    "fd.l4proto": 0.5,
    "fd.type": 0.5,
    "fd.sockfamily": 0.5,
    "user.uid": 0.5,
    "user.name": 0.5,
    "group.gid": 0.5,
    "proc.tty": 0.5,
}


def cost(tree: Logic) -> float:
    """What evaluating a tree takes, its terms in their order."""
    return _weight(tree)[0]


def chance(tree: Logic) -> float:
    """How often a tree holds."""
    return _weight(tree)[1]


@lru_cache(1 << 16)
def _weight(tree: Logic) -> tuple[float, float]:
    if isinstance(tree, bool):
        return 0.0, float(tree)
    if isinstance(tree, Is):
        price, odds = _comparison(tree.leaf)
        return price, 1 - odds if tree.negated else odds
    weights = [_weight(term) for term in tree.terms]
    total, reached = 0.0, 1.0
    for price, odds in weights:
        total += price * reached
        reached *= odds if isinstance(tree, All) else 1 - odds
    if isinstance(tree, All):
        return total, prod(odds for _, odds in weights)
    return total, 1 - prod(1 - odds for _, odds in weights)


def _comparison(comparison: Comparison) -> tuple[float, float]:
    left = comparison.left
    number = len(comparison.right) if isinstance(comparison.right, tuple) else 1
    price = _COSTS.get(comparison.operator, 1.0)
    if comparison.operator in ("contains", "icontains", "glob", "iglob", "regex", "search"):
        price *= number
    price += _reading(left)
    odds = OFTEN.get(left.spelled) if isinstance(left, FieldValue) else 0.5
    if odds is None or comparison.operator == "exists":
        odds = _CHANCES.get(comparison.operator, min(_RARE * number, 0.3))
    elif comparison.operator == "=" and comparison.right in ((False,), ("host",), (0,)):
        odds = 1 - odds
    return price, odds


def _reading(value: Value) -> float:
    """What it takes to get a value."""
    if not isinstance(value, FieldValue):
        return 3.0
    if value.values == "some":
        return 20.0
    if value.row.index:
        return 1.0 + int(value.argument or 0) / 2
    if value.type in ("net", "ip"):
        return 3.0
    return 4.0 if value.row.costly else 1.0


def first_to_fail(tree: Logic) -> float:
    """The order of terms that must all hold: the smaller the sooner."""
    price, odds = _weight(tree)
    return price / max(1 - odds, 0.001)


def first_to_hold(tree: Logic) -> float:
    """The order of terms of which one must hold: the smaller the sooner."""
    price, odds = _weight(tree)
    return price / max(odds, 0.001)
