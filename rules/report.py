"""What a rule author wants to know of rule files: everything in them and everything wrong with them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rules.catalogue.event_types import KNOWN
from rules.faults import Fault
from rules.load import read
from rules.ruleset import Rule
from rules.sigma.correlation import Correlation
from rules.sigma.outcome import Refused


@dataclass(frozen=True, slots=True)
class Report:
    """The rules of some files, and what was wrong with these.

    ``refused`` are rules written for Sigma that cannot be asked of the events that there are.
    """

    rules: tuple[Rule, ...]
    errors: tuple[Fault, ...]
    warnings: tuple[Fault, ...]
    correlations: tuple[Correlation, ...] = ()
    refused: tuple[Refused, ...] = ()

    def sigma(self) -> str:
        """A sentence on what was written for Sigma; empty if nothing was."""
        loaded = sum(1 for rule in self.rules if rule.log_source)
        if not loaded and not self.refused and not self.correlations:
            return ""
        text = f"{loaded} Sigma rules loaded, {len(self.refused)} refused"
        if self.correlations:
            text += f"; {len(self.correlations)} correlations are kept and do not fire by themselves yet"
        return text

    def to_json(self) -> dict[str, Any]:
        """Plain lists and dictionaries."""
        return {
            "rules": list(map(_rule, self.rules)),
            "errors": list(map(_fault, self.errors)),
            "warnings": list(map(_fault, self.warnings)),
            "correlations": [correlation.to_json() for correlation in self.correlations],
            "refused": [refused.to_json() for refused in self.refused],
        }


def check(paths: Sequence[Path], *, library: bool = False) -> Report:
    """Read rule files without refusing anything; with ``library`` on top of the library."""
    loaded = read(paths, library=library)
    return Report(loaded.rules, loaded.errors, loaded.warnings, loaded.correlations, loaded.refused)


def _rule(rule: Rule) -> dict[str, Any]:
    sigma = {"log_source": rule.log_source, "id": rule.info.id} if rule.log_source else {}
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
        **sigma,
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
