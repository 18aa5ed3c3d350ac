"""``tracetide rules explain``: what an author is shown of a rule and an event, of functions and of needs."""

import json
from pathlib import Path

import pytest

from tests.rules.files import rule
from tests.tracetide.conftest import Call


def test_given_values(call: Call, rule_file: Path, tmp_path: Path) -> None:
    """A JSON object, on the command line or in a file, gives the tree and one sentence at the end."""
    event = '{"evt.type": "openat", "fd.name": "/etc/passwd"}'
    code, out, _ = call("rules", "explain", event, "Hashes read", rule_file)
    reason = "`fd.name = /etc/shadow` is false, fd.name is /etc/passwd"
    assert code == 0
    assert out.splitlines() == [
        f"Hashes read  {rule_file}:2",
        "✗ all of",
        "├─ ✓ evt.type = openat   [evt.type is openat]",
        "└─ ✗ fd.name = /etc/shadow   [fd.name is /etc/passwd]",
        f"It does not match: {reason}. Nothing else keeps it from matching.",
    ]
    (tmp_path / "event.json").write_text(event)
    assert call("rules", "explain", f"@{tmp_path}/event.json", "Hashes read", rule_file)[1] == out
    told = json.loads(call("rules", "explain", event, "Hashes read", rule_file, "--json")[1])
    assert told["decided"] == ["fd.name = /etc/shadow"]


def test_an_event_of_a_recording(call: Call, recording: Path, tmp_path: Path) -> None:
    """By its number, with the process tree as it was then: the fork before it is known, nothing behind it."""
    path = tmp_path / "r.yaml"
    path.write_text(rule("evt.type=openat and proc.cmdline=cat and proc.pname=cat"))
    code, out, _ = call("rules", "explain", f"{recording}:4", "R", path)
    assert code == 0
    assert "It matches: `proc.pname = cat` is true" in out
    out = call("rules", "explain", f"{recording}:2", "R", path)[1]
    assert "proc.pname is missing" in out


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["{}"], 2, "EVENT and RULE"),
        (["nothing", "Hashes read"], 2, "RECORDING:NUMBER"),
        (["{", "Hashes read"], 1, "not JSON"),
        (["[1]", "Hashes read"], 2, "EVENT is"),
        (['{"proc.nam": 1}', "Hashes read"], 1, "proc.nam"),
        (["{}", "Hashes red"], 1, "did you mean Hashes read?"),
        (["@/nonesuch", "Hashes read"], 1, "/nonesuch"),
        (["/nonesuch:5", "Hashes read"], 1, "/nonesuch"),
        (["--source", "--kernel"], 2, "either"),
        (["--source", "connect"], 1, "no rule can match"),
    ],
)
def test_mistakes(call: Call, rule_file: Path, arguments: list[str], code: int, sentence: str) -> None:
    """Each gets a sentence that says what is wrong."""
    given = [*arguments, rule_file] if len(arguments) > 1 else arguments
    found, out, err = call("rules", "explain", *given)
    assert (found, out) == (code, "")
    assert sentence in err
    assert "Traceback" not in err


def test_an_event_that_is_not_in_the_recording(call: Call, recording: Path, rule_file: Path) -> None:
    """It is said so."""
    code, _, err = call("rules", "explain", f"{recording}:99", "Hashes read", rule_file)
    assert code == 1
    assert "no event number 99" in err


def test_source(call: Call, rule_file: Path) -> None:
    """The generated function of one event type, or of all."""
    for arguments in (("openat",), ()):
        code, out, _ = call("rules", "explain", "--source", *arguments, rule_file)
        assert code == 0
        assert "def match_openat(e, p, h):" in out
        assert "# Hashes read" in out


def test_kernel(call: Call, rule_file: Path, tmp_path: Path) -> None:
    """The limits of each type, and the rules that widen them most."""
    loose = tmp_path / "loose.yaml"
    loose.write_text(rule("evt.type in (open, openat) and proc.name=cat", "Loose"))
    code, out, _ = call("rules", "explain", "--kernel", rule_file, loose)
    assert code == 0
    assert "because of 1 rule:\n    Loose: everything\n" in out
    assert "  needed: path /etc/shadow\n" in call("rules", "explain", "--kernel", rule_file)[1]
    told = json.loads(call("rules", "explain", "--kernel", "--json", rule_file)[1])
    assert told["types"] == {"openat": [{"path": {"exact": ["/etc/shadow"]}}]}
    assert told["rules"]["openat"] == [
        {"rule": "Hashes read", "unrestricted": False, "limits": [{"path": {"exact": ["/etc/shadow"]}}]}
    ]
