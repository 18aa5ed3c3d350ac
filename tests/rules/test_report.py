"""What a rule author is told of rule files."""

from pathlib import Path

import rules
from tests.rules.files import rule


def report(tmp_path: Path, text: str) -> dict[str, list[dict[str, object]]]:
    """What is said of a file."""
    (tmp_path / "r.yaml").write_text(text)
    return rules.check([tmp_path / "r.yaml"]).to_json()


def test_rules(tmp_path: Path) -> None:
    """A rule is told with its place, what it looks at, and what of that is not collected yet."""
    text = rule("evt.type in (openat, getcwd) and proc.vmrss > 5", extra="  tags: [T1059, mitre_execution]")
    (found,) = report(tmp_path, text)["rules"]
    assert found == {
        "name": "R",
        "file": str(tmp_path / "r.yaml"),
        "line": 2,
        "enabled": True,
        "priority": "Warning",
        "tags": ["T1059", "mitre_execution"],
        "techniques": ["T1059"],
        "event_types": ["getcwd", "openat"],
        "fields": ["evt.type", "proc.vmrss"],
        "output": "out %proc.name",
        "weakened": ["proc.vmrss needs memory figures", "events of type getcwd"],
    }


def test_errors_and_warnings(tmp_path: Path) -> None:
    """Errors do not keep the rest from being told; what is unused or too broad is a warning."""
    text = "- macro: m\n  condition: proc.name=x\n" + rule("proc.pid=1", "A") + rule("proc.pid=x", "B")
    found = report(tmp_path, text)
    assert [each["name"] for each in found["rules"]] == ["A"]
    assert found["errors"] == [
        {
            "file": str(tmp_path / "r.yaml"),
            "line": 13,
            "column": 23,
            "rule": "B",
            "item": "rule B",
            "message": "proc.pid: expected a whole number in decimal, not 'x'",
        }
    ]
    assert [(each["item"], each["message"]) for each in found["warnings"]] == [
        ("macro m", "no rule uses it"),
        ("rule A", "matches too many event types; name some in evt.type"),
    ]


def test_event_types_that_nothing_narrows(tmp_path: Path) -> None:
    """A rule that looks at every type of event says so with a star; one that can match nothing has none."""
    both = report(tmp_path, rule("proc.pid=1", "A") + rule("evt.num=0", "B"))["rules"]
    assert [each["event_types"] for each in both] == [["*"], []]


def test_event_types() -> None:
    """The types that a rule can match follow from its checks of evt.type, through not, and and or."""
    conditions = {
        "evt.type=open": {"open"},
        "evt.type in (open, openat) and not evt.type=open": {"openat"},
        "not (evt.type!=open)": {"open"},
        "evt.type=open and proc.name=x or evt.type=connect": {"open", "connect"},
        "evt.type=open or evt.num=0": {"open"},
        "not evt.num>0 or evt.type=open": {"open"},
        "evt.type=open and evt.type=openat": set(),
    }
    texts = [rule(condition, str(number)) for number, condition in enumerate(conditions)]
    loaded = rules.load_texts([("x", "".join(texts))])
    assert [each.event_types for each in loaded.rules] == list(conditions.values())


def test_source() -> None:
    """The generated source can be read, and names the rule that a match means."""
    loaded = rules.load_texts([("x", rule("evt.type=openat and fd.name=/etc/shadow", "Hashes read"))])
    assert "if e.path == '/etc/shadow':" in loaded.source("openat")
    assert "# Hashes read" in loaded.source("openat")
    assert loaded.source("connect") == ""
    assert "connect" not in loaded.each


def test_an_empty_list(tmp_path: Path) -> None:
    """A list that is still to be filled matches nothing; the rule keeps the types of events that it names."""
    found = report(tmp_path, rule("evt.type=openat and proc.name in ()"))
    assert [each["event_types"] for each in found["rules"]] == [["openat"]]
    assert found["warnings"] == []
    assert "openat" not in rules.load([tmp_path / "r.yaml"], library=False).matchers
