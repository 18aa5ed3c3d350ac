"""What rules need of the kernel: never less than what they can match, and as little as they say."""

import itertools
import random
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import rules
from rules import FIELDS
from rules.catalogue.event_types import KINDS
from rules.compiler.binding import OfStream
from rules.compiler.comparison import FieldValue
from rules.needs import by_type, needs, of_rule
from rules.needs.leaves import SOURCES
from rules.needs.words import described
from stream.process import NOBODY, Container, Process
from tests.rules import strategies
from tests.rules.files import load, only, rule
from tests.rules.host import SomeHost
from wire.event import Event, Exec, Open, Socket
from wire.needs import ANY, WHOLE, Limits, Needs, Paths, admits, facts

PATHS = ("/etc/passwd", "/etc/x/passwd", "/", "/bin/sh", "/tmp/.x/y", "/etc", "/etc/", "/run/docker.sock")
PIECES = (*PATHS, "/e", "sh", "", "passwd", "/etc/x/", "@a", "/x", "y", "m", "@", "p", "tc/p")
GLOBS = (
    "*tc/p*",
    "*?*",
    "/etc/*",
    "*sh",
    "*",
    "/e?c/passwd",
    "/bin/sh",
    "/etc/*wd",
    "/[e]tc/*",
    "\\\\/bin/sh",
    "*.sock",
)
PREFIXES = ("/etc", "/", "/e*/passwd", "etc/x", "/etc/x/", "/run/*")


def _quoted(texts: tuple[str, ...]) -> st.SearchStrategy[str]:
    return st.sampled_from([f'"{text}"' for text in texts])


def _some(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.lists(texts, min_size=1, max_size=4).map(lambda chosen: f"({', '.join(chosen)})")


def _check(
    left: tuple[str, ...], operators: tuple[str, ...], right: st.SearchStrategy[str]
) -> st.SearchStrategy[str]:
    return st.tuples(st.sampled_from(left), st.sampled_from(operators), right).map(" ".join)


TEXTS: tuple[str, ...] = ("fd.name", "fd.directory", "fd.filename", "proc.exepath", "evt.arg.path")
TEXTS += ("basename(fd.name)", "basename(proc.exepath)", "basename(evt.arg.path)")
checks = st.one_of(
    _check(TEXTS, ("=", "!=", "startswith", "endswith", "contains"), _quoted(PIECES)),
    _check(TEXTS, ("in", "startswith anyof", "endswith oneof", "= oneof"), _some(_quoted(PIECES))),
    _check(TEXTS, ("glob", "iglob"), _quoted(GLOBS)),
    _check(TEXTS, ("glob anyof",), _some(_quoted(GLOBS))),
    _check(TEXTS, ("pmatch",), _some(_quoted(PREFIXES))),
    _check(
        ("evt.rawres", "fd.num"),
        ("=", "!=", "<", "<=", ">", ">="),
        st.sampled_from(("-13", "-1", "0", "1", "3")),
    ),
    _check(
        ("evt.res",), ("=", "!=", "startswith", "contains"), st.sampled_from(("SUCCESS", "ENOENT", "E", "S"))
    ),
    _check(("evt.res",), ("in",), _some(st.sampled_from(("SUCCESS", "ENOENT", "EINPROGRESS")))),
    _check(
        ("evt.failed", "fd.connected", "evt.is_open_read", "evt.is_open_write", "evt.is_open_exec"),
        ("=", "!="),
        st.sampled_from(("true", "false")),
    ),
    _check(
        ("evt.arg.flags",),
        ("contains", "="),
        st.sampled_from(("O_CREAT", "O_RDWR", "O_", "O_TRUNC", "O_RDONLY")),
    ),
    _check(
        ("fd.sport", "fd.cport", "fd.lport", "fd.rport", "fd.port"),
        ("=", "!=", "<", ">="),
        st.sampled_from(("0", "80", "443")),
    ),
    _check(("fd.sport", "fd.port"), ("in",), _some(st.sampled_from(("0", "80", "443")))),
    _check(("fd.sip", "fd.cip", "fd.ip"), ("=", "!="), _quoted(strategies.ADDRESSES)),
    _check(("fd.sip", "fd.ip"), ("in",), _some(_quoted(strategies.ADDRESSES))),
    _check(("fd.snet", "fd.rnet", "fd.net"), ("=",), _quoted(strategies.NETWORKS)),
    _check(("fd.snet", "fd.net"), ("in",), _some(_quoted(strategies.NETWORKS))),
    _check(
        ("fd.typechar", "fd.type"), ("=", "!="), st.sampled_from(("4", "6", "u", "f", "ipv4", "unix", "file"))
    ),
    _check(("fd.sockfamily", "fd.l4proto"), ("in",), st.sampled_from(("(ip)", "(unix)", "(tcp)", "(udp)"))),
    _check(
        ("container.id", "container.type"), ("=", "!="), st.sampled_from(("host", "0123456789ab", "docker"))
    ),
    _check(("container.full_id",), ("=", "startswith"), st.sampled_from(("0", "000"))),
    _check(("evt.type",), ("=", "!="), st.sampled_from(tuple(KINDS))),
    st.just("fd.name exists"),
    st.just("fd.name = val(proc.exepath)"),
    strategies.checks.filter(lambda text: "fd.types" not in text and "evt.buffer" not in text),
)


def _joined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    several = st.lists(parts, min_size=2, max_size=4)
    return st.one_of(
        parts.map(lambda text: f"not ({text})"),
        several.map(lambda texts: f"({' and '.join(texts)})"),
        several.map(lambda texts: f"({' or '.join(texts)})"),
    )


conditions = st.recursive(checks, _joined, max_leaves=10)

_BASE: dict[str, Any] = {"seq": 7, "time": 10**18, "pid": 1, "tid": 1, "start": 1}
RESULTS = (-115, -13, -2, 0, 1, 3)
PORTS = (None, 0, 80, 443, 65535)


def _events() -> Iterator[Event]:
    """Every kind of event with every value of each fact, though not with every combination."""
    some = random.Random(7)  # noqa: S311  # nobody is to be kept from guessing it
    for number, path in itertools.product(range(40), PATHS):
        yield Open(
            **_BASE,
            type=("open", "openat", "openat2", "creat")[number % 4],
            result=RESULTS[number % 6],
            path=path,
            flags=some.choice((0, 1, 2, 3, 0o101, 0o1102)),
            mode=some.choice((0, 0o755)),
        )
    for number in range(400):
        yield Socket(
            **_BASE,
            type=("connect", "accept", "accept4", "bind", "listen")[number % 5],
            result=RESULTS[number % 6],
            fd=some.choice((3, 80)),
            family=some.choice(("ipv4", "ipv6")),
            proto=some.choice((None, "tcp", "udp")),
            local_ip=some.choice((None, *strategies.ADDRESSES)),
            local_port=some.choice(PORTS),
            remote_ip=some.choice((None, *strategies.ADDRESSES)),
            remote_port=some.choice(PORTS),
        )
    for name, result in itertools.product((None, *PATHS, "@a"), RESULTS):
        yield Socket(**_BASE, type="connect", result=result, fd=3, family="unix", path=name)
    for exepath in (None, *PATHS, "memfd:x"):
        yield Exec(**_BASE, type="execve", exepath=exepath, filename="x")
        yield Exec(**_BASE, type="execveat", exepath=exepath)


CONTAINERS = (
    Container(id="host"),
    Container(id="0123456789ab", full_id="0" * 64, runtime="docker"),
    Container(id=None),
)


def _acting() -> Iterator[tuple[Event, Process, bool | None]]:
    """Each event with a process, and whether that is in a container."""
    for number, event in enumerate(_events()):
        container = CONTAINERS[number % 3]
        exepath = event.exepath if isinstance(event, Exec) else (None, *PATHS)[number % 9]
        process = Process(pid=1, parent=NOBODY, name="sh", exepath=exepath, container=container)
        yield event, process, (False, True, None)[number % 3]


ACTING = tuple(_acting())


def admitted(conditions: list[str]) -> None:
    """Whatever event a rule matches must be admitted by what that rule needs, and by what all of them do."""
    texts = [
        rule(f"|\n    {condition}", f"R{number}", "  warn_evttypes: false")
        for number, condition in enumerate(conditions)
    ]
    ruleset = load("".join(texts))
    together = needs(ruleset.rules)
    alone = {each: needs([each]) for each in ruleset.rules}
    for event, process, in_container in ACTING:
        matcher = ruleset.matchers.get(event.type)
        matched = matcher(event, process, SomeHost()) if matcher else ()
        if matched:
            known = facts(event, in_container=in_container)
            assert admits(together, known)
            for each in matched:
                assert admits(alone[each], known), (each.condition, event)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(checks)
@example('basename(proc.exepath) startswith "m"')
@example('basename(evt.arg.path) startswith "@"')
@example('fd.filename startswith "/"')
@example('fd.directory endswith "/"')
def test_what_a_check_matches_is_admitted(check: str) -> None:
    """For any single check, and for its opposite."""
    admitted([check, f"not {check}"])


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@given(st.lists(conditions, min_size=1, max_size=4))
def test_what_rules_match_is_admitted(conditions: list[str]) -> None:
    """For any rules together."""
    admitted(conditions)


LIMITS = {
    "evt.type=openat and fd.name=/etc/shadow": Limits(path=Paths(exact=("/etc/shadow",))),
    "evt.type=openat and fd.name in (/a, /b) and fd.num>=0": Limits(
        path=Paths(exact=("/a", "/b")), result="success"
    ),
    "evt.type=openat and fd.name startswith /etc/ and evt.is_open_write=true": Limits(
        path=Paths(prefixes=("/etc/",)), access=(1, 2)
    ),
    "evt.type=openat and fd.name endswith .so": Limits(path=Paths(suffixes=(".so",))),
    "evt.type=openat and fd.name pmatch (/etc)": Limits(path=Paths(exact=("/etc",), prefixes=("/etc/",))),
    "evt.type=openat and fd.name glob '/root/.ssh/*'": Limits(path=Paths(prefixes=("/root/.ssh/",))),
    "evt.type=openat and fd.directory=/etc": Limits(path=Paths(prefixes=("/etc/",))),
    "evt.type=openat and fd.filename=passwd": Limits(path=Paths(names=("passwd",))),
    "evt.type=openat and basename(fd.name)=passwd": Limits(path=Paths(names=("passwd",))),
    "evt.type=openat and evt.arg.flags contains O_TRUNC": Limits(flags=0o1000),
    "evt.type=openat and evt.is_open_read=true": Limits(access=(0, 2)),
    "evt.type=openat and evt.res startswith E": Limits(result="failure"),
    "evt.type=openat and evt.rawres<0": Limits(result="failure"),
    "evt.type=openat and container.id!=host": Limits(scope="container"),
    "evt.type=openat and container.id=host": Limits(scope="host"),
    "evt.type=openat and not container.id=host": ANY,
    "evt.type=openat and not fd.name startswith /proc": ANY,
    "evt.type=openat and fd.name contains shadow": Limits(path=Paths(parts=("shadow",))),
    "evt.type=openat and fd.name glob */.ssh/*": Limits(path=Paths(parts=("/.ssh/",))),
    "evt.type=openat and fd.directory endswith /.ssh": Limits(path=Paths(parts=("/.ssh/",))),
    "evt.type=openat and fd.filename startswith id_": Limits(path=Paths(parts=("/id_",))),
    "evt.type=openat and fd.filename startswith ''": ANY,
    "evt.type=openat and fd.directory endswith /": ANY,
    "evt.type=openat and fd.name icontains shadow": ANY,
    "evt.type=openat and proc.name=cat": ANY,
    "evt.type=openat and proc.exepath=/usr/bin/cat": ANY,
    "evt.type=execve and proc.exepath=/usr/bin/nc": Limits(exe=Paths(exact=("/usr/bin/nc",))),
    "evt.type=execve and basename(proc.exepath)=nc": Limits(exe=Paths(names=("nc",))),
    "evt.type=connect and fd.sport in (4444, 5555)": Limits(remote_ports=((4444, 4444), (5555, 5555))),
    "evt.type=bind and fd.sport<1024": Limits(local_ports=((0, 1023),)),
    "evt.type=connect and fd.snet=10.0.0.0/8": Limits(remote_nets=("10.0.0.0/8",)),
    "evt.type=connect and fd.sip=169.254.169.254": Limits(remote_nets=("169.254.169.254/32",)),
    "evt.type=connect and fd.typechar in (4, 6) and fd.l4proto=tcp": Limits(
        families=("ipv4", "ipv6"), protocols=("tcp",)
    ),
    "evt.type=connect and fd.name=/run/docker.sock": Limits(
        families=("unix",), path=Paths(exact=("/run/docker.sock",))
    ),
    "evt.type=connect and fd.connected=true": Limits(result="success"),
}


@pytest.mark.parametrize("condition", LIMITS)
def test_limits(condition: str) -> None:
    """What a check says of a fact that the kernel has becomes a limit; what it has not, or a not, is none."""
    found = only(rule(f"|\n    {condition}"))
    (event_type,) = found.event_types
    assert of_rule(found, event_type) == (LIMITS[condition],)


def test_alternatives() -> None:
    """Limits that differ in one thing become one; others stay apart; one that covers another swallows it."""
    both = "evt.type=connect and fd.port=53"
    assert of_rule(only(rule(both)), "connect") == (
        Limits(local_ports=((53, 53),)),
        Limits(remote_ports=((53, 53),)),
    )
    texts = [rule(f"evt.type=openat and fd.name={path}", path) for path in ("/a", "/b")]
    assert needs(load("".join(texts)).rules).types["openat"] == (Limits(path=Paths(exact=("/a", "/b"))),)
    wide = rule("evt.type=openat and evt.is_open_write=true", "wide")
    narrow = rule("evt.type=openat and evt.is_open_write=true and fd.name=/a", "narrow")
    assert needs(load(wide + narrow).rules).types["openat"] == (Limits(access=(1, 2)),)


def test_many_alternatives_become_one() -> None:
    """However many combinations a condition has, the answer is short, and admits at least as much."""
    pairs = [
        f"(fd.name=/a{n} and fd.num>={'0' if n % 2 else '-1'} and evt.arg.flags contains O_TRUNC)"
        for n in range(99)
    ]
    checks = [f"(fd.sport={n} and fd.cport={n})" for n in range(99)]
    found = load(rule(f"|\n    evt.type in (openat, connect) and ({' or '.join([*pairs, *checks])})"))
    assert all(len(each.limits) <= 32 for each in by_type(found.rules))


def test_rules_that_ask_for_most_come_first() -> None:
    """An author sees which rule makes a type unrestricted; rules that are switched off need nothing."""
    texts = [
        rule("evt.type=openat and fd.name=/etc/shadow", "exact"),
        rule("evt.type=openat and proc.name=cat", "loose"),
        rule("evt.type=openat", "off", "  enabled: false"),
    ]
    (found,) = by_type(load("".join(texts)).rules)
    assert [(part.rule.name, part.unrestricted) for part in found.parts] == [
        ("loose", True),
        ("exact", False),
    ]
    assert found.limits == (ANY,)


def test_types_without_rules_are_not_named() -> None:
    """What no rule can match is not needed, but for what the process tree is made of."""
    needed = needs(load(rule("evt.type=openat and fd.name=/x")).rules)
    assert list(needed.types) == ["openat"]
    assert needed.whole == WHOLE
    assert not admits(needed, facts(Open(**_BASE, type="open", result=0, path="/x"), in_container=None))


def test_it_travels() -> None:
    """As JSON and back, it is the same."""
    needed = needs(rules.load([]).rules)
    assert msgspec.json.decode(msgspec.json.encode(needed), type=Needs) == needed
    assert {"openat", "connect", "execve"} <= needed.types.keys()


def test_every_source_that_is_understood_is_one_of_the_catalogue() -> None:
    """A changed source in the catalogue would otherwise widen the needs without anybody noticing."""
    written = set()
    for row in FIELDS.values():
        for event_type in KINDS:
            code = OfStream(event_type)(FieldValue(row, "", row.name)) if row.argument == "none" else None
            written |= {code.text, *code.ends} if code is not None else set()
    assert SOURCES.keys() <= written


def test_words() -> None:
    """A person is told in words; of long lists the end is counted."""
    assert described(ANY) == "everything"
    limits = Limits(
        path=Paths(exact=("/a", "/b", "/c"), prefixes=("/d/",), names=("e",)), access=(1, 2), result="success"
    )
    assert described(limits) == "success only, opened for writing, path /a, /b, /c, /d/… or 1 more"
