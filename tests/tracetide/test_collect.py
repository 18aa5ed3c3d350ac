"""What ``tracetide collect`` refuses, and what it asks the kernel for."""

from pathlib import Path

import pytest

from rules import load
from rules.needs import needed
from tests.rules.files import rule
from tests.tracetide.conftest import Call
from tracetide.commands.collect import _narrowed
from wire.needs import ANY, Limits, Paths


def test_a_condition_that_makes_no_sense(call: Call) -> None:
    """What is wrong with it is told before anything is watched."""
    code, _, errors = call("collect", "--kafka", "127.0.0.1:9", "--condition", "evt.type=teleport")
    assert code != 0
    assert "--condition" in errors
    assert "no event type is named 'teleport'" in errors


def test_no_rules_at_all(call: Call) -> None:
    """Leaving the library out without naming rules is taken for the mistake that it is."""
    code, _, errors = call("collect", "--kafka", "127.0.0.1:9", "--no-library")
    assert code != 0
    assert "name some with --rules" in errors


def test_what_is_needed_is_the_union(tmp_path: Path) -> None:
    """Of rules, conditions and types: what one of them needs is collected."""
    (tmp_path / "r.yaml").write_text(rule("evt.type=openat and fd.name=/etc/shadow"))
    _, needs = _narrowed([tmp_path], False, ["evt.type=openat and fd.name=/etc/passwd"], ["unshare"])
    found = needs().types
    paths = {limits.path for limits in found["openat"]}
    assert paths == {Paths(exact=("/etc/shadow",)), Paths(exact=("/etc/passwd",))}
    assert found["unshare"] == (ANY,)
    assert found.keys() == {"openat", "unshare"}
    assert needs() is needs()


@pytest.mark.parametrize(
    ("files", "library", "all_of_it"), [(False, True, True), (True, None, True), (True, False, False)]
)
def test_the_library(tmp_path: Path, files: bool, library: bool | None, all_of_it: bool) -> None:
    """It is among the rules if there are others, unless it is left out, or alone if it is asked for."""
    (tmp_path / "r.yaml").write_text(rule("evt.type=openat and fd.name=/etc/shadow"))
    _, needs = _narrowed([tmp_path] if files else [], library, [], [])
    of_library = needed(load([]))
    assert (needs().types.keys() >= of_library.types.keys()) is all_of_it


def test_types_alone_are_not_narrowed() -> None:
    """A type that is named is collected whole, whatever a condition needs of it."""
    _, needs = _narrowed([], None, ["evt.type=openat and fd.name=/etc/passwd"], ["openat"])
    assert ANY in needs().types["openat"]
    assert Limits(path=Paths(exact=("/etc/passwd",))) in needs().types["openat"]
