"""Why a rule matches or does not: the checks, their values, and the one that decided."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

import rules
from rules.explain import Explanation, GivenValues, Node, OfEvent, explain, lines
from stream.process import NOBODY, Container, Process
from tests.events import connect, execute, fork, open_file
from tests.rules import strategies
from tests.rules.files import load, only, rule
from tests.rules.host import SomeHost
from tests.rules.test_agreement import events, processes, stream_conditions
from wire.event import Event


def of_values(condition: str, extra: str = "", **fields: object) -> Explanation:
    """Of a condition and values whose names have underscores in place of dots."""
    values = {name.replace("_", ".", 1): value for name, value in fields.items()}
    return explain(only(rule(f"|\n    {condition}", extra=extra)), GivenValues(values))


def of_event(condition: str, event: Event, **facts: Any) -> Explanation:
    """Of a condition and an event of the stream."""
    return explain(
        only(rule(f"|\n    {condition}")), OfEvent(event, Process(parent=NOBODY, **facts), SomeHost())
    )


def checks(node: Node) -> list[Node]:
    """The checks of a tree."""
    return [each for term in node.terms for each in checks(term)] if node.terms else [node]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(strategies.conditions, strategies.fields)
def test_given_values_agree_with_the_compiler(condition: str, fields: dict[str, Any]) -> None:
    """The tree's outcome is that of the generated function, and the checks that decided bear it out."""
    found = explain(only(rule(f"|\n    {condition}", extra="  warn_evttypes: false")), GivenValues(fields))
    holds = rules.evaluate(condition, fields)
    assert found.root.holds is holds
    assert all(each.holds is holds for each in found.decided)
    assert all(each.asked for each in found.decided)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(stream_conditions, events, processes())
def test_events_agree_with_the_stream(condition: str, event: Event, process: Process) -> None:
    """For an event of the stream the outcome is the one that the engine comes to."""
    ruleset = load(rule(f"|\n    {condition}", extra="  warn_evttypes: false"))
    matcher = ruleset.matchers.get(event.type)
    found = explain(ruleset.rules[0], OfEvent(event, process, SomeHost()))
    assert found.matches is (matcher is not None and bool(matcher(event, process, SomeHost())))
    assert not (found.never and matcher)


def test_the_first_check_that_fails_decided() -> None:
    """What comes behind it was not asked, and its outcome is told all the same."""
    found = of_values(
        "evt.type=openat and fd.name=/etc/shadow and proc.name=cat and fd.num>=0",
        evt_type="openat",
        fd_name="/etc/passwd",
        proc_name="cat",
    )
    assert [(each.text(), each.holds, each.asked) for each in checks(found.root)] == [
        ("evt.type = openat", True, True),
        ("fd.name = /etc/shadow", False, True),
        ("proc.name = cat", True, False),
        ("fd.num >= 0", False, False),
    ]
    assert found.sentence == (
        "It does not match: `fd.name = /etc/shadow` is false, fd.name is /etc/passwd. "
        "False too: `fd.num >= 0`."
    )


def test_a_single_obstacle_is_called_one() -> None:
    """The author learns that nothing else has to change."""
    found = of_values("evt.type=openat and fd.num>=0", evt_type="openat")
    assert found.sentence == (
        "It does not match: `fd.num >= 0` is false, fd.num is missing. Nothing else keeps it from matching."
    )


def test_what_else_would_have_to_be_true() -> None:
    """One of several alternatives may be enough, or one certain one, or more than what decided."""
    one = of_values("evt.type=openat and (proc.name=a or user.name=b)", evt_type="openat")
    assert one.sentence.endswith(" One of them would be enough.")
    certain = of_values(
        "evt.type=openat and ((proc.name=a and proc.exe=c) or user.name=b)", evt_type="openat"
    )
    assert certain.sentence.endswith(" `user.name = b` would be enough.")
    more = of_values(
        "evt.type=openat and (proc.name=a and proc.exe=c or user.name=b and user.uid=0)", evt_type="openat"
    )
    assert more.sentence.endswith(" Other checks would have to be true too.")


def test_alternatives() -> None:
    """Of alternatives the first that is true decided; if none is, all of them did."""
    condition = "evt.type=openat and (proc.name=a or proc.name startswith b or user.name=c)"
    none = of_values(condition, evt_type="openat", proc_name="x")
    assert [each.text() for each in none.decided] == [
        "proc.name = a",
        "proc.name startswith b",
        "user.name = c",
    ]
    assert "none of 3 alternatives is true" in none.sentence
    second = of_values(condition, evt_type="openat", proc_name="bash")
    assert second.sentence == (
        "It matches: `proc.name startswith b` is true, proc.name is bash, and that was the last check."
    )
    assert [each.asked for each in checks(second.root)] == [True, True, True, False]


def test_a_check_that_is_false_for_every_event_of_the_type() -> None:
    """It is not the values that keep the rule from matching, and it is said so, whatever was given."""
    found = of_values(
        "fd.name=/etc/shadow and proc.name=cat", evt_type="execve", fd_name="/etc/shadow", proc_name="cat"
    )
    assert found.root.holds
    assert not found.matches
    assert found.sentence == (
        "No execve event can match it, whatever its values: `fd.name = /etc/shadow` is always false there."
    )
    wrong = of_values("evt.type=connect and proc.name=cat", evt_type="openat")
    assert "`evt.type = connect` is always false there" in wrong.sentence
    unseen = of_values("evt.type=getcwd and proc.name=cat", evt_type="getcwd", proc_name="cat")
    assert unseen.sentence == "No event of type getcwd reaches the rules, whatever its values."


def test_an_event_that_does_not_reach_the_rules() -> None:
    """The process tree needs it, and no rule is asked about it."""
    found = of_event("evt.type=execve or proc.name=sh", fork(1, 11, 10), name="sh")
    assert not found.matches
    assert found.sentence == "No event of type fork reaches the rules, whatever its values."


def test_a_rule_that_nothing_can_match() -> None:
    """Also when no type was given; a field that is not collected yet is named with what it needs."""
    found = of_values("proc.vmrss > 5 and proc.name=cat", proc_name="cat")
    assert found.sentence == (
        "No event can match it: `proc.vmrss > 5` is always false there "
        "(proc.vmrss is not collected yet: it needs memory figures)."
    )


def test_a_missing_value_is_explained() -> None:
    """That another name of the same field was given, and that a rule is switched off."""
    found = of_values(
        "evt.type=execve and proc.aname[2]=nginx", evt_type="execve", proc_aname=["sh", "nginx"]
    )
    assert "proc.aname[2] is missing (proc.aname is given, which is another field)" in found.sentence
    off = of_values("evt.type=execve", extra="  enabled: false", evt_type="execve")
    assert off.sentence.endswith("The rule is disabled: it is not asked at all.")


def test_values_of_an_event() -> None:
    """Fields of one value, of both ends of a connection and of all ancestors are told as they are."""
    parent = Process(name="nginx", parent=NOBODY)
    above = Process(name="sh", parent=parent)
    found = explain(
        only(
            rule(
                "evt.type=connect and fd.ip=10.0.0.9 and proc.aname=init and fd.sport=443 and proc.exe exists"
            )
        ),
        OfEvent(connect(1, 10, "10.0.0.9", 443), Process(name="curl", parent=above), SomeHost()),
    )
    values = {field.spelled: value for each in checks(found.root) for field, value in each.values}
    assert values == {
        "evt.type": "connect",
        "fd.ip": ["127.0.0.1", "10.0.0.9"],
        "proc.aname": ["sh", "nginx"],
        "fd.sport": 443,
        "proc.exe": None,
    }
    assert [each.text() for each in found.decided] == ["proc.aname = init"]


def test_transformers_and_other_fields() -> None:
    """A check of a transformer, or against another field, tells the fields that went into it."""
    found = of_event(
        "evt.type=execve and tolower(proc.name)=x and proc.name=val(proc.pname)",
        execute(1, 10, "sh"),
        name="SH",
        container=Container(id="host"),
    )
    assert [
        (each.text(), [(field.spelled, value) for field, value in each.values]) for each in checks(found.root)
    ] == [
        ("evt.type = execve", [("evt.type", "execve")]),
        ("tolower(proc.name) = x", [("proc.name", "SH")]),
        ("proc.name = val(proc.pname)", [("proc.name", "SH"), ("proc.pname", None)]),
    ]


def test_macros_are_named() -> None:
    """A part that is a macro, or a check that came out of one, says which; so does its opposite."""
    macros = (
        "- macro: starts\n  condition: (evt.type=execve and proc.name exists)\n"
        "- macro: shell\n  condition: (proc.name=sh or proc.exe=sh)\n"
        "- macro: odd\n  condition: (not shell and proc.tty=0)\n"
    )
    found = explain(only(macros + rule("starts and not odd and user.uid=0")), GivenValues({}))
    assert [(each.text(), each.macro) for each in found.root.terms] == [
        ("evt.type = execve", "starts"),
        ("proc.name exists", "starts"),
        ("any of", "odd"),
        ("user.uid = 0", ""),
    ]
    assert list(lines(found.root, lambda node, macro: f"{node.text()} ({macro})"))[3:] == [
        "├─ any of (odd)",
        "│  ├─ proc.name = sh (shell)",
        "│  ├─ proc.exe = sh (shell)",
        "│  └─ not proc.tty = 0 ()",
        "└─ user.uid = 0 ()",
    ]


def test_json_and_lines() -> None:
    """For programs as plain data, for people as a tree."""
    found = of_values("evt.type=openat and (proc.name=a or fd.name=b)", evt_type="openat", proc_name="a")
    told = found.to_json()
    assert (told["rule"], told["matches"], told["never"]) == ("R", True, False)
    assert told["condition"]["terms"][1]["terms"][1] == {
        "kind": "check",
        "holds": False,
        "asked": False,
        "macro": None,
        "check": "fd.name = b",
        "values": {"fd.name": None},
    }
    assert list(lines(found.root, lambda node, _macro: node.text())) == [
        "all of",
        "├─ evt.type = openat",
        "└─ any of",
        "   ├─ proc.name = a",
        "   └─ fd.name = b",
    ]


@pytest.mark.parametrize("fields", [{"proc.nam": "x"}, {"proc.pid": "x"}])
def test_values_that_make_no_sense(fields: dict[str, object]) -> None:
    """A name that is no field and a value of the wrong type are refused."""
    with pytest.raises(rules.GivenError):
        GivenValues(fields)


def test_conditions_without_checks() -> None:
    """What is always true or always false needs no check to be explained."""
    always = explain(
        only(rule("evt.num>0 or evt.num=0", extra="  warn_evttypes: false")),
        OfEvent(open_file(1, 2, "/x"), NOBODY, SomeHost()),
    )
    assert always.matches
