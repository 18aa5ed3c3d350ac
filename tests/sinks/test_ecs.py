"""Documents are Elastic Common Schema: every field exists there, with a value of its type."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.attack import TECHNIQUES
from sinks.attack import TACTICS
from sinks.ecs import SEVERITY, document, observation
from sinks.formats.times import timestamp
from tests.sinks.samples import NOVEMBER, detection
from wire.detection import PRIORITIES, Detection, RuleInfo, Technique

NOW = datetime(2026, 11, 25, 12, 0, 0, 5, tzinfo=UTC)
SOCKET = {
    "kind": "socket",
    "type": "connect",
    "result": -115,
    "fd": 3,
    "family": "ipv6",
    "proto": "tcp",
    "local_ip": "2001:db8::1",
    "local_port": 40000,
    "remote_ip": "2001:db8::2",
    "remote_port": 443,
}
EVENTS: dict[str, dict[str, Any]] = {
    "exec": detection().event,
    "fork": {"kind": "fork", "type": "fork", "seq": 1},
    "exit": {"kind": "exit", "type": "procexit", "code": 1},
    "read": {"kind": "open", "type": "openat", "result": 3, "path": "/etc/shadow", "flags": 0},
    "write": {"kind": "open", "type": "openat", "result": -13, "path": "/usr/bin/a.tar.gz", "flags": 0o1},
    "create": {"kind": "open", "type": "creat", "result": 4, "path": "/usr/bin/x", "flags": 0o1101},
    "connect": SOCKET,
    "accept": {**SOCKET, "type": "accept4", "result": 5, "family": "ipv4", "proto": "udp"},
    "listen": {**SOCKET, "type": "listen", "result": 0, "remote_ip": None, "remote_port": None},
    "unix": {"kind": "socket", "type": "connect", "result": 0, "fd": 3, "family": "unix", "path": "@x"},
    "delete": {"kind": "change", "type": "unlinkat", "result": 0, "path": "/var/log/auth.log"},
    "chmod": {"kind": "change", "type": "chmod", "result": -1, "path": "/tmp/x", "mode": 0o4755},
    "setuid": {"kind": "identity", "type": "setuid", "result": 0, "ids": [0], "names": ["root"]},
    "ptrace": {"kind": "call", "type": "ptrace", "result": 0, "args": [16, 1]},
    "sendto": {**SOCKET, "type": "sendto", "result": 9},
    "nothing": {},
}


def made(found: Detection) -> dict[str, Any]:
    """The document as a server sees it."""
    seen: dict[str, Any] = json.loads(document(found, NOW))
    return seen


def leaves(fields: dict[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Flat names and their values, lists taken apart."""
    for name, value in fields.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, dict):
                yield from leaves(one, f"{above}{name}.")
            else:
                yield above + name, one


FITS: dict[str, Callable[[Any], bool]] = {
    "constant_keyword": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "date": lambda value: bool(datetime.fromisoformat(value)),
    "float": lambda value: type(value) is float,
    "ip": lambda value: bool(ip_address(value)),
    "keyword": lambda value: isinstance(value, str),
    "long": lambda value: type(value) is int,
    "match_only_text": lambda value: isinstance(value, str),
    "wildcard": lambda value: isinstance(value, str),
}


@pytest.mark.parametrize("event", EVENTS.values(), ids=list(EVENTS))
def test_every_field_is_in_the_official_schema(
    event: dict[str, Any], ecs_schema: dict[str, dict[str, Any]]
) -> None:
    """Names, types, lists and allowed values are those of ECS; ours are below ``tracetide``."""
    seen: dict[str, Any] = json.loads(observation(detection(event=event), NOW, "default"))
    for name, value in [*leaves(made(detection(event=event))), *leaves(seen)]:
        if not name.startswith("tracetide."):
            assert name in ecs_schema
            assert FITS[ecs_schema[name]["type"]](value), (name, value)
            allowed = [one["name"] for one in ecs_schema[name].get("allowed_values", [])]
            assert not allowed or value in allowed, (name, value)


@pytest.mark.parametrize("event", EVENTS.values(), ids=list(EVENTS))
def test_every_type_is_one_that_a_category_allows(
    event: dict[str, Any], ecs_schema: dict[str, dict[str, Any]]
) -> None:
    """``event.type`` holds nothing that no category of the document expects."""
    found = made(detection(event=event))["event"]
    expected = {
        kind
        for category in ecs_schema["event.category"]["allowed_values"]
        if category["name"] in found["category"]
        for kind in category["expected_event_types"]
    }
    assert set(found["type"]) <= expected


def test_elastic_security_takes_it_for_an_alert() -> None:
    """The rule "External Alerts" asks for the kind, and reads title, severity, score and time of arrival."""
    found = made(detection())
    assert found["event"]["kind"] == "alert"
    assert found["event"]["module"] == "tracetide"
    assert found["message"] == "A web server started a shell: sh in shop on node-1"
    assert (found["event"]["severity"], found["event"]["risk_score"]) == (99, 99.0)
    assert found["event"]["ingested"] == "2026-11-25T12:00:00.000005000Z"
    assert found["@timestamp"] == "2026-11-25T09:46:40.123456790Z"


def test_a_raw_event_accuses_nobody() -> None:
    """It is of the kind event, in the stream that its fields name, and no rule and no severity is in it."""
    found = json.loads(observation(detection(event=EVENTS["read"]), NOW, "default"))
    assert (found["event"]["kind"], found["event"]["category"]) == ("event", ["file"])
    assert found["event"]["dataset"] == found["data_stream"]["dataset"] == "tracetide.events"
    assert not {"rule", "threat", "tags"} & set(found)
    assert not {"severity", "risk_score"} & set(found["event"])
    assert found["process"]["parent"]["name"] == "httpd"


def test_an_analyst_finds_who_what_and_where() -> None:
    """Process, parent, container, image, host, user and technique are where Kibana looks for them."""
    found = made(detection())
    assert found["process"]["command_line"] == "/bin/sh -c id"
    assert found["process"]["parent"]["executable"] == "/usr/sbin/httpd"
    assert found["process"]["interactive"] is False
    assert [one["pid"] for one in found["tracetide"]["ancestors"]] == [30, 1]
    image = {
        "name": "registry.example:5000/shop/web",
        "tag": ["1.2"],
        "hash": {"all": [f"sha256:{'a' * 64}"]},
    }
    assert found["container"]["image"] == image
    assert found["orchestrator"]["namespace"] == "shop"
    assert found["orchestrator"]["resource"]["name"] == "web-7d4b9c-x2x4z"
    assert found["orchestrator"]["resource"]["annotation"] == ["owner:team-shop"]
    assert found["tracetide"]["container"]["workload"] == {"kind": "Deployment", "name": "web"}
    assert found["tracetide"]["container"]["mounts"] == ["/var/run:/run:rw", "/srv:/srv:ro"]
    assert found["tracetide"]["container"]["entered"] is True
    assert found["host"]["name"] == "node-1"
    assert found["user"] == {"id": "33", "name": "www-data"}
    assert found["related"]["user"] == ["www-data", "root"]
    site = "https://attack.mitre.org"
    assert found["threat"]["technique"] == {
        "id": ["T1505", "T1190"],
        "name": ["Server Software Component", "Exploit Public-Facing Application"],
        "reference": [f"{site}/techniques/T1505/", f"{site}/techniques/T1190/"],
        "subtechnique": {
            "id": ["T1505.003"],
            "name": ["Web Shell"],
            "reference": [f"{site}/techniques/T1505/003/"],
        },
    }
    assert found["threat"]["tactic"] == {
        "id": ["TA0003", "TA0001"],
        "name": ["Persistence", "Initial Access"],
        "reference": [f"{site}/tactics/{tactic}/" for tactic in ("TA0003", "TA0001")],
    }
    assert found["tracetide"]["fields"] == {"proc_name": "sh", "proc_pid": "40", "evt_args": "a b"}
    assert found["tracetide"]["missing"] == ["container.labels: no runtime socket"]
    assert found["tracetide"]["lost"] == 0


@pytest.mark.parametrize(
    ("event", "sides"),
    [
        ("connect", {"source": "2001:db8::1", "destination": "2001:db8::2"}),
        ("accept", {"source": "2001:db8::2", "destination": "2001:db8::1"}),
        ("listen", {"server": "2001:db8::1"}),
    ],
)
def test_connections_have_the_side_that_began_them_as_source(event: str, sides: dict[str, str]) -> None:
    """Connecting, this host is the source; accepting, it is the destination; listening, a server."""
    found = made(detection(event=EVENTS[event]))
    assert {side: found[side]["ip"] for side in ("source", "destination", "server") if side in found} == sides


@pytest.mark.parametrize(
    ("event", "outcome"), [("read", "success"), ("write", "failure"), ("connect", "unknown"), ("exec", None)]
)
def test_the_outcome_is_that_of_the_system_call(event: str, outcome: str | None) -> None:
    """A connection under way has no outcome yet; an exec is only seen when it succeeded."""
    assert made(detection(event=EVENTS[event]))["event"].get("outcome") == outcome


def test_severities_fall_with_the_priority() -> None:
    """Every priority has one of the four values, none higher than that of a graver one."""
    severities = [SEVERITY[priority] for priority in PRIORITIES]
    assert severities == sorted(severities, reverse=True)
    assert set(severities) == {21, 47, 73, 99}


def test_a_message_is_one_line_of_bounded_length() -> None:
    """Line breaks and megabytes of arguments do not make it into the title."""
    message = made(detection(output="a\nb\r\n" + "c" * 10_000_000))["message"]
    assert message.startswith("a b ccc")
    assert len(message) == 1000


def test_tactics_without_an_id_keep_their_name() -> None:
    """A tactic that this version does not know is named, and nothing is made up for it."""
    rule = RuleInfo(
        name="r", priority="Notice", techniques=[Technique("T9999", "New", ["Novelty", "Oddity"])]
    )
    assert made(detection(rule=rule))["threat"]["tactic"] == {"name": ["Novelty", "Oddity"]}


def test_where_a_rule_comes_from() -> None:
    """An author's id and references are in the document, and nothing where there are none."""
    rule = RuleInfo(name="r", priority="Notice", id="9e2575e7", references=["https://example.org/a"])
    assert made(detection(rule=rule))["rule"]["uuid"] == "9e2575e7"
    assert made(detection(rule=rule))["rule"]["reference"] == ["https://example.org/a"]
    assert made(detection(rule=RuleInfo(name="r", priority="Notice")))["rule"].keys() == {"name", "ruleset"}


def test_tactics_have_the_ids_of_attack() -> None:
    """Every tactic of our rules has one; two names are of the same tactic."""
    assert len(set(TACTICS.values())) == len(TACTICS) - 1
    assert {tactic for technique in TECHNIQUES.values() for tactic in technique.tactics} <= set(TACTICS)


def test_times_keep_their_nanoseconds() -> None:
    """No digit is lost to floating point."""
    assert timestamp(NOVEMBER) == "2026-11-25T09:46:40.123456789Z"
    assert timestamp(0) == "1970-01-01T00:00:00.000000000Z"


@given(fields=st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.none(), st.lists(st.text()))))
def test_fields_are_text_under_names_that_cannot_collide(fields: dict[str, Any]) -> None:
    """No value of the rule's output makes two documents disagree on a type."""
    shown = made(detection(fields=fields))["tracetide"].get("fields", {})
    assert all(isinstance(value, str) and "." not in name for name, value in shown.items())
