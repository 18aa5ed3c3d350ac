"""Looking rules up by a value: nothing that could match is missed, and nothing is found without reason."""

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rules
from rules.compiler.anchors import anchored
from rules.compiler.index import Anchor, Index
from rules.compiler.transformers import lowered
from tests.rules import files, strategies

_TEXTS = ("/etc/passwd", "/etc", "/", "", "etc", "ETC", "/tmp/.x/y", "passwd", "/usr/bin/x", "é", "ab")
_anchors = st.builds(
    Anchor,
    st.sampled_from(("equal", "directory", "filename", "prefix", "suffix", "inside")),
    st.sampled_from([text for text in _TEXTS if text]),
)


def _has(value: str, anchor: Anchor) -> bool:
    text = lowered(value) if anchor.fold else value
    slash = text.rfind("/")
    parts: dict[str, bool] = {
        "equal": text == anchor.text,
        "directory": (text[:slash] or "/") == anchor.text,
        "filename": text[slash + 1 :] == anchor.text,
        "prefix": text.startswith(anchor.text),
        "suffix": text.endswith(anchor.text),
        "inside": anchor.text in text,
    }
    return parts[anchor.part]


@given(
    st.lists(st.tuples(st.integers(0, 9), st.lists(_anchors, max_size=4)), max_size=6),
    st.lists(st.sampled_from(_TEXTS), min_size=1, max_size=6),
)
def test_finds(targets: list[tuple[int, list[Anchor]]], values: list[str]) -> None:
    """Exactly the targets that have an anchor in the value are found, the first time and again."""
    index = Index(targets)
    for value in values * 2:
        expected = {target for target, anchors in targets if any(_has(value, each) for each in anchors)}
        assert set(index[value]) == expected
        assert len(index[value]) == len(expected)


def test_ignores_case() -> None:
    """An anchor whose case does not matter is found in upper case too."""
    index = Index([(1, [Anchor("inside", "curl", fold=True)]), (2, [Anchor("inside", "é", fold=True)])])
    assert index["/usr/bin/CURL"] == (1,)
    assert index["É"] == (2,)
    assert index["e"] == ()


def test_missing_value() -> None:
    """A value that is not known has no target, and a number only those that name it."""
    index: Index[int] = Index([(1, [Anchor("equal", 80)]), (2, [Anchor("inside", "abc")])])
    assert index[None] == ()
    assert index[80] == (1,)


def test_stays_small() -> None:
    """However many values come by, few are remembered, and no long one."""
    index = Index([(1, [Anchor("prefix", "/tmp/")])])
    for number in range(30_000):
        assert index[f"/tmp/{number}"] == (1,)
    assert len(index) < 10_000
    assert index["/tmp/" + "x" * 4000] == (1,)
    assert max(map(len, index)) < 300


def _values(fields: dict[str, Any]) -> dict[str, Any]:
    """The same, with what is part of a path taken from it."""
    path = fields.get("fd.name")
    if path is not None:
        fields = fields | {
            "fd.directory": path[: path.rfind("/")] or "/",
            "fd.filename": path[path.rfind("/") + 1 :],
        }
    return fields


_of_paths = st.sampled_from(
    [
        "fd.directory = /etc",
        "fd.directory in (/, /etc)",
        "fd.directory startswith /et",
        "fd.directory endswith mp/.x",
        "fd.filename = passwd",
        "fd.filename startswith pass",
        "fd.filename endswith swd",
        "fd.filename glob p*swd",
        "basename(fd.name) = passwd",
        "basename(proc.exe) in (sh, passwd)",
        "fd.name glob /e*/pas[a-z]wd",
        "fd.name in (/etc/passwd, /bin/sh)",
    ]
)
_conditions = st.recursive(st.one_of(strategies.checks, _of_paths), strategies._joined, max_leaves=8)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_conditions, st.lists(strategies.fields, min_size=1, max_size=5))
def test_never_misses(condition: str, examples: list[dict[str, Any]]) -> None:
    """Where a condition holds, each field that it can be looked up by has one of the anchors."""
    rule = files.only(files.rule("|\n    " + condition, extra="  warn_evttypes: false"))
    for found in anchored(rule.logic, lambda _: True):
        indexes = {field.spelled: Index([(1, anchors)]) for field, anchors in found.fields}
        for values in map(_values, examples):
            if rules.evaluate_rule(rule, values):
                assert any(index[values.get(spelled)] for spelled, index in indexes.items()), found


def test_rules_are_asked_only_where_they_may_match() -> None:
    """Rules that look for paths are found by the path; the source says how many and by what."""
    texts = [
        files.rule(f"evt.type=openat and fd.name startswith /srv/{number} and fd.num>=0", f"R{number}")
        for number in range(5)
    ]
    source = files.load(*texts).source("openat")
    assert "for ask in by_fd_name[e.path]:  # of 5 rules those it may concern" in source
    assert source.count("def ask_") == 5
