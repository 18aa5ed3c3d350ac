"""What the rules in use need of the kernel, for as long as they are in use."""

from collections.abc import Callable
from dataclasses import dataclass, field

from rules import RuleSet
from rules.needs import needed
from wire.needs import ANY, Needs, digest

NOTHING = Needs(types={})


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
    ``besides`` is needed whatever the rules are. ``digest`` stands for what the rules need.
    """

    rules: Callable[[], RuleSet]
    everything: bool = False
    besides: Needs = NOTHING
    digest: str = ""
    _rules: RuleSet | None = None
    _needs: Needs = field(default_factory=lambda: NOTHING)

    def __call__(self) -> Needs:
        """The needs of the rules in use."""
        rules = self.rules()
        if rules is not self._rules:
            self._rules = rules
            own = _whole(rules) if self.everything else needed(rules)
            self._needs, self.digest = joined(own, self.besides), digest(own)
        return self._needs


def _whole(rules: RuleSet) -> Needs:
    return Needs(types=dict.fromkeys(rules.collected, (ANY,)))
