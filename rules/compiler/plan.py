"""How one function can ask many rules at once: what they have in common first, then what tells them apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from rules.compiler.comparison import Comparison, FieldValue
from rules.compiler.logic import Any, Is, Tree, all_of, any_of, factors
from rules.compiler.simplify import merged, ordered
from rules.compiler.weight import chance, cost, first_to_fail

Logic = Tree[Comparison]


@dataclass(frozen=True, slots=True)
class Hit:
    """The rule of this number matches."""

    rule: int


@dataclass(frozen=True, slots=True)
class If:
    """What is to be done when a condition holds."""

    condition: Logic
    then: Block


Block = tuple[Hit | If, ...]


@dataclass(frozen=True, slots=True)
class _Pending:
    """A rule and the conditions that must all hold for it yet."""

    rule: int
    factors: tuple[Logic, ...]

    @property
    def alone(self) -> float:
        """What it takes to ask this rule by itself."""
        return cost(_conjunction(self.factors))

    def without(self, factor: Logic) -> _Pending:
        return _Pending(self.rule, tuple(each for each in self.factors if each != factor))


def plan(conditions: Sequence[tuple[int, Logic]]) -> Block:
    """A block that finds every rule whose condition holds, in no particular order."""
    pending = [_Pending(rule, factors(tree)) for rule, tree in conditions if tree is not False]
    return tuple(_plan([each.without(True) for each in pending]))


def _plan(pending: list[_Pending]) -> Iterator[Hit | If]:
    yield from (Hit(each.rule) for each in pending if not each.factors)
    pending = [each for each in pending if each.factors]
    while (shared := _best_shared(pending)) is not None:
        inside = [each.without(shared) for each in pending if shared in each.factors]
        pending = [each for each in pending if shared not in each.factors]
        yield If(ordered(shared), tuple(_plan(inside)))
    while (found := _best_field(pending)) is not None:
        guard, rules = found
        yield If(ordered(guard), tuple(_alone(each) for each in pending if each.rule in rules))
        pending = [each for each in pending if each.rule not in rules]
    yield from map(_alone, pending)


def _alone(pending: _Pending) -> If:
    return If(_conjunction(pending.factors), (Hit(pending.rule),))


@lru_cache(1 << 14)
def _conjunction(factors: tuple[Logic, ...]) -> Logic:
    return ordered(all_of(factors))


def _best_shared(pending: list[_Pending]) -> Logic | None:
    """The condition whose being asked once for all rules that have it saves most; ``None`` if none does."""
    counts = Counter(factor for each in pending for factor in each.factors)
    best, most = None, 0.0
    for factor, number in counts.items():
        if number < 2:
            continue
        having = [each for each in pending if factor in each.factors]
        rest = sum(each.without(factor).alone for each in having)
        saved = sum(each.alone for each in having) - cost(factor) - chance(factor) * rest
        if saved > most:
            best, most = factor, saved
    return best


def _best_field(pending: list[_Pending]) -> tuple[Logic, set[int]] | None:
    """The field that many rules compare with constants of their own, as one test of all their constants.

    Gives that test and the rules that it can exclude.
    """
    compared: dict[FieldValue, dict[int, Logic]] = {}
    for each in pending:
        for factor in sorted(each.factors, key=first_to_fail, reverse=True):
            field = _compared(factor)
            if field is not None:
                compared.setdefault(field, {})[each.rule] = factor
    alone = {each.rule: each.alone for each in pending}
    best, most = None, 0.0
    for tests in compared.values():
        guard = merged(any_of(tests.values()))
        saved = (1 - chance(guard)) * sum(alone[rule] for rule in tests) - cost(ordered(guard))
        if len(tests) > 1 and saved > most:
            best, most = (guard, set(tests)), saved
    return best


def _compared(factor: Logic) -> FieldValue | None:
    """The one field that a condition compares with constants, if that is all it does."""
    terms = factor.terms if isinstance(factor, Any) else (factor,)
    fields = set()
    for term in terms:
        if (
            not isinstance(term, Is)
            or term.negated
            or not isinstance(term.leaf.right, tuple)
            or term.leaf.once
        ):
            return None
        fields.add(term.leaf.left)
    field = fields.pop()
    return field if not fields and isinstance(field, FieldValue) and field.values == "one" else None
