"""Inhibition: while one thing is known, lesser ones that go with it are not told."""

from dataclasses import dataclass, field

from msgspec import Struct

from notify.labels import Labels, joined
from notify.matchers import Matcher, hold


@dataclass(frozen=True, slots=True)
class Rule:
    """Targets are not told for ``lasting`` seconds after a source with the same values of ``equal``."""

    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...] = ()
    lasting: float = 3600.0

    def values(self, labels: Labels) -> tuple[str, ...]:
        """What source and target must share; what neither has is shared."""
        return tuple(joined(labels, name) for name in self.equal)


class Source(Struct):
    """A source that was seen: when last, and which detection."""

    seen: float
    detection: str


@dataclass
class Inhibitor:
    """Remembers sources. One that is a target too does not inhibit others that are both, nor itself."""

    rules: tuple[Rule, ...]
    sources: dict[tuple[int, tuple[str, ...], bool], Source] = field(default_factory=dict)

    def note(self, labels: Labels, detection: str, now: float) -> None:
        """Take in a detection that may be a source."""
        for number, rule in enumerate(self.rules):
            if hold(rule.source, labels):
                self.sources[number, rule.values(labels), hold(rule.target, labels)] = Source(now, detection)

    def of(self, labels: Labels, now: float) -> str | None:
        """The id of a detection because of which one with these labels is not told."""
        for number, rule in enumerate(self.rules):
            if not hold(rule.target, labels):
                continue
            both = hold(rule.source, labels)
            for source_is_both in (False,) if both else (False, True):
                source = self.sources.get((number, rule.values(labels), source_is_both))
                if source is not None and now - source.seen < rule.lasting:
                    return source.detection
        return None

    def forget(self, now: float) -> None:
        """Let go of sources whose time is over."""
        over = [
            key for key, source in self.sources.items() if now - source.seen >= self.rules[key[0]].lasting
        ]
        for key in over:
            del self.sources[key]
