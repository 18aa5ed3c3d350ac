"""What a rule author wants to know of rule files: everything in them and everything wrong with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rules.catalogue.event_types import KNOWN
from rules.faults import Fault
from rules.load import read
from rules.ruleset import Rule


@dataclass(frozen=True, slots=True)
class Report:
    """The rules of some files, and what was wrong with these."""

    rules: tuple[Rule, ...]
    errors: tuple[Fault, ...]
    warnings: tuple[Fault, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain lists and dictionaries."""
        return {
            "rules": list(map(_rule, self.rules)),
            "errors": list(map(_fault, self.errors)),
            "warnings": list(map(_fault, self.warnings)),
        }


def check(paths: Sequence[Path], *, library: bool = False) -> Report:
    """Read rule files without refusing anything; with ``library`` on top of the library."""
    loaded = read(paths, library=library)
    return Report(loaded.rules, loaded.errors, loaded.warnings)


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "name": rule.name,
        "file": rule.file,
        "line": rule.line,
        "enabled": rule.enabled,
        "priority": rule.priority,
        "tags": rule.tags,
        "techniques": [technique.id for technique in rule.info.techniques],
        "event_types": sorted(rule.event_types) if rule.event_types != KNOWN else ["*"],
        "fields": sorted(rule.fields),
        "output": rule.output,
        "weakened": list(rule.weakened),
    }


def _fault(fault: Fault) -> dict[str, Any]:
    return {
        "file": fault.place.file,
        "line": fault.place.line,
        "column": fault.place.column,
        "rule": fault.rule,
        "item": fault.item,
        "message": fault.sentence,
    }
