"""Trees of and, or and not, simplified while they are built. ``True`` and ``False`` are trees too."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

Leaf = TypeVar("Leaf", bound=Hashable)
Other = TypeVar("Other", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Is(Generic[Leaf]):
    """A leaf, or its opposite."""

    leaf: Leaf
    negated: bool = False


@dataclass(frozen=True, slots=True)
class All(Generic[Leaf]):
    """True when every term is; at least two, none of them an ``All`` or a constant."""

    terms: tuple[Tree[Leaf], ...]


@dataclass(frozen=True, slots=True)
class Any(Generic[Leaf]):
    """True when some term is; at least two, none of them an ``Any`` or a constant."""

    terms: tuple[Tree[Leaf], ...]


Tree = bool | Is[Leaf] | All[Leaf] | Any[Leaf]


def all_of(terms: Iterable[Tree[Leaf]]) -> Tree[Leaf]:
    """Every term holds."""
    flat: dict[Tree[Leaf], None] = {}
    for term in terms:
        if term is False:
            return False
        if term is not True:
            flat.update(dict.fromkeys(term.terms if isinstance(term, All) else (term,)))
    if len(flat) > 1:
        return All(tuple(flat))
    return next(iter(flat), True)


def any_of(terms: Iterable[Tree[Leaf]]) -> Tree[Leaf]:
    """Some term holds."""
    flat: dict[Tree[Leaf], None] = {}
    for term in terms:
        if term is True:
            return True
        if term is not False:
            flat.update(dict.fromkeys(term.terms if isinstance(term, Any) else (term,)))
    if len(flat) > 1:
        return Any(tuple(flat))
    return next(iter(flat), False)


def opposite(tree: Tree[Leaf]) -> Tree[Leaf]:
    """What holds when ``tree`` does not; negations end up at the leaves."""
    if isinstance(tree, bool):
        return not tree
    if isinstance(tree, Is):
        return Is(tree.leaf, not tree.negated)
    if isinstance(tree, All):
        return any_of(map(opposite, tree.terms))
    return all_of(map(opposite, tree.terms))


def mapped(tree: Tree[Leaf], change: Callable[[Is[Leaf]], Tree[Other]]) -> Tree[Other]:
    """The tree with every leaf replaced, simplified again."""
    if isinstance(tree, bool):
        return tree
    if isinstance(tree, Is):
        return change(tree)
    if isinstance(tree, All):
        return all_of(mapped(term, change) for term in tree.terms)
    return any_of(mapped(term, change) for term in tree.terms)


def leaves(tree: Tree[Leaf]) -> Iterator[Leaf]:
    """Every leaf, as often as it occurs."""
    if isinstance(tree, Is):
        yield tree.leaf
    elif isinstance(tree, All | Any):
        for term in tree.terms:
            yield from leaves(term)


def depth(tree: Tree[Leaf]) -> int:
    """How many levels of ``All`` and ``Any`` there are."""
    return 1 + max(map(depth, tree.terms)) if isinstance(tree, All | Any) else 0


def factors(tree: Tree[Leaf]) -> tuple[Tree[Leaf], ...]:
    """The terms that must all hold."""
    return tree.terms if isinstance(tree, All) else (tree,)
