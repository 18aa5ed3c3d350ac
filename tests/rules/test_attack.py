"""Techniques of ATT&CK: named once, found by former ids and by the tags of Falco's rules."""

import re

import pytest

from rules import attack
from wire.detection import Technique


@pytest.mark.parametrize("technique", attack.TECHNIQUES.values(), ids=lambda technique: technique.id)
def test_table(technique: Technique) -> None:
    """An entry has an id of the right form, a name, and tactics of the enterprise matrix."""
    assert re.fullmatch(r"T\d{4}(\.\d{3})?", technique.id)
    assert technique.name
    assert set(technique.tactics) <= {
        "Initial Access",
        "Execution",
        "Persistence",
        "Privilege Escalation",
        "Defense Evasion",
        "Credential Access",
        "Discovery",
        "Lateral Movement",
        "Collection",
        "Command and Control",
        "Exfiltration",
        "Impact",
    }


def test_aliases() -> None:
    """A former id leads to the technique that took its place."""
    assert set(attack.ALIASES.values()) <= set(attack.TECHNIQUES)
    assert not set(attack.ALIASES) & set(attack.TECHNIQUES)
    former = attack.technique("T1100")
    assert former is not None
    assert former.id == "T1505.003"


def test_ids() -> None:
    """What has the form of an id is one, in the table or not."""
    assert attack.technique("T9999") == Technique(id="T9999", name="T9999")
    assert attack.technique("TA0002") is None


@pytest.mark.parametrize(
    ("tags", "found"),
    [
        (["host"], []),
        (["mitre_execution", "T1059"], [("T1059", ["Execution"])]),
        (["mitre_persistence", "T1053.003"], [("T1053.003", ["Persistence"])]),
        (
            ["mitre_impact", "T1053.003"],
            [("T1053.003", ["Execution", "Persistence", "Privilege Escalation"])],
        ),
        (["mitre_command_and_control", "T9999"], [("T9999", ["Command and Control"])]),
        (["TA0003", "T1059x"], []),
    ],
)
def test_tags(tags: list[str], found: list[tuple[str, list[str]]]) -> None:
    """Tags name techniques and the tactics that they serve; an unknown technique is kept."""
    assert [(each.id, each.tactics) for each in attack.of_tags(tags)] == found
