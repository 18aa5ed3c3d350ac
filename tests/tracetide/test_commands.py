"""The command line: what it prints, and its exit codes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from collectors.recording import RecordingWriter
from tests.events import batch, execute, fork, open_file
from tracetide.cli import main

Result = tuple[int, str, str]
Call = Callable[..., Result]

RULE = """
- rule: Hashes read
  desc: d
  condition: evt.type = openat and fd.name = /etc/shadow
  output: read by %proc.name
  priority: CRITICAL
"""


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run ``tracetide`` with arguments; its exit code, output and errors."""

    def run(*arguments: str | Path) -> Result:
        monkeypatch.setattr("sys.argv", ["tracetide", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def rule_file(tmp_path: Path) -> Path:
    """A file with one rule."""
    path = tmp_path / "rules.yaml"
    path.write_text(RULE)
    return path


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Two batches; in each, someone reads the password hashes."""
    path = tmp_path / "r.jsonl.zst"
    with RecordingWriter(path) as writer:
        writer.write(batch(execute(1, 10, "cat"), open_file(2, 10, "/etc/shadow")))
        writer.write(batch(fork(3, 11, 10), open_file(4, 11, "/etc/shadow")))
    return path


def test_replay_prints_a_detection_a_line(call: Call, recording: Path, rule_file: Path) -> None:
    """With ``--json`` a program gets the wire's detections, and a person the summary."""
    code, out, err = call("replay", recording, "--rules", rule_file, "--no-library", "--json")
    assert code == 0
    assert [json.loads(line)["output"] for line in out.splitlines()] == ["read by cat", "read by cat"]
    assert "4 events, 2 detections" in err


def test_replay_shows_people_what_happened(call: Call, recording: Path, rule_file: Path) -> None:
    """Without it, blocks with the rule and the process."""
    code, out, _ = call("replay", recording, "--rules", rule_file, "--no-library")
    assert code == 0
    assert out.count("Hashes read") == 2


def test_a_damaged_recording_is_processed_up_to_the_damage(
    call: Call, recording: Path, rule_file: Path
) -> None:
    """Exit code 1, a sentence that says where, and every detection before that place."""
    lines = zstandard.decompress(recording.read_bytes(), 1 << 20).splitlines(keepends=True)
    recording.write_bytes(zstandard.compress(lines[0] + lines[1][:50] + b"\n"))
    code, out, err = call("replay", recording, "--rules", rule_file, "--no-library", "--json")
    assert code == 1
    assert len(out.splitlines()) == 1
    assert f"{recording}, line 2" in err
    assert "Traceback" not in err


def test_a_rule_file_with_errors_names_them_all(call: Call, recording: Path, tmp_path: Path) -> None:
    """File, line and what is wrong, for each error; nothing runs."""
    path = tmp_path / "bad.yaml"
    unknown, loud = RULE.replace("fd.name =", "fd.nam ="), RULE.replace("CRITICAL", "LOUD")
    path.write_text(unknown + loud.replace("Hashes read", "Another"))
    code, out, err = call("replay", recording, "--rules", path)
    assert (code, out) == (1, "")
    assert f"{path}:4" in err
    assert "fd.name" in err
    assert "LOUD" in err


@pytest.mark.parametrize("arguments", [["nonesuch"], ["replay"], ["rules", "eval"], ["forward", "nowhere"]])
def test_wrong_usage_is_told_apart(call: Call, arguments: list[str]) -> None:
    """Exit code 2 and how it is meant."""
    code, _, err = call(*arguments)
    assert code == 2
    assert "Usage" in err


def test_a_condition_can_be_tried(call: Call, rule_file: Path) -> None:
    """True or false for given values; a mistake is a sentence with its place."""
    fields = json.dumps({"evt.type": "openat", "fd.name": "/etc/shadow"})
    assert call("rules", "eval", "proc.name = sh", "--fields", '{"proc.name": "sh"}')[:2] == (0, "true\n")
    assert call("rules", "eval", "proc.name = sh", "--fields", "{}")[:2] == (0, "false\n")
    assert (
        call("rules", "eval", "--rules", rule_file, "--rule", "Hashes read", "--fields", fields)[1]
        == "true\n"
    )
    code, _, err = call("rules", "eval", "proc.nam = sh")
    assert code == 1
    assert "proc.name" in err


def test_many_conditions_can_be_tried_at_once(call: Call, tmp_path: Path) -> None:
    """One answer a line, also for those that make no sense."""
    cases = tmp_path / "cases"
    lines = [
        {"id": "a", "condition": "proc.name = sh", "fields": {"proc.name": "sh"}},
        {"id": "b", "rules": [RULE], "rule": "Hashes read", "fields": {"evt.type": "openat"}},
        {"id": "c", "condition": "proc.name ="},
        {"id": "d", "rules": [RULE], "rule": "Nonesuch", "fields": {}},
    ]
    cases.write_text("\n".join([*map(json.dumps, lines), "no json"]))
    code, out, _ = call("rules", "eval", "--cases", cases)
    answers = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [(each["id"], each["result"]) for each in answers] == [
        ("a", True),
        ("b", False),
        ("c", "error"),
        ("d", "error"),
        (5, "error"),
    ]


def test_the_library_passes_its_own_judgement(call: Call) -> None:
    """It loads without a warning, and every case in it holds."""
    assert call("rules", "check")[0] == 0
    code, out, _ = call("rules", "test")
    assert code == 0
    assert out.endswith(" 0 failed\n")


def test_doctor_says_what_is_wrong_and_what_to_do(call: Call) -> None:
    """A Kafka that is not there is a problem with a remedy; exit code 1."""
    code, out, _ = call("doctor", "--kafka", "127.0.0.1:1", "--json")
    findings = {each["what"]: each for each in json.loads(out)}
    assert code == 1
    assert "check the address" in findings["Kafka at 127.0.0.1:1"]["problem"]
    assert findings["rule library"]["problem"] is None
