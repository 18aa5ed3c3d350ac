"""The rule in docs/rules.md is one that a reader can copy."""

import re
from pathlib import Path

import rules

GUIDE = Path(__file__).parents[2] / "docs" / "rules.md"


def test_example() -> None:
    """It loads without a warning, and its cases hold."""
    example = re.search(r"```yaml\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert example is not None
    ruleset = rules.load_texts([("guide", example[1])])
    assert not ruleset.warnings
    results = rules.run_cases(ruleset)
    assert len(results) > 1
    assert all(result.passed for result in results)


def test_paths() -> None:
    """Every file and folder that it names is there."""
    named = re.findall(r"`(rules/[\w./]*)(?:<[^`]*)?`", GUIDE.read_text())
    assert named
    assert [path for path in named if not (GUIDE.parents[1] / path).exists()] == []
