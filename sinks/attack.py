"""MITRE ATT&CK techniques and tactics as the ``threat`` fields of ECS."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from wire.detection import Technique

_SITE = "https://attack.mitre.org"

# The tactics of ATT&CK for enterprises; version 19 made two of Defense Evasion.
TACTICS: Mapping[str, str] = {
    "Reconnaissance": "TA0043",
    "Resource Development": "TA0042",
    "Initial Access": "TA0001",
    "Execution": "TA0002",
    "Persistence": "TA0003",
    "Privilege Escalation": "TA0004",
    "Stealth": "TA0005",
    "Defense Evasion": "TA0005",
    "Defense Impairment": "TA0112",
    "Credential Access": "TA0006",
    "Discovery": "TA0007",
    "Lateral Movement": "TA0008",
    "Collection": "TA0009",
    "Command and Control": "TA0011",
    "Exfiltration": "TA0010",
    "Impact": "TA0040",
}


def threat(techniques: Sequence[Technique]) -> Mapping[str, Any]:
    """``threat.*`` of the techniques, as Elastic's own rules fill it.

    A sub-technique (``T1059.004``, "Command and Scripting Interpreter: Unix Shell") also names the
    technique that it belongs to.
    """
    return _threat(tuple((each.id, each.name, tuple(each.tactics)) for each in techniques))


@lru_cache(maxsize=1024)  # each rule has the same ones in every alert
def _threat(techniques: tuple[tuple[str, str, tuple[str, ...]], ...]) -> Mapping[str, Any]:
    """The same of ids, names and tactics."""
    if not techniques:
        return {}
    tactics = list(dict.fromkeys(tactic for _, _, served in techniques for tactic in served))
    whole = {each.partition(".")[0]: name.partition(": ")[0] for each, name, _ in techniques}
    parts = {each.replace(".", "/"): name.rpartition(": ")[2] for each, name, _ in techniques if "." in each}
    return {
        "framework": "MITRE ATT&CK",
        "tactic": _entry("tactics", [(TACTICS.get(tactic, ""), tactic) for tactic in tactics]),
        "technique": {
            **_entry("techniques", whole.items()),
            "subtechnique": _entry("techniques", parts.items()),
        },
    }


def _entry(kind: str, named: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Ids, names and references; an id is written as in an address, and empty if it is not known."""
    named = list(named)
    ids = [each for each, _ in named if each]
    return {
        "id": [each.replace("/", ".") for each in ids],
        "name": [name for _, name in named],
        "reference": [f"{_SITE}/{kind}/{each}/" for each in ids],
    }
