"""What rules need of the kernel: computed from their conditions, for each event type by itself."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rules.catalogue.event_types import KINDS
from rules.compiler.binding import OfStream
from rules.compiler.comparison import Comparison
from rules.compiler.logic import All, Is, Tree
from rules.compiler.simplify import folded
from rules.compiler.source import Writer
from rules.needs.algebra import ANYTHING, NOTHING, Alternatives, all_of, any_of, unrestricted, width
from rules.needs.leaves import of_leaf
from rules.ruleset import Rule, RuleSet
from wire.needs import ANY, Needs

Logic = Tree[Comparison]


@dataclass(frozen=True, slots=True)
class Part:
    """What one rule needs of one event type."""

    rule: Rule
    limits: Alternatives

    @property
    def unrestricted(self) -> bool:
        """Whether the type cannot be narrowed by path, program, port or address because of this rule."""
        return any(map(unrestricted, self.limits))

    @property
    def width(self) -> float:
        """A guess at the share of the type's events that it asks for."""
        return min(1.0, sum(map(width, self.limits)))


@dataclass(frozen=True, slots=True)
class TypeNeeds:
    """What all rules together need of an event type; the parts that ask for most come first."""

    event_type: str
    limits: Alternatives
    parts: tuple[Part, ...]


def needs(rules: Iterable[Rule]) -> Needs:
    """What the enabled rules need, as it travels to whoever collects."""
    return Needs(types={each.event_type: each.limits for each in by_type(rules)})


def needed(rules: RuleSet) -> Needs:
    """What has to be collected for rules: what they match, and what else is needed to judge them."""
    found = needs(rules.rules).types
    return Needs(types={name: found.get(name, (ANY,)) for name in rules.collected})


def by_type(rules: Iterable[Rule]) -> Iterator[TypeNeeds]:
    """The needs of every event type that an enabled rule can match, and what each rule adds to them."""
    enabled = [rule for rule in rules if rule.enabled]
    for event_type in KINDS:
        parts = [Part(rule, limits) for rule in enabled if (limits := of_rule(rule, event_type))]
        if parts:
            parts.sort(key=lambda part: -part.width)
            yield TypeNeeds(event_type, any_of(part.limits for part in parts), tuple(parts))


def of_rule(rule: Rule, event_type: str) -> Alternatives:
    """The limits of events of a type that a rule can match; none at all if it can match none."""
    return _of_tree(folded(rule.logic, Writer(OfStream(event_type))), event_type)


def _of_tree(tree: Logic, event_type: str) -> Alternatives:
    if isinstance(tree, bool):
        return ANYTHING if tree else NOTHING
    if isinstance(tree, Is):
        return of_leaf(tree, event_type)
    parts = (_of_tree(term, event_type) for term in tree.terms)
    return all_of(parts) if isinstance(tree, All) else any_of(parts)
