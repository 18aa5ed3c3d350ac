"""One search for all patterns finds what each would find alone, by any other means."""

import json
import re
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rules.compiler.patterns import Wild, found, parts, written
from rules.load import compiled, understood
from stream.process import HOST, NOBODY, Process
from tests.rules.host import SomeHost
from tests.rules.sigma import reference
from wire.event import Exec

_texts = st.text(alphabet="abAB/.é\n*?\\ ", max_size=8)
_patterns = st.lists(
    st.sampled_from(["*", "?", "\\*", "\\?", "\\\\", "\\", "a", "b", "A", "/", ".", "é", "ab"]), max_size=7
).map("".join)


@settings(max_examples=200, deadline=None)
@given(st.lists(_patterns, max_size=8, unique=True), _texts)
def test_search(patterns: list[str], text: str) -> None:
    """All patterns together, whatever is in them, match what an expression of Python's does."""
    expected = {
        pattern
        for pattern in patterns
        if re.fullmatch(
            "".join(
                _expression(each) if isinstance(each, Wild) else re.escape(each) for each in parts(pattern)
            ),
            text,
            re.DOTALL,
        )
    }
    search = found(*patterns, fold=False)
    assert search(text) == expected
    assert search(text) == expected  # the second time it is remembered
    lowered = found(*{pattern.lower() for pattern in patterns})
    assert lowered(text) == found(*{pattern.lower() for pattern in patterns}, fold=False)(text.lower())
    assert search(None) == frozenset()


def _expression(wild: Wild) -> str:
    return {"*": ".*", "?": "."}[wild.sign]


@given(_patterns)
def test_parts(pattern: str) -> None:
    """A pattern written from its parts has the same parts."""
    assert parts(written(parts(pattern))) == parts(pattern)
    assert parts(written([pattern])) == ([pattern] if pattern else [])


def test_long_texts_and_many_patterns() -> None:
    """Neither the length of a text nor the number of patterns changes what is found."""
    patterns = [f"*{number:05}*" for number in range(5000)]
    search = found(*patterns, "a*", "*z")
    text = "a" + "".join(f"x{number:05}" for number in range(0, 5000, 7)) + "z"
    assert search(text) == {f"*{number:05}*" for number in range(0, 5000, 7)} | {"a*", "*z"}
    assert search(f"b{'y' * 100_000}") == frozenset()


_fields = {
    "Image": st.sampled_from(["/bin/sh", "/BIN/Sh", "/usr/bin/wget", "", "a*b"]),
    "CommandLine": st.sampled_from(["sh -c id", "WGET -O /tmp/x", "a*b", "axb", "sh\n-c", "4444"]),
    "ParentImage": st.sampled_from(["/bin/sh", "/sbin/init", "a?b"]),
}
_events = st.fixed_dictionaries({}, optional=_fields)
_values = st.sampled_from(
    ["/bin/sh", "sh", "*sh", "s?", "/tmp/", "-C", r"a\*b", "a*b", "*", "", "4444", "w*t"]
)
_modifiers = st.sampled_from(
    ["", "|contains", "|startswith", "|endswith", "|contains|all", "|cased", "|contains|cased", "|all"]
)
_checks = st.tuples(
    st.sampled_from(list(_fields)), _modifiers, st.lists(_values, min_size=1, max_size=3)
).map(lambda check: {check[0] + check[1]: check[2]})
_others = st.one_of(
    st.tuples(st.sampled_from(list(_fields)), st.sampled_from([None, [None, "/bin/sh"]])),
    st.tuples(st.sampled_from(list(_fields)).map(lambda name: f"{name}|exists"), st.booleans()),
    st.tuples(
        st.sampled_from(list(_fields)).map(lambda name: f"{name}|re"),
        st.sampled_from(["^/bin", "s[hH]$", "-O"]),
    ),
).map(lambda check: {check[0]: check[1]})
_maps = st.lists(_checks | _others, min_size=1, max_size=3).map(
    lambda checks: {key: value for check in checks for key, value in check.items()}
)
_selections = _maps | st.lists(_maps, min_size=1, max_size=2)
_conditions = st.recursive(
    st.sampled_from(["s1", "s2", "s3", "1 of s*", "all of them"]),
    lambda inner: st.one_of(
        inner.map(lambda text: f"not ({text})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda three: f"({' '.join(three)})"),
    ),
    max_leaves=5,
)
_rules = st.fixed_dictionaries(
    {"s1": _selections, "s2": _selections, "s3": _selections, "condition": _conditions}
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_rules, min_size=1, max_size=5), st.lists(_events, min_size=1, max_size=4))
def test_rules(detections: list[dict[str, Any]], seen: list[dict[str, str]]) -> None:
    """All rules asked together, one by one, and a slow reading of the same documents agree on any event."""
    texts = [(f"{number}.yml", _document(number, each)) for number, each in enumerate(detections)]
    ruleset = compiled(understood(texts, []))
    assert len(ruleset.rules) == len(detections)
    for fields in seen:
        process = Process(
            exepath=fields.get("Image"),
            exe=fields.get("CommandLine"),
            parent=Process(exepath=fields.get("ParentImage"), parent=NOBODY),
            container=HOST,
        )
        event = Exec(seq=1, time=1, pid=1, tid=1, start=1)
        expected = [f"rule {n}" for n, each in enumerate(detections) if reference.holds(each, fields)]
        matcher = ruleset.matchers.get("execve")
        together = matcher(event, process, SomeHost()) if matcher else ()
        each = ruleset.each.get("execve", ())
        assert [rule.name for rule in together] == expected
        assert [rule.name for rule, holds in each if holds(event, process, SomeHost())] == expected


def _document(number: int, detection: dict[str, Any]) -> str:
    about = {"title": f"rule {number}", "logsource": {"category": "process_creation"}, "detection": detection}
    return json.dumps(about)
