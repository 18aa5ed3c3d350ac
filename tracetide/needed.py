"""What the rules in use need of the kernel, for as long as they are in use."""

from dataclasses import dataclass, field

from rules import RuleSet
from rules.needs import needs
from stream.engine import Engine
from wire.needs import ANY, Needs


def needed(rules: RuleSet, *, everything: bool = False) -> Needs:
    """What has to be collected for rules; with ``everything``, all events of types that they can match."""
    found = {} if everything else needs(rules.rules).types
    return Needs(types={name: found.get(name, (ANY,)) for name in rules.collected})


@dataclass
class Needed:
    """Asked again and again; the same object until the engine has other rules.

    With ``everything``, all events of the types that the rules can match, as a recording wants them.
    """

    engine: Engine
    everything: bool = False
    _rules: RuleSet | None = None
    _needs: Needs = field(default_factory=lambda: Needs(types={}))

    def __call__(self) -> Needs:
        """The needs of the rules in use."""
        rules = self.engine.rules
        if rules is not self._rules:
            self._rules, self._needs = rules, needed(rules, everything=self.everything)
        return self._needs
