"""Two sets of rules over one recording: what the new one finds that the old one does not, and the reverse."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from rules import RuleSet
from stream.engine import Engine
from wire.batch import Batch
from wire.detection import Detection


@dataclass(frozen=True, slots=True)
class Altered:
    """The same rule found the same event, but says something else of it: ``what`` names what differs."""

    old: Detection
    new: Detection
    what: tuple[str, ...]


@dataclass
class Differences:
    """Detections that only one side has, and those that differ. ``found`` counts those of both, by rule."""

    appear: list[Detection] = field(default_factory=list)
    disappear: list[Detection] = field(default_factory=list)
    change: list[Altered] = field(default_factory=list)
    found: tuple[Counter[str], Counter[str]] = field(default_factory=lambda: (Counter(), Counter()))

    def __bool__(self) -> bool:
        return bool(self.appear or self.disappear or self.change)

    def to_json(self) -> dict[str, Any]:
        """Plain lists and dictionaries, with whole detections."""
        return {
            "old": self.found[0].total(),
            "new": self.found[1].total(),
            "appear": msgspec.to_builtins(self.appear),
            "disappear": msgspec.to_builtins(self.disappear),
            "change": [
                {
                    "what": list(each.what),
                    "old": msgspec.to_builtins(each.old),
                    "new": msgspec.to_builtins(each.new),
                }
                for each in self.change
            ],
        }


def compare(batches: Iterable[Batch], old: RuleSet, new: RuleSet) -> Differences:
    """Feed the batches to both, one after the other, so that only what differs is kept."""
    engines = Engine(old), Engine(new)
    differences = Differences()
    for batch in batches:
        before, after = ({found.id: found for found in engine.process(batch)} for engine in engines)
        for counted, side in zip(differences.found, (before, after), strict=True):
            counted.update(each.rule.name for each in side.values())
        differences.appear += [found for id_, found in after.items() if id_ not in before]
        differences.disappear += [found for id_, found in before.items() if id_ not in after]
        for id_, found in after.items():
            if id_ in before and (what := tuple(_differing(before[id_], found))):
                differences.change.append(Altered(before[id_], found, what))
    return differences


def _differing(old: Detection, new: Detection) -> Iterable[str]:
    if old.output != new.output:
        yield "output"
    if old.rule.priority != new.rule.priority:
        yield "priority"
    if [each.id for each in old.rule.techniques] != [each.id for each in new.rule.techniques]:
        yield "techniques"
    if old.rule.tags != new.rule.tags:
        yield "tags"
