"""What rules here would match and collectors there leave out: nobody would miss it otherwise."""

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from rules import RuleSet
from rules.needs import needed
from wire import topics
from wire.needs import digest

_log = logging.getLogger(__name__)

# Names that a sentence has room for.
_NAMED = 3


@dataclass
class Gaps:
    """Says once what a kind of collector leaves out, and again when there are other rules."""

    _rules: RuleSet | None = None
    _needs: str = ""
    _said: set[tuple[frozenset[str], str | None]] = field(default_factory=set)

    def look(self, rules: RuleSet, host: str, headers: Iterable[tuple[str, bytes]]) -> None:
        """At the headers of a record of this host; warns if rules here need what it does not collect."""
        left_out, narrowed = found = topics.gaps(headers)
        if rules is not self._rules:
            self._rules, self._needs = rules, ""
            self._said.clear()
        if found in self._said or not (left_out or narrowed):
            return
        self._said.add(found)
        self._needs = self._needs or digest(needed(rules))
        if narrowed == self._needs:
            return
        for sentence in _sentences(rules, left_out, narrowed):
            _log.warning("the collector of %s and others like it %s", host, sentence)


def _sentences(rules: RuleSet, left_out: frozenset[str], narrowed: str | None) -> Iterator[str]:
    missed = sorted(left_out & rules.matchers.keys())
    if missed:
        names = list(dict.fromkeys(rule.name for name in missed for rule, _ in rules.each[name]))
        yield (
            f"leave out {_some(missed)}, which rules here can match ({_some(names)}): "
            "name them with --events there, or these rules with --rules"
        )
    if narrowed is not None:
        yield (
            "collect what other rules than these need: of what these need besides nothing is seen; "
            "give them the same --rules"
        )


def _some(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
