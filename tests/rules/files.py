"""Short ways to write rule files in tests."""

import os
from pathlib import Path

import pytest

import rules
from rules import RuleErrors, RuleSet
from rules.ruleset import Rule

RULE = """
- rule: {name}
  desc: d
  condition: {condition}
  output: out %proc.name
  priority: WARNING
"""


def rule(condition: str, name: str = "R", extra: str = "") -> str:
    """An item that defines a rule; ``extra`` are more lines of it, indented by two."""
    return RULE.format(name=name, condition=condition).rstrip() + f"\n{extra}\n"


def load(*texts: str) -> RuleSet:
    """The rules of some texts, which messages call ``1``, ``2`` and so on."""
    return rules.load_texts([(str(number), text) for number, text in enumerate(texts, 1)])


def only(*texts: str) -> Rule:
    """The one rule of some texts."""
    (found,) = load(*texts).rules
    return found


def holds(rule: Rule, **fields: object) -> bool:
    """Whether a rule holds for values whose names have underscores in place of dots."""
    return rules.evaluate_rule(rule, {name.replace("_", ".", 1): value for name, value in fields.items()})


def errors(*texts: str) -> list[str]:
    """What is wrong with some texts."""
    with pytest.raises(RuleErrors) as raised:
        load(*texts)
    return [str(fault) for fault in raised.value.errors]


def corpus() -> Path:
    """The folder of rules from elsewhere; skips the test where there is none."""
    named = os.environ.get("TRACETIDE_CORPUS")
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "corpus"
    found = Path(named) if named else beside
    if not (found / "falco-rules").is_dir():
        pytest.skip("no corpus: set TRACETIDE_CORPUS to a folder that holds falco-rules/")
    return found
