"""What docs/rules.md shows is what a reader gets: the rule, the commands, and what they print."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import rules
from collectors.recording import RecordingWriter
from tests.events import batch, execute, fork
from tracetide.scenarios import EXPECTED, RECORDING

GUIDE = Path(__file__).parents[2] / "docs" / "rules.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks() -> list[tuple[str, str]]:
    """The kinds and contents of what stands between fences, in their order."""
    return BLOCK.findall(GUIDE.read_text())


def only(kind: str) -> str:
    """The one block of a kind."""
    (found,) = [content for each, content in blocks() if each == kind]
    return found


def commands() -> list[tuple[str, str | None]]:
    """Every command that needs no privileges, and what it prints if the guide shows that."""
    found: list[tuple[str, str | None]] = []
    every = blocks()
    for (kind, content), (next_kind, output) in zip(every, [*every[1:], ("", "")], strict=True):
        lines = (
            [line for line in content.splitlines() if line.startswith("tracetide ")] if kind == "sh" else []
        )
        shown = output if next_kind == "text" and len(lines) == 1 else None
        found += [(line, shown) for line in lines]
    return found


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with all that the guide speaks of: the rule, the changed rule, the recording, a scenario."""
    rule = only("yaml")
    for folder, text in (("mine", rule), ("changed", re.sub(r"\n.*not proc.aname.*", "", rule))):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "compiler_in_container.yaml").write_text(text)
    group = f"/system.slice/docker-1e2feb894147{'0' * 52}.scope"
    day = [
        batch(execute(4808, 1, "init"), execute(4809, 70, "buildkit-runc", parents=(1,)), fork(4810, 71, 70)),
        batch(execute(4811, 71, "make", cgroup_path=group), fork(4812, 72, 71)),
        batch(execute(4813, 72, "gcc", "-c", "tool.c", cgroup_path=group)),
        batch(execute(4814, 80, "sh", parents=(1,), cgroup_path=group), fork(4815, 81, 80)),
        batch(execute(4816, 81, "gcc", "exploit.c", cgroup_path=group)),
    ]
    scenario = tmp_path / "scenarios" / "compiled"
    scenario.mkdir(parents=True)
    (scenario / EXPECTED).write_text(only("json"))
    for path in (tmp_path / "day.jsonl.zst", scenario / RECORDING):
        with RecordingWriter(path) as writer:
            for each in day:
                writer.write(each)
    return tmp_path


@pytest.mark.parametrize(("command", "shown"), commands())
def test_commands(command: str, shown: str | None, desk: Path) -> None:
    """Each command can be copied, and prints what the guide says; finding differences is no failure."""
    words = shlex.split(command, comments=True)
    words = words[: words.index(">")] if ">" in words else words
    ended = subprocess.run(
        [sys.executable, "-m", "tracetide", *words[1:]],
        cwd=desk,
        capture_output=True,
        text=True,
        check=False,
        env={"COLUMNS": "100", "PYTHONPATH": str(GUIDE.parents[1]), "PYTHONIOENCODING": "utf-8"},
    )
    assert ended.returncode == (1 if " diff " in command else 0), ended.stderr[-2000:]
    assert ended.stdout
    if shown is not None:
        assert ended.stdout == shown


def test_some_commands_show_what_they_print() -> None:
    """The test before would say nothing if the blocks were not found."""
    assert len(commands()) > 10
    assert len([shown for _, shown in commands() if shown]) > 4


def test_example() -> None:
    """It loads without a warning, and its cases hold."""
    ruleset = rules.load_texts([("guide", only("yaml"))])
    assert not ruleset.warnings
    results = rules.run_cases(ruleset)
    assert len(results) > 1
    assert all(result.passed for result in results)


def test_paths() -> None:
    """Every file and folder that it names is there."""
    named = re.findall(r"`(rules/[\w./]*)(?:<[^`]*)?`", GUIDE.read_text())
    assert named
    assert [path for path in named if not (GUIDE.parents[1] / path).exists()] == []
