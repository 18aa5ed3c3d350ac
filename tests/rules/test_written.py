"""Checks as an author would write them."""

from hypothesis import given, settings

from rules.compiler.comparison import Comparison
from rules.compiler.logic import Is, Tree, leaves
from rules.compiler.resolve import Problem, resolve
from rules.language.parser import parse
from rules.written import shown, written
from tests.rules import strategies


def logic(condition: str) -> Tree[Comparison]:
    """What a condition without macros means."""
    resolved = resolve(parse(condition), lambda macro: Problem(macro.at, "no macro"))
    assert not resolved.problems, (condition, resolved.problems)
    return resolved.logic


@settings(max_examples=400, deadline=None)
@given(strategies.checks)
def test_what_is_written_means_the_same(condition: str) -> None:
    """Read again, it is the check that was written, and so is its opposite."""
    for leaf in leaves(logic(condition)):
        for negated in (False, True):
            check = Is(leaf, negated)
            assert logic(written(check)) == check


def test_long_lists_are_cut() -> None:
    """A person sees the first few and how many more there are."""
    (leaf,) = leaves(logic("proc.name in (a, b, c, d, e)"))
    assert written(Is(leaf), 3) == "proc.name in (a, b and 3 more)"
    assert written(Is(leaf, negated=True)) == "not proc.name in (a, b, c, d, e)"


def test_values() -> None:
    """A missing value is called so; what could write to a terminal is spelled out; long ones are cut."""
    assert [shown(each) for each in (None, "sh", "", "a b", " a", 5, True, b"x", ["a", None])] == [
        "missing",
        "sh",
        "''",
        "a b",
        "' a'",
        "5",
        "true",
        "x",
        "(a, missing)",
    ]
    assert shown("\x1b[31m\u202e") == r"'\x1b[31m\u202e'"
    assert len(shown("x" * 1000)) < 200
