"""Files: several documents, Falco's beside Sigma's, broken ones, and what a rule says of itself."""

import json
from pathlib import Path

import pytest

import rules
from rules import RuleErrors
from rules.load import compiled
from tests.events import execute
from tests.rules import files
from tests.rules.sigma.writing import asking, errors, holds, loaded, matched, only, sigma

ABOUT = """id: 9e2575e7-2cb9-4da1-adc8-ed94221dca5e
description: >
  What was
  seen.
level: critical
tags:
  - attack.execution
  - attack.t1059.004
  - attack.t1169
  - cve.2021-1
references:
  - https://example.org/a
falsepositives:
  - Administrators
author: Somebody"""


def test_what_a_rule_says_of_itself() -> None:
    """Title, id, description, references and false positives are the author's; tags name techniques."""
    rule = only(asking("Image: x", extra=ABOUT))
    info = rule.info
    assert (rule.name, rule.line, rule.file) == ("T", 1, "1.yml")
    assert info.id == "9e2575e7-2cb9-4da1-adc8-ed94221dca5e"
    assert info.description == "What was seen."
    assert info.references == ["https://example.org/a"]
    assert info.false_positives == ["Administrators"]
    assert info.tags == ["attack.execution", "attack.t1059.004", "attack.t1169", "cve.2021-1"]
    assert [(each.id, each.tactics) for each in info.techniques] == [
        ("T1059.004", ["Execution"]),
        ("T1548.003", ["Defense Evasion", "Privilege Escalation"]),
    ]


@pytest.mark.parametrize(
    ("level", "priority"),
    [
        ("critical", "Critical"),
        ("high", "Error"),
        ("medium", "Warning"),
        ("low", "Notice"),
        ("informational", "Informational"),
    ],
)
def test_levels(level: str, priority: str) -> None:
    """A level is a priority; without one a rule is a warning."""
    assert only(asking("Image: x", extra=f"level: {level}")).priority == priority
    assert only(asking("Image: x", extra="author: a")).priority == "Warning"


def test_several_documents() -> None:
    """A file holds any number of rules, each with its own place."""
    found = loaded(asking("Image: x", title="A") + "---\n" + asking("Image: y", title="B") + "---\n")
    assert [(rule.name, rule.line) for rule in found.rules] == [("A", 1), ("B", 11)]


def test_a_mixed_folder(tmp_path: Path) -> None:
    """Rules for Falco and for Sigma may lie in one folder, whatever their files are called."""
    (tmp_path / "a.yaml").write_text(asking("Image: /x", title="Of Sigma"))
    (tmp_path / "b.yml").write_text(files.rule("evt.type = execve", "Of Falco"))
    (tmp_path / "c.yml").write_text(asking("Image: /y", title="Another"))
    ruleset = rules.load([tmp_path])
    named = {rule.name for rule in ruleset.rules if not rule.file.startswith("library/")}
    assert named == {"Of Sigma", "Of Falco", "Another"}
    assert ruleset.warnings == ()


def test_a_mixed_file() -> None:
    """Documents of both kinds may stand in one file."""
    found = loaded(files.rule("evt.type = execve", "Of Falco") + "---\n" + asking("Image: /x"))
    assert [rule.name for rule in found.rules] == ["Of Falco", "T"]
    assert found.errors == ()


SOUND = asking("Image: x")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (SOUND.replace("condition: selection", ""), "1: Sigma rule must contain at least one condition"),
        ("title: T\nlogsource:\n  product: linux\n", "1: Sigma rule must have a detection definitions"),
        (SOUND.replace("logsource", "logsources"), "1: Sigma rule must have a log source"),
        (asking("Image: x", extra="level: severe"), "1: 'severe' is not a valid Sigma rule level"),
        (asking("Image: x\nImage: y"), "9:5: 'Image' is there twice"),
        (asking("Image: {a: b}"), "8:12: a field is compared with values only"),
        (asking("Image: [[a]]"), "8:13: a field is compared with values only"),
        (sigma("selection: {}\ncondition: selection"), "1: detection is empty"),
        (sigma("selection: []\ncondition: selection"), "7:14: 'selection' is empty"),
        (
            "title: T\ndetection: [a]\nlogsource: {product: linux}\n",
            "1: Sigma detection must be a valid YAML map",
        ),
        (asking("Image: x", extra="action: x"), "1: 'x' is no action; it must be global, reset or repeat"),
        (SOUND.replace("title: T", "title: 5"), "1: Sigma rule title must be a string"),
    ],
)
def test_broken_files(text: str, error: str) -> None:
    """What is wrong with a document is said with its file, line and title."""
    place, _, sentence = error.partition(": ")
    title = "5" if "title: 5" in text else "T"
    assert f"1.yml:{place if ':' in place else f'{place}:1'}: rule {title}: {sentence}" in errors(text)


@pytest.mark.parametrize(
    ("key", "warning"),
    [
        ("id: 5", "Sigma rule identifier must be an UUID"),
        ("status: finished", "'finished' is not a valid Sigma rule status"),
        ("date: yesterday", "rule date 'yesterday' is invalid, use yyyy-mm-dd"),
        ("references: https://example.org", "Sigma rule references must be a list"),
        ("falsepositives: None known", "Sigma rule falsepositives must be a list"),
        ("description: [a, b]", "Sigma rule description must be a string"),
    ],
)
def test_what_is_wrong_with_other_keys(key: str, warning: str) -> None:
    """What a rule says of itself does not keep it from being asked; what is wrong with that is a hint."""
    found = loaded(asking("Image: x", extra=key))
    assert found.errors == ()
    assert [(fault.sentence, fault.kind) for fault in found.warnings] == [(warning, "hint")]
    (rule,) = found.rules
    assert rules.evaluate_rule(rule, {"Image": "x"})
    assert rule.info.references in ([], ["https://example.org"])
    assert rule.info.false_positives in ([], ["None known"])


def test_without_a_title() -> None:
    """What has no title is told by its place."""
    assert errors(SOUND.replace("title: T\n", "")) == ["1.yml:1:1: Sigma rule must have a title"]
    assert errors(SOUND.replace("title: T", "title: ' '")) == ["1.yml:1:1: Sigma rule must have a title"]


def test_no_yaml() -> None:
    """What is no YAML is told where that ends."""
    assert errors("title: T\ndetection: {a: b\n") == ["1.yml:3:1: not YAML: did not find expected ',' or '}'"]


def test_a_broken_rule_takes_no_other_down(tmp_path: Path) -> None:
    """What is wrong is told besides the rules that can be used; loading refuses them all, as with Falco's."""
    path = tmp_path / "rules.yml"
    path.write_text(asking("Image|nothing: x", title="Bad") + "---\n" + asking("Image: x", title="Good"))
    report = rules.check([path])
    assert [rule.name for rule in report.rules] == ["Good"]
    assert [str(fault) for fault in report.errors] == [f"{path}:1:1: rule Bad: unknown modifier 'nothing'"]
    with pytest.raises(RuleErrors, match="rule Bad: unknown modifier 'nothing'"):
        rules.load([path])


def test_a_refused_rule_is_a_warning(tmp_path: Path) -> None:
    """What cannot be asked is left out with a warning, and the others run."""
    path = tmp_path / "rules.yml"
    path.write_text(asking("Hashes: x", title="Not here") + "---\n" + asking("Image: x", title="Good"))
    ruleset = rules.load([path], library=False)
    assert [rule.name for rule in ruleset.rules] == ["Good"]
    assert [str(fault) for fault in ruleset.warnings] == [
        f"{path}:8:5: rule Not here: left out: Hashes: events carry no hashes of files"
    ]


def test_report(tmp_path: Path) -> None:
    """The report counts what was loaded and what was refused, with each reason, also for programs."""
    path = tmp_path / "rules.yml"
    path.write_text(
        asking("Hashes: x\nCompany: y", title="Not here") + "---\n" + asking("Image: x", extra=ABOUT)
    )
    report = rules.check([path])
    assert report.sigma() == "1 Sigma rules loaded, 1 refused"
    plain = json.loads(json.dumps(report.to_json()))
    (rule,) = plain["rules"]
    assert (rule["log_source"], rule["id"]) == ("process_creation", "9e2575e7-2cb9-4da1-adc8-ed94221dca5e")
    (refused,) = plain["refused"]
    assert refused["name"] == "Not here"
    assert [reason.partition(":")[0] for reason in refused["reasons"]] == ["Hashes", "Company"]
    assert rules.check([]).sigma() == ""


def test_equal_titles() -> None:
    """Two rules of one title stay apart by their ids; the same rule again replaces the earlier one."""
    first, second = "id: 11111111-2cb9-4da1-adc8-ed94221dca5e", "id: 22222222-2cb9-4da1-adc8-ed94221dca5e"
    found = loaded(asking("Image: x", extra=first), asking("Image: y", extra=second))
    assert [rule.name for rule in found.rules] == ["T", "T (22222222)"]
    found = loaded(asking("Image: x", extra=first), asking("Image: y", extra=first))
    (rule,) = found.rules
    assert rules.evaluate_rule(rule, {"Image": "y"})
    assert [fault.sentence for fault in found.warnings] == ["replaces the rule at 1.yml:1:1"]


def test_a_title_that_a_rule_for_falco_has() -> None:
    """A rule for Falco of the same name stays."""
    given = "id: 11111111-2cb9-4da1-adc8-ed94221dca5e"
    found = loaded(files.rule("evt.type = execve", "T"), asking("Image: x", extra=given))
    assert [rule.name for rule in found.rules] == ["T", "T (11111111)"]
    found = loaded(files.rule("evt.type = execve", "T"), asking("Image: x"))
    assert [rule.name for rule in found.rules] == ["T", "T (Sigma)"]


def test_actions() -> None:
    """What a global document says counts for those that follow in its file, until it is reset."""
    shared = "action: global\nlogsource:\n  category: process_creation\nlevel: low\n"
    own = "title: {}\ndetection:\n  a:\n    Image: {}\n  condition: a\n"
    again = "action: repeat\ntitle: C\ndetection:\n  a:\n    CommandLine: z\n"
    text = "---\n".join([shared, own.format("A", "x"), own.format("B", "y"), again])
    found = loaded(text)
    assert found.errors == ()
    assert [(rule.name, rule.priority) for rule in found.rules] == [
        ("A", "Notice"),
        ("B", "Notice"),
        ("C", "Notice"),
    ]
    assert rules.evaluate_rule(found.rules[2], {"Image": "y", "CommandLine": "z"})
    assert not rules.evaluate_rule(found.rules[2], {"Image": "y"})
    reset = "---\n".join([shared, "action: reset\n", own.format("A", "x")])
    assert errors(reset) == ["1.yml:8:1: rule A: Sigma rule must have a log source"]
    assert errors(shared, own.format("A", "x")) == ["2.yml:1:1: rule A: Sigma rule must have a log source"]


def test_anchors() -> None:
    """Anchors and merged mappings are read."""
    text = sigma("a: &a\n  Image: x\nb:\n  <<: *a\n  CommandLine: y\ncondition: b")
    assert holds(text, Image="x", CommandLine="y")
    assert not holds(text, CommandLine="y")


FILTER = """title: Excuse
logsource:
  category: process_creation
  product: linux
filter:
  rules: {}
  selection:
    User: backup
  condition: not selection
"""


@pytest.mark.parametrize(
    "named", ["any", "[9e2575e7-2cb9-4da1-adc8-ed94221dca5e]", "9e2575e7-2cb9-4da1-adc8-ed94221dca5e"]
)
def test_filters(named: str) -> None:
    """A filter adds its condition to the rules that it names, wherever these are."""
    found = loaded(FILTER.format(named), asking("Image: x", extra=ABOUT))
    (rule,) = found.rules
    assert rules.evaluate_rule(rule, {"Image": "x", "User": "root"})
    assert not rules.evaluate_rule(rule, {"Image": "x", "User": "backup"})


def test_a_filter_for_nothing() -> None:
    """A filter that changes no rule is told."""
    found = loaded(FILTER.format("[other]"), asking("Image: x", extra=ABOUT))
    assert [str(fault) for fault in found.warnings] == [
        "1.yml:1:1: rule Excuse: the filter is for none of the rules"
    ]


def test_together_with_others() -> None:
    """Sigma's and Falco's rules are asked by one function, and each finds what it would alone."""
    texts = [
        asking("Image|endswith: /nc", title="A"),
        files.rule("evt.type = execve and proc.name = nc", "B"),
    ]
    assert matched("---\n".join(texts[::-1]), execute(1, 1, "nc")) == [1, 1]
    ruleset = compiled(loaded(*texts))
    assert "'*/nc' in" in ruleset.source("execve")
    assert [rule.name for rule, _ in ruleset.each["execve"]] == ["B", "A"]
