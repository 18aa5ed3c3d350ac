"""``tracetide rules``: what an author of rules is told, and the exit codes."""

import json
from pathlib import Path

import pytest

from tests.rules.files import rule
from tests.tracetide.conftest import RULE, Call


def test_the_library_passes_its_own_judgement(call: Call) -> None:
    """It loads without a warning, and every case in it holds."""
    assert call("rules", "check")[0] == 0
    code, out, _ = call("rules", "test")
    assert code == 0
    assert out.endswith(" 0 failed\n")


def test_check_says_all_as_json(call: Call, tmp_path: Path) -> None:
    """Every rule with its place and its facts, every error and warning with file, line and column."""
    path = tmp_path / "r.yaml"
    path.write_text(
        RULE + rule("proc.nam=x and evt.type=open", "Bad") + "- macro: m\n  condition: proc.name=x\n"
    )
    code, out, _ = call("rules", "check", path, "--json")
    told = json.loads(out)
    assert code == 1
    assert told["rules"][0] == {
        "name": "Hashes read",
        "file": str(path),
        "line": 2,
        "enabled": True,
        "priority": "Critical",
        "tags": [],
        "techniques": [],
        "event_types": ["openat"],
        "fields": ["evt.type", "fd.name"],
        "output": "read by %proc.name",
        "weakened": [],
    }
    (error,), (warning,) = told["errors"], told["warnings"]
    assert (error["file"], error["line"], error["column"], error["rule"]) == (str(path), 10, 14, "Bad")
    assert (warning["line"], warning["column"], warning["item"]) == (14, 3, "macro m")


def test_check_says_which_rules_are_weakened(call: Call, tmp_path: Path) -> None:
    """Counted by what is not collected, and by name with -v."""
    path = tmp_path / "r.yaml"
    path.write_text(
        rule("evt.type=open and proc.vmrss > 1", "One") + rule("evt.type=open and proc.vmrss > 2", "Two")
    )
    code, out, _ = call("rules", "check", path)
    assert code == 0
    assert "proc.vmrss needs memory figures: 2 rules\n" in out
    assert "2 weakened" in out
    out = call("rules", "check", path, "-v")[1]
    assert f"{path}:2: rule One: proc.vmrss needs memory figures\n" in out


def test_list_can_be_narrowed(call: Call, tmp_path: Path) -> None:
    """By tag, by priority and by tactic, however it is written."""
    path = tmp_path / "r.yaml"
    path.write_text(
        rule("evt.type=open", "One", "  tags: [a, b]")
        + rule("evt.type=open", "Two", "  tags: [a]\n  attack: [T1003.008]")
        + RULE
    )

    def names(*arguments: str) -> list[str]:
        return [each["name"] for each in json.loads(call("rules", "list", path, "--json", *arguments)[1])]

    assert names() == ["One", "Two", "Hashes read"]
    assert names("--tag", "a") == ["One", "Two"]
    assert names("--tag", "a", "--tag", "b") == ["One"]
    assert names("--priority", "critical") == ["Hashes read"]
    assert names("--tactic", "credential-access") == ["Two"]
    assert names("--tactic", "Credential Access") == ["Two"]
    shown = call("rules", "list", path)[1]
    assert "Hashes read" in shown
    assert "3 rules" in shown


def test_list_makes_a_layer_for_the_navigator(call: Call, tmp_path: Path) -> None:
    """Format 4.5: a score for each technique and tactic, the rules in the comment, none that is disabled."""
    path = tmp_path / "r.yaml"
    path.write_text(
        rule("evt.type=open", "One", "  attack: [T1053.003]")
        + rule("evt.type=open", "Two", "  attack: [T1053.003, T1059.004]")
        + rule("evt.type=open", "Off", "  attack: [T1068]\n  enabled: false")
    )
    layer = json.loads(call("rules", "list", path, "--attack")[1])
    assert layer["versions"]["layer"] == "4.5"
    assert layer["domain"] == "enterprise-attack"
    assert [(each["techniqueID"], each["tactic"], each["score"]) for each in layer["techniques"]] == [
        ("T1053.003", "execution", 2),
        ("T1053.003", "persistence", 2),
        ("T1053.003", "privilege-escalation", 2),
        ("T1059.004", "execution", 1),
    ]
    assert layer["techniques"][0]["comment"] == "One\nTwo"
    assert layer["gradient"]["minValue"] < layer["gradient"]["maxValue"] == 2
    assert len(layer["gradient"]["colors"]) >= 2
    assert {each["color"] for each in layer["legendItems"]} <= set(layer["gradient"]["colors"])


def test_a_layer_of_one_rule_has_a_gradient_too(call: Call, rule_file: Path, tmp_path: Path) -> None:
    """Its ends must differ, however few rules there are."""
    one = tmp_path / "one.yaml"
    one.write_text(rule("evt.type=open", "One", "  attack: [T1068]"))
    for path in (one, rule_file):
        gradient = json.loads(call("rules", "list", path, "--attack")[1])["gradient"]
        assert gradient["minValue"] < gradient["maxValue"]


def test_test_says_where_a_case_fails(call: Call, tmp_path: Path) -> None:
    """A line with file and line for each; exit code 1."""
    path = tmp_path / "r.yaml"
    cases = "  cases:\n    match:\n      - evt.type: open\n      - evt.type: close\n"
    path.write_text(rule("evt.type=open", "One", cases))
    code, out, _ = call("rules", "test", path)
    assert code == 1
    assert f"{path}:10: rule One: case 'case 2' must match and does not\n" in out
    told = json.loads(call("rules", "test", path, "--json")[1])
    assert [each["passed"] for each in told["cases"]] == [True, False]


@pytest.fixture
def scenario(recording: Path) -> Path:
    """A folder with the recording and what is expected of it."""
    folder = recording.parent / "read"
    folder.mkdir()
    recording.rename(folder / "recording.jsonl.zst")
    (folder / "expected.json").write_text(
        '[\n {"rule": "Hashes read", "process": "cat"},\n {"rule": "Hashes read"}\n]'
    )
    return folder


def test_test_replays_scenarios(call: Call, scenario: Path, rule_file: Path) -> None:
    """What an entry does not name does not matter; rules and scenarios may be in one folder."""
    assert call("rules", "test", rule_file, scenario)[:2] == (
        0,
        "0 cases, 1 scenarios with 2 detections, 0 failed\n",
    )
    assert call("rules", "test", scenario.parent)[0] == 0


def test_test_tells_how_a_scenario_differs(call: Call, scenario: Path, rule_file: Path) -> None:
    """What is missing, what is otherwise, what nobody expected, each with its line."""
    expected = [
        {"rule": "Hashes read", "process": "sh", "ancestors": []},
        {"rule": "Another"},
    ]
    file = scenario / "expected.json"
    file.write_text(json.dumps(expected, indent=1))
    code, out, _ = call("rules", "test", rule_file, scenario)
    assert code == 1
    otherwise = 'is found in event 2 otherwise than expected: process is "cat", expected "sh"'
    assert out.splitlines() == [
        f"{file}:2: rule Hashes read: {otherwise}",
        f"{file}:7: rule Another: is expected but not found",
        f"{file}:1: rule Hashes read: is found in event 4 (read by cat) but not expected",
        "0 cases, 1 scenarios with 3 detections, 3 failed",
    ]


def test_test_says_when_there_is_nothing_to_test(call: Call, tmp_path: Path) -> None:
    """A folder without rules and scenarios is a mistake, and so is an expectation that makes no sense."""
    assert call("rules", "test", tmp_path)[0] == 1
    (tmp_path / "recording.jsonl.zst").touch()
    (tmp_path / "expected.json").write_text('[{"rules": 1}]')
    code, _, err = call("rules", "test", tmp_path)
    assert code == 1
    assert str(tmp_path / "expected.json") in err


def test_the_library_finds_what_the_scenarios_expect(call: Call) -> None:
    """Without rules in the paths it is the library that is tested."""
    code, out, _ = call("rules", "test", Path(__file__).parents[1] / "scenarios")
    assert code == 0, out


def test_diff_says_what_appears_disappears_and_changes(
    call: Call, recording: Path, rule_file: Path, tmp_path: Path
) -> None:
    """Exit code 1 if detections differ; the rules that were added, removed and changed are named."""
    new = tmp_path / "new.yaml"
    new.write_text(
        RULE.replace("read by %proc.name", "read by %proc.name again") + rule("evt.type=execve", "Started")
    )
    code, out, _ = call("rules", "diff", rule_file, new, recording)
    assert code == 1
    assert "rule added: Started\n" in out
    assert "rule changed: Hashes read (output)\n" in out
    assert "+ event 1: Warning Started: out cat\n" in out
    assert "~ event 2: Critical Hashes read: read by cat\n" in out
    assert "2 detections before, 3 after: 1 appear, 0 disappear, 2 change\n" in out
    told = json.loads(call("rules", "diff", new, rule_file, recording, "--json")[1])
    assert told["rules"] == {"added": [], "removed": ["Started"], "changed": {"Hashes read": ["output"]}}
    assert [each["rule"]["name"] for each in told["detections"]["disappear"]] == ["Started"]
    assert [each["what"] for each in told["detections"]["change"]] == [["output"], ["output"]]


def test_diff_of_rules_that_find_the_same(
    call: Call, recording: Path, rule_file: Path, tmp_path: Path
) -> None:
    """Exit code 0, also if the rules differ in what the recording does not show."""
    new = tmp_path / "new.yaml"
    new.write_text(RULE.replace("= /etc/shadow", "in (/etc/shadow, /etc/gshadow)"))
    code, out, _ = call("rules", "diff", rule_file, new, recording)
    assert code == 0
    assert "rule changed: Hashes read (condition)\n" in out
    assert "0 appear, 0 disappear, 0 change" in out
    code, out, _ = call("rules", "diff", rule_file, rule_file, recording, "--library")
    assert (code, out.splitlines()[0]) == (0, "no rule differs")


def test_a_folder_reads_its_macros_first(call: Call, tmp_path: Path) -> None:
    """Like the library, which can be copied and changed; hidden files are left alone."""
    (tmp_path / "macros.yaml").write_text("- macro: m\n  condition: (evt.type=open)\n")
    (tmp_path / "a.yaml").write_text(rule("m"))
    (tmp_path / ".#a.yaml").write_text("no rule file: [")
    assert call("rules", "check", tmp_path)[1] == "1 rules, 0 errors, 0 warnings\n"
