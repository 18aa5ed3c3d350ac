"""What the rules in use need of the kernel, for as long as they are in use."""

from collections.abc import Callable
from dataclasses import dataclass, field

from rules import RuleSet
from rules.needs import needs
from wire.needs import ANY, Needs

NOTHING = Needs(types={})


def needed(rules: RuleSet, *, everything: bool = False) -> Needs:
    """What has to be collected for rules; with ``everything``, all events of types that they can match."""
    found = {} if everything else needs(rules.rules).types
    return Needs(types={name: found.get(name, (ANY,)) for name in rules.collected})


def joined(one: Needs, other: Needs) -> Needs:
    """What either needs."""
    types = dict(one.types)
    for name, limits in other.types.items():
        types[name] = tuple(dict.fromkeys((*types.get(name, ()), *limits)))
    return Needs(types=types)


@dataclass
class Needed:
    """Asked again and again; the same object until there are other rules.

    With ``everything``, all events of the types that the rules can match, as a recording wants them.
    ``besides`` is needed whatever the rules are.
    """

    rules: Callable[[], RuleSet]
    everything: bool = False
    besides: Needs = NOTHING
    _rules: RuleSet | None = None
    _needs: Needs = field(default_factory=lambda: NOTHING)

    def __call__(self) -> Needs:
        """The needs of the rules in use."""
        rules = self.rules()
        if rules is not self._rules:
            self._rules = rules
            self._needs = joined(needed(rules, everything=self.everything), self.besides)
        return self._needs
