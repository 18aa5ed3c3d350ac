"""A condition made smaller: comparisons of one value merged, what is fixed folded, cheap terms first."""

from collections.abc import Iterable

from rules.compiler.comparison import Comparison, Value
from rules.compiler.logic import All, Any, Is, Tree, all_of, any_of, mapped
from rules.compiler.source import Writer
from rules.compiler.weight import first_to_fail, first_to_hold

Logic = Tree[Comparison]

# Operators whose comparisons hold any number of constants.
_MERGED = frozenset(["=", "startswith", "endswith", "contains", "icontains", "pmatch", "glob", "iglob"])
_MERGED |= {"like", "ilike"}


def merged(tree: Logic) -> Logic:
    """``a = x or a = y`` becomes one comparison, and so does ``not a = x and not a = y``."""
    if not isinstance(tree, All | Any):
        return tree
    joined = _joined(map(merged, tree.terms), negated=isinstance(tree, All))
    return all_of(joined) if isinstance(tree, All) else any_of(joined)


def _joined(terms: Iterable[Logic], *, negated: bool) -> list[Logic]:
    kept: dict[object, Logic] = {}
    constants: dict[tuple[Value, str], dict[object, None]] = {}
    for term in terms:
        if not isinstance(term, Is) or term.negated is not negated or not _mergeable(term.leaf):
            kept[term] = term
            continue
        key = (term.leaf.left, term.leaf.operator)
        kept[key] = False  # its place among the others
        constants.setdefault(key, {}).update(dict.fromkeys(_constants(term.leaf)))
    for key, together in constants.items():
        kept[key] = Is(Comparison(*key, tuple(together)), negated)
    return list(kept.values())


def _mergeable(comparison: Comparison) -> bool:
    return (
        isinstance(comparison.right, tuple)
        and comparison.operator in _MERGED
        and comparison.left.values != "list"
        and not comparison.once
    )


def _constants(comparison: Comparison) -> tuple[object, ...]:
    return comparison.right if isinstance(comparison.right, tuple) else ()


def folded(tree: Logic, writer: Writer) -> Logic:
    """What remains once everything is replaced that always has the same outcome where ``writer`` writes."""

    def fold(leaf: Is[Comparison]) -> Logic:
        text = writer.comparison(leaf.leaf, negated=leaf.negated)
        return {"True": True, "False": False}.get(text, leaf)

    return mapped(tree, fold)


def ordered(tree: Logic) -> Logic:
    """Terms in the order in which they are likely to decide soonest."""
    if isinstance(tree, All):
        return All(tuple(sorted(map(ordered, tree.terms), key=first_to_fail)))
    if isinstance(tree, Any):
        return Any(tuple(sorted(map(ordered, tree.terms), key=first_to_hold)))
    return tree
