"""Rules as a layer for MITRE's ATT&CK Navigator: which techniques they recognise, and how many rules each."""

from collections.abc import Iterable
from typing import Any

from rules.ruleset import Rule
from wire.detection import Technique

# https://github.com/mitre-attack/attack-navigator/blob/master/layers/spec/v4.5/layerformat.md
_VERSIONS = {"attack": "16", "navigator": "5.1.0", "layer": "4.5"}

# From few rules to many.
_COLORS = ("#d6e6f4", "#3f8fc5", "#08306b")


def layer(rules: Iterable[Rule]) -> dict[str, Any]:
    """The layer of the enabled rules, as plain lists and dictionaries. A technique's score is its rules."""
    covered: dict[str, tuple[Technique, list[str]]] = {}
    for rule in rules:
        if rule.enabled:
            for technique in rule.info.techniques:
                covered.setdefault(technique.id, (technique, []))[1].append(rule.name)
    most = max((len(names) for _, names in covered.values()), default=1)
    entries = [entry for _, found in sorted(covered.items()) for entry in _entries(*found)]
    return {
        "name": "tracetide rules",
        "versions": _VERSIONS,
        "domain": "enterprise-attack",
        "description": "Techniques that the enabled rules of tracetide recognise; the score is their number.",
        "sorting": 3,
        "layout": {"layout": "side", "showID": True, "showName": True, "expandedSubtechniques": "annotated"},
        "hideDisabled": False,
        "techniques": entries,
        "gradient": {"colors": list(_COLORS), "minValue": 0, "maxValue": most},
        "legendItems": [
            {"label": "one rule", "color": _COLORS[0]},
            {"label": f"{most} rules", "color": _COLORS[-1]},
        ][: 1 if most < 2 else 2],
    }


def _entries(technique: Technique, names: list[str]) -> list[dict[str, Any]]:
    """One for each tactic that the technique serves here; without tactics, one for all of them."""
    entry = {"techniqueID": technique.id, "score": len(names), "comment": "\n".join(names), "enabled": True}
    tactics = [{"tactic": each.lower().replace(" ", "-")} for each in technique.tactics]
    return [entry | tactic for tactic in tactics or [{}]]
