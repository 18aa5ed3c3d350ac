"""The command line: what it prints, and its exit codes."""

import json
from pathlib import Path

import pytest
import zstandard

from tests.tracetide.conftest import RULE, Call


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
