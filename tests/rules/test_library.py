"""The rules that come with tracetide: complete, and true to their own cases."""

import pytest

import rules
from rules import LIBRARY, CaseResult
from rules.attack import TECHNIQUES
from rules.ruleset import Rule
from tests.rules.files import corpus

RULES = rules.load([])
TACTICS = {path.name for path in LIBRARY.iterdir() if path.is_dir()}


def _name(rule: Rule) -> str:
    return rule.name.replace(" ", "-")


@pytest.mark.parametrize("rule", RULES.rules, ids=_name)
def test_complete(rule: Rule) -> None:
    """A rule says what happened, what to do, when it errs, which technique it sees, and has cases."""
    info = rule.info
    assert len(info.description) > 80
    assert len(info.response) > 80
    assert info.false_positives
    assert info.techniques
    assert {case.matches for case in rule.cases} == {True, False}
    assert len({case.name for case in rule.cases}) == len(rule.cases)
    assert rule.enabled


@pytest.mark.parametrize("rule", RULES.rules, ids=_name)
def test_place(rule: Rule) -> None:
    """A rule lies in the folder of a tactic that one of its techniques serves, alone in its file."""
    folder, _, file = rule.file.removeprefix("library/").partition("/")
    serving = {tactic.lower().replace(" ", "_") for each in rule.info.techniques for tactic in each.tactics}
    assert folder in serving
    assert [other.name for other in RULES.rules if other.file == rule.file] == [rule.name]
    assert file.endswith(".yaml")


@pytest.mark.parametrize("rule", RULES.rules, ids=_name)
def test_techniques(rule: Rule) -> None:
    """A rule names techniques of the pinned version by their present ids."""
    assert {each.id for each in rule.info.techniques} <= set(TECHNIQUES)


@pytest.mark.parametrize("rule", RULES.rules, ids=_name)
def test_collected(rule: Rule) -> None:
    """Everything that a rule's condition looks at is collected, so that it can match."""
    assert rule.weakened == ()
    assert rule.event_types <= set(RULES.matchers)


@pytest.mark.parametrize(
    "result", rules.run_cases(RULES), ids=lambda result: f"{result.rule}: {result.case}".replace(" ", "-")
)
def test_cases(result: CaseResult) -> None:
    """A rule matches what its cases say it must, and nothing that they say it must not."""
    assert result.passed, f"{result.file}:{result.line}: {result.sentence}"


def test_loads_without_warnings() -> None:
    """Nothing in the library is unused, unknown or deprecated."""
    assert [str(warning) for warning in rules.check([], library=True).warnings] == []


def test_five_things() -> None:
    """There are rules for each tactic that the library is divided by, in number enough to be worth it."""
    assert len(RULES.rules) >= 66
    assert {rule.file.split("/")[1] for rule in RULES.rules} == TACTICS


def test_names_of_its_own() -> None:
    """The community defines no list, macro or rule of the same name, which would change the library's."""
    names: dict[str, set[str]] = {"list": set(), "macro": set(), "rule": set()}
    for path in corpus().glob("falco-rules/*.yaml"):
        for line in path.read_text().splitlines():
            kind, _, name = line.removeprefix("- ").partition(": ")
            if line.startswith("- ") and kind in names:
                names[kind].add(name.strip())
    for path in LIBRARY.rglob("*.yaml"):
        for line in path.read_text().splitlines():
            kind, _, name = line.removeprefix("- ").partition(": ")
            if line.startswith("- ") and kind in names:
                assert name.strip() not in names[kind]


def test_failing_cases_are_told() -> None:
    """A case that a rule does not keep is named with its place, and so is one that names no field."""
    text = (
        "- rule: R\n  desc: d\n  condition: proc.name=a\n  output: o\n  priority: INFO\n  cases:\n"
        "    match:\n      - {name: wrong, proc.name: b}\n    ignore:\n      - {proc.nam: b}\n"
    )
    results = rules.run_cases(rules.load_texts([("x", text)]))
    assert [(result.case, result.line, result.passed, result.sentence) for result in results] == [
        ("wrong", 8, False, "must match and does not"),
        ("case 1", 10, False, "no field is named 'proc.nam'"),
    ]
