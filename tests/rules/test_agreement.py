"""Generated code and the reference evaluator agree, whatever the condition and whatever the event."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rules
from rules.language.cursor import ConditionError
from rules.language.parser import parse
from rules.language.syntax import Condition
from stream.process import HOST, NOBODY, Container, Process
from tests.rules import reference, strategies
from tests.rules.host import SomeHost
from wire.event import Descriptor, Event, Exec, Open, Socket

THOROUGH = settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@THOROUGH
@given(strategies.conditions, strategies.fields)
def test_given_values(condition: str, fields: dict[str, Any]) -> None:
    """A condition gives the same answer from generated code and from the reference, for any given values."""
    assert rules.evaluate(condition, fields) is reference.holds(parse(condition), fields)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab.()= \"'\\,[]notrdi1<>!\n\0é", max_size=60))
def test_any_text(text: str) -> None:
    """Whatever the text of a condition, it is a condition or an error with a place in it."""
    place = None
    try:
        parse(text)
    except ConditionError as error:
        place = error.at
    assert place is None or 0 <= place <= len(text)


# How fields get their values from a process and an event, by other means than the catalogue's.
def _process_values(process: Process) -> dict[str, Any]:
    line = _line(process)
    return {
        "proc.name": process.name,
        "proc.pname": line[1].name,
        "proc.aname[2]": line[2].name,
        "proc.aname": [each.name for each in _ancestors(process) if each.name is not None],
        "proc.aexe": [each.exe for each in _ancestors(process) if each.exe is not None],
        "proc.exe": process.exe,
        "proc.cmdline": process.cmdline,
        "proc.pid": process.pid,
        "proc.ppid": line[1].pid,
        "proc.tty": process.tty,
        "user.uid": process.uid,
        "user.name": process.user,
        "user.loginuid": -1 if process.loginuid == 2**32 - 1 else process.loginuid,
        "container.id": process.container.id,
        "proc.is_exe_upper_layer": process.upper_layer,
    }


def _line(process: Process) -> tuple[Process, Process, Process]:
    return process, process.parent, process.parent.parent


def _ancestors(process: Process) -> list[Process]:
    above = []
    while process.parent is not process:
        process = process.parent
        above.append(process)
    return above


def _event_values(event: Event) -> dict[str, Any]:
    values: dict[str, Any] = {"evt.type": event.type, "evt.num": event.seq}
    if isinstance(event, Open):
        access = event.flags % 4
        values |= {
            "evt.rawres": event.result,
            "evt.res": "SUCCESS" if event.result >= 0 else {-2: "ENOENT", -13: "EACCES"}[event.result],
            "fd.num": max(event.result, -1),
            "fd.name": event.path,
            "fd.directory": event.path.rpartition("/")[0] or "/",
            "fd.filename": event.path.rpartition("/")[2] if event.result >= 0 else None,
            "fd.typechar": "f",
            "evt.is_open_read": event.type != "creat" and access in (0, 2),
            "evt.is_open_write": event.type != "creat" and access in (1, 2),
        }
    elif isinstance(event, Socket):
        values |= _socket_values(event)
    else:
        values |= {"evt.rawres": 0, "evt.res": "SUCCESS"}
        values |= {"evt.is_open_read": False, "evt.is_open_write": False}
    return {name: value for name, value in values.items() if value is not None}


def _socket_values(event: Socket) -> dict[str, Any]:
    local, remote = (event.local_ip, event.local_port), (event.remote_ip, event.remote_port)
    server = remote if event.type == "connect" else local
    ends = [local] if event.type == "listen" else [local, remote]
    known = [f"{ip}:{port}" for ip, port in ends if ip is not None and event.family != "unix"]
    return {
        "fd.name": "->".join(known if event.type != "accept" else known[::-1]) or None,
        "evt.rawres": event.result,
        "evt.res": "SUCCESS" if event.result >= 0 else "EINPROGRESS",
        "fd.num": event.fd,
        "fd.typechar": {"ipv4": "4", "ipv6": "6", "unix": "u"}[event.family],
        "fd.sip": server[0],
        "fd.snet": server[0],
        "fd.sport": server[1],
        "fd.lport": event.local_port,
        "fd.ip": [ip for ip, _ in ends if ip is not None],
        "fd.net": [ip for ip, _ in ends if ip is not None],
        "fd.port": [port for _, port in ends if port is not None],
        "evt.is_open_read": False,
        "evt.is_open_write": False,
    }


_more_checks = st.sampled_from(
    [
        "evt.type in (open, openat)",
        "evt.type = connect",
        "evt.type in (execve, execveat)",
        "evt.type != creat",
        "evt.num = 0",
        "evt.num > 0",
        "evt.res = SUCCESS",
        "evt.res in (ENOENT, EINPROGRESS)",
        "evt.res startswith E",
        "fd.typechar in (4, 6)",
        "fd.typechar = f",
        "fd.num >= 0",
        "fd.num = -1",
        "evt.is_open_read = true",
        "container.id != host",
        "container.id = host",
        "fd.directory in (/etc, /)",
        "fd.filename startswith p",
        "fd.name startswith /etc/",
        "fd.name glob /etc/*wd",
        "fd.name = /etc/passwd",
    ]
)


def _about_streams(condition: str) -> bool:
    """Whether a condition looks only at fields whose values these tests know."""
    return not any(word in condition for word in ("fd.types", "evt.buffer"))


stream_conditions = st.recursive(
    st.one_of(strategies.checks.filter(_about_streams), _more_checks), strategies._joined, max_leaves=10
)

_words = st.sampled_from(strategies.WORDS)
_maybe = st.none() | _words
_containers = st.sampled_from([HOST, Container(id="0123456789ab", full_id="0" * 64), Container(id=None)])


@st.composite
def processes(draw: st.DrawFn, depth: int = 3) -> Process:
    """A process with up to ``depth`` ancestors, any of its attributes unknown."""
    parent = draw(processes(depth=depth - 1)) if depth and draw(st.booleans()) else NOBODY
    return Process(
        pid=draw(st.none() | st.sampled_from((1, 2, 80))),
        parent=parent,
        name=draw(_maybe),
        exe=draw(_maybe),
        cmdline=draw(_maybe),
        uid=draw(st.none() | st.sampled_from((0, 1000))),
        user=draw(_maybe),
        loginuid=draw(st.none() | st.sampled_from((0, 1000, 2**32 - 1))),
        tty=draw(st.none() | st.sampled_from((0, 1000))),
        upper_layer=draw(st.none() | st.booleans()),
        container=draw(_containers),
        stdio=[Descriptor("tty", "/dev/pts/0"), None],
    )


_paths = st.sampled_from(("/etc/passwd", "/etc/x/passwd", "/", "/bin/sh", "/tmp/.x/y"))
_BASE: dict[str, Any] = {"seq": 7, "time": 10**18, "pid": 1, "tid": 1, "start": 1}
_base = {name: st.just(value) for name, value in _BASE.items()}
_ips = st.none() | st.sampled_from(strategies.ADDRESSES)
_ports = st.none() | st.sampled_from((0, 80, 443))

events: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        Exec,
        **_base,
        type=st.sampled_from(("execve", "execveat")),
    ),
    st.builds(
        Open,
        **_base,
        type=st.sampled_from(("open", "openat", "creat")),
        result=st.sampled_from((-13, -2, 0, 3)),
        path=_paths,
        flags=st.sampled_from((0, 1, 2, 0o101)),
    ),
    st.builds(
        Socket,
        **_base,
        type=st.sampled_from(("connect", "accept", "listen")),
        result=st.sampled_from((0, -115)),
        fd=st.sampled_from((3, 80)),
        family=st.sampled_from(("ipv4", "ipv6", "unix")),
        proto=st.just("tcp"),
        local_ip=_ips,
        local_port=_ports,
        remote_ip=_ips,
        remote_port=_ports,
    ),
)


def _rules(conditions: list[str]) -> str:
    return "".join(
        f"- rule: rule {number}\n  desc: d\n  output: o\n  priority: INFO\n  warn_evttypes: false\n"
        f"  condition: |\n    {condition}\n"
        for number, condition in enumerate(conditions)
    )


@settings(
    max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(
    st.lists(stream_conditions, min_size=1, max_size=6),
    st.lists(st.tuples(events, processes()), min_size=1, max_size=4),
)
def test_streams(conditions: list[str], seen: list[tuple[Event, Process]]) -> None:
    """All rules asked at once, the rules one by one, and the reference agree on any event and process."""
    ruleset = rules.load_texts([("random", _rules(conditions))])
    trees: list[Condition] = [parse(condition) for condition in conditions]
    for event, process in seen:
        values = _process_values(process) | _event_values(event)
        values = {name: value for name, value in values.items() if value is not None}
        if isinstance(event, Open | Exec):
            values = {
                name: value for name, value in values.items() if not name.startswith(("fd.sip", "fd.ip"))
            }
        expected = [f"rule {number}" for number, tree in enumerate(trees) if reference.holds(tree, values)]
        matcher = ruleset.matchers.get(event.type)
        together = [rule.name for rule in matcher(event, process, SomeHost())] if matcher else []
        alone = [
            rule.name for rule, holds in ruleset.each.get(event.type, ()) if holds(event, process, SomeHost())
        ]
        assert together == expected
        assert alone == expected


def test_first_match_only() -> None:
    """With ``matching="first"`` an event gives the first rule that matches in the order of definition."""
    texts = [("two", _rules(["evt.type=execve and proc.name=sh", "evt.type=execve", "evt.type=execve"]))]
    event = Exec(**_BASE)
    first = rules.load_texts(texts, matching="first").matchers["execve"]
    assert [rule.name for rule in first(event, Process(name="sh", parent=NOBODY), SomeHost())] == ["rule 0"]
    assert [rule.name for rule in first(event, Process(name="x", parent=NOBODY), SomeHost())] == ["rule 1"]


@pytest.mark.parametrize("matching", ["first", "all"])
def test_nothing_matches(matching: rules.Matching) -> None:
    """Without a match an empty tuple comes back."""
    ruleset = rules.load_texts([("one", _rules(["evt.type=execve and proc.name=sh"]))], matching=matching)
    event = Exec(**_BASE)
    assert ruleset.matchers["execve"](event, Process(name="x", parent=NOBODY), SomeHost()) == ()
