"""Patterns of Sigma by the hundred: one search through a text finds all that match it.

A pattern stands for a whole text. In it ``*`` is any number of characters and ``?`` is one; a backslash
before either, or before another backslash, takes it literally.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import re2

from rules.compiler.index import Anchor, Index, fixed
from rules.compiler.matching import remembered
from rules.compiler.transformers import lowered

# Results that are kept for each set of patterns, and how long a text may be for its result to be kept.
_CACHED = 2048
_SHORT = 512

# Searches that are shared between the functions of different events.
_SEARCHES = 256

# What RE2 may use for the states of one search; it makes them when it meets them.
_MEMORY = 64 << 20

_NOTHING: frozenset[str] = frozenset()

Found = Callable[[str | None], frozenset[str]]


@dataclass(frozen=True, slots=True)
class Wild:
    """``*`` or ``?`` where it is not taken literally."""

    sign: str


Part = str | Wild


def parts(pattern: str) -> list[Part]:
    """A pattern taken apart; no two texts follow each other, and none is empty."""
    found: list[Part] = []
    literal = ""
    at = 0
    while at < len(pattern):
        sign = pattern[at]
        at += 1
        if sign == "\\" and pattern[at : at + 1] in ("*", "?", "\\"):
            sign = pattern[at]
            at += 1
        elif sign in "*?":
            found += [literal, Wild(sign)] if literal else [Wild(sign)]
            literal = ""
            continue
        literal += sign
    return [*found, literal] if literal else found


def written(pieces: Iterable[Part]) -> str:
    """The pattern that consists of these parts."""
    return "".join(piece.sign if isinstance(piece, Wild) else _escaped(piece) for piece in pieces)


def _escaped(literal: str) -> str:
    return literal.replace("\\", "\\\\").replace("*", "\\*").replace("?", "\\?")


def lower(text: str | None) -> str | None:
    """The same; what is missing stays missing."""
    return None if text is None else lowered(text)


def search(expression: str) -> Callable[[str], bool]:
    """Whether a regular expression of RE2 matches anywhere in a text.

    Raises:
        ValueError: it is none; with the reason.
    """
    searched = regular(expression).search
    return remembered(lambda text: searched(text) is not None)


def regular(expression: str) -> Any:  # noqa: ANN401  # re2 has no types
    """A compiled regular expression of RE2; raises ``ValueError`` with the reason if it is none."""
    try:
        return re2.compile(expression, _options())
    except re2.error as error:
        reason = error.args[0] if error.args else error
        raise ValueError(reason.decode() if isinstance(reason, bytes) else str(reason)) from error


@lru_cache(_SEARCHES)
def found(*patterns: str, fold: bool = True) -> Found:
    """The function that gives those of the patterns that match a text; none do if it is missing.

    With ``fold`` the patterns are in lower case, and so is what they are compared with. Functions that look
    for the same patterns share one search and what it remembers.
    """
    tests = {pattern: _test(parts(pattern)) for pattern in patterns}
    anchors = [(pattern, anchor(pattern)) for pattern in patterns]
    index = Index((pattern, [found]) for pattern, found in anchors if found is not None)
    anywhere = tuple(pattern for pattern, found in anchors if found is None)

    def match(text: str) -> frozenset[str]:
        looked_at = lowered(text) if fold else text
        candidates = index.find(looked_at) + anywhere
        if not candidates:
            return _NOTHING
        holding = (pattern for pattern in candidates if (test := tests[pattern]) is None or test(looked_at))
        return frozenset(holding)

    remembered = lru_cache(_CACHED)(match)

    def matching(text: str | None) -> frozenset[str]:
        if text is None:
            return _NOTHING
        return remembered(text) if len(text) <= _SHORT else match(text)

    return matching


def anchor(pattern: str) -> Anchor | None:
    """The longest of a pattern's literals, as what a text has that matches; ``None`` if it has none."""
    literals = [""]
    for piece in parts(pattern):
        if isinstance(piece, Wild):
            literals.append("")
        else:
            literals[-1] = piece
    part, text = fixed(literals)
    return Anchor(part, text) if text or part == "equal" else None


def _test(pieces: list[Part]) -> Callable[[str], bool] | None:
    """What must be asked of a text that has a pattern's longest literal, if that is not all."""
    others = [piece for piece in pieces if piece != Wild("*")]
    if len(others) < 2 and not any(isinstance(piece, Wild) for piece in others):
        return None
    return search(rf"(?s)\A{''.join(map(_expression, pieces))}\z")


def _expression(piece: Part) -> str:
    if isinstance(piece, Wild):
        return ".*" if piece.sign == "*" else "."
    return str(re2.escape(piece))


def _options() -> Any:  # noqa: ANN401  # re2 has no types
    options = re2.Options()
    options.never_capture = True
    options.log_errors = False
    options.max_mem = _MEMORY
    return options
