"""Correlation rules: read, checked against the rules that they are about, and kept."""

from typing import Any

import pytest

from rules.load import compiled
from rules.report import Report
from rules.sigma.correlation import Correlation, Threshold
from tests.rules.sigma.writing import NETWORK, asking, errors, loaded

BASE = asking("Image: /x", title="Base", extra="name: base")
NET = asking("DestinationPort: 80", NETWORK, title="Net", extra="name: net")


def correlation(body: str, title: str = "C") -> str:
    """A document; ``body`` are the lines below ``correlation``."""
    lines = "".join(f"  {line}\n" for line in body.strip().splitlines())
    return f"title: {title}\nlevel: high\nname: {title.lower()}\ncorrelation:\n{lines}"


COUNT = """
type: event_count
rules: [base]
group-by: [User, Image]
timespan: 5m
condition:
  gte: 10
"""


def only(*texts: str) -> Correlation:
    """The one correlation of texts of which nothing is wrong."""
    found = loaded(*texts)
    assert found.errors == ()
    assert found.refused == ()
    (made,) = found.correlations
    return made


def test_event_count() -> None:
    """A count of matches within a time, of those that have the same values."""
    made = only(correlation(COUNT), BASE)
    assert (made.name, made.kind, made.rules, made.seconds) == ("C", "event_count", ("Base",), 300)
    assert made.group_by == {"User": {"Base": ("user.name",)}, "Image": {"Base": ("proc.exepath",)}}
    assert made.condition == Threshold(">=", 10)
    assert (made.info.priority, made.file, made.line) == ("Error", "1.yml", 1)


def test_value_count() -> None:
    """A count of different values."""
    made = only(
        BASE, correlation(COUNT.replace("event", "value").replace("gte: 10", "gt: 3\n  field: CommandLine"))
    )
    assert made.condition == Threshold(">", 3, ("CommandLine",))
    assert made.counted == {"CommandLine": {"Base": ("proc.exeline",)}}


TEMPORAL = """
type: temporal
rules: [base, net]
timespan: 1h
aliases:
  who:
    base: ParentProcessId
    net: ProcessId
group-by: [who]
"""


@pytest.mark.parametrize("kind", ["temporal", "temporal_ordered"])
def test_temporal(kind: str) -> None:
    """Several rules within a time, by a field that each has under a name of its own."""
    made = only(BASE, NET, correlation(TEMPORAL.replace("temporal", kind)))
    assert (made.kind, made.rules, made.seconds) == (kind, ("Base", "Net"), 3600)
    assert made.group_by == {"who": {"Base": ("proc.ppid",), "Net": ("proc.pid",)}}
    assert made.condition == Threshold(">=", 2)


def test_temporal_expression() -> None:
    """The rules of a temporal one may be joined by an expression."""
    made = only(BASE, NET, correlation("type: temporal\ntimespan: 1d\ncondition: base and not net"))
    assert (made.rules, made.condition, made.seconds) == (("Base", "Net"), "base and not net", 86400)


@pytest.mark.parametrize(
    "reference", ["base", "Base", "9e2575e7-2cb9-4da1-adc8-ed94221dca5e"], ids=["name", "title", "id"]
)
def test_references(reference: str) -> None:
    """A rule is referred to by its name, its title or its id."""
    text = BASE.replace("name: base", "name: base\nid: 9e2575e7-2cb9-4da1-adc8-ed94221dca5e")
    assert only(text, correlation(COUNT.replace("[base]", reference))).rules == ("Base",)


def test_correlations_of_correlations() -> None:
    """A correlation may be about others, wherever these stand."""
    outer = correlation("type: temporal\nrules: [c, net]\ngroup-by: User\ntimespan: 1h", title="Outer")
    found = loaded(outer, correlation(COUNT), BASE, NET)
    assert found.errors == ()
    assert [made.name for made in found.correlations] == ["C", "Outer"]
    assert found.correlations[1].group_by == {"User": {"C": ("user.name",), "Net": ("user.name",)}}


def test_a_circle() -> None:
    """Correlations that are about each other are errors."""
    one = correlation("type: temporal\nrules: [b]\ntimespan: 1h", title="A")
    two = correlation("type: temporal\nrules: [a]\ntimespan: 1h", title="B")
    assert errors(one, two) == [
        "1.yml:1:1: rule A: it refers to itself",
        "2.yml:1:1: rule B: it refers to itself",
    ]


def test_its_rules_are_silent() -> None:
    """Rules that only a correlation is about are not reported by themselves, unless it says so."""
    ruleset = compiled(loaded(BASE, NET, correlation(COUNT)))
    assert [(rule.name, rule.enabled) for rule in ruleset.rules] == [("Base", False), ("Net", True)]
    assert [made.name for made in ruleset.correlations] == ["C"]
    found = loaded(BASE, correlation(COUNT + "generate: true"))
    assert [rule.enabled for rule in found.rules] == [True]


def test_it_does_not_fire_yet() -> None:
    """That is said, for people and for programs."""
    found = loaded(BASE, correlation(COUNT))
    assert [(str(fault.place), fault.item, fault.sentence) for fault in found.warnings] == [
        (
            "2.yml:1:1",
            "rule C",
            "the correlation is kept for a later stage of the stream; it does not fire by itself yet",
        )
    ]
    report = Report(found.rules, found.errors, found.warnings, found.correlations, found.refused)
    assert report.sigma().endswith("; 1 correlations are kept and do not fire by themselves yet")
    plain: dict[str, Any] = report.to_json()["correlations"][0]
    assert (plain["name"], plain["type"], plain["rules"]) == ("C", "event_count", ["Base"])
    assert plain["condition"] == {"operator": ">=", "number": 10, "fields": (), "percentile": None}


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (
            ("rules: [base]", "rules: [bass]"),
            "no rule in these files has the name or id 'bass'; did you mean base?",
        ),
        (("rules: [base]", "rules: []"), "it names no rules"),
        (("timespan: 5m", "timespan: 5q"), "timespan '5q' is invalid"),
        (("event_count", "event_counts"), "'event_counts' is no valid Sigma correlation type"),
        (("gte: 10", "gte: x"), "'x' is no valid Sigma correlation condition count"),
        (("gte: 10", "most: 10"), "Sigma correlation condition must have exactly one condition item"),
        (("event_count", "value_count"), "value count correlation rule without field reference"),
    ],
)
def test_errors(change: tuple[str, str], error: str) -> None:
    """What cannot be read is an error with file and title."""
    (found,) = errors(BASE, correlation(COUNT.replace(*change)))
    assert found.startswith("2.yml:")
    assert found.endswith(f"rule C: {error}")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("User", "Hashes"), "Hashes: in the rule Base, events carry no hashes of files"),
        (
            ("User", "Usr"),
            "Usr: in the rule Base, process_creation has no such field here; did you mean User?",
        ),
    ],
)
def test_fields_that_events_do_not_have(change: tuple[str, str], reason: str) -> None:
    """A correlation by a field that no event has is refused."""
    (refused,) = loaded(BASE, correlation(COUNT.replace(*change))).refused
    assert (refused.name, refused.reasons) == ("C", (reason,))


@pytest.mark.parametrize("check", ["Hashes: x", "Image|re: a(?=b)"])
def test_refused_rules(check: str) -> None:
    """A correlation of a rule that is refused is refused too, for whatever reason that was."""
    found = loaded(asking(check, title="Base", extra="name: base"), correlation(COUNT))
    assert found.errors == ()
    assert [each.name for each in found.refused] == ["Base", "C"]
    assert found.refused[1].reasons == ("the rule Base is not loaded",)
