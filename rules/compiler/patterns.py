"""Patterns of Sigma by the hundred: one search through a text finds all that match it.

A pattern stands for a whole text. In it ``*`` is any number of characters and ``?`` is one; a backslash
before either, or before another backslash, takes it literally.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import re2

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


def lowered(text: str) -> str:
    """Lower case in any script, character by character: the Greek sigma at a word's end is like any other."""
    return text.lower() if text.isascii() else text.lower().replace("\u03c2", "\u03c3")


def lower(text: str | None) -> str | None:
    """The same; what is missing stays missing."""
    return None if text is None else lowered(text)


def search(expression: str) -> Callable[[str], bool]:
    """Whether a regular expression of RE2 matches anywhere in a text.

    Raises:
        ValueError: it is none; with the reason.
    """
    searched = regular(expression).search
    return lambda text: searched(text) is not None


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
    together = re2.Set.SearchSet(_options())
    tests = [(pattern, _add(together, parts(pattern))) for pattern in patterns]
    together.Compile()

    def match(text: str) -> frozenset[str]:
        looked_at = lowered(text) if fold else text
        hits = together.Match(looked_at)
        if not hits:
            return _NOTHING
        candidates = map(tests.__getitem__, hits)
        return frozenset([pattern for pattern, test in candidates if test is None or test(looked_at)])

    remembered = lru_cache(_CACHED)(match)

    def matching(text: str | None) -> frozenset[str]:
        if text is None:
            return _NOTHING
        return remembered(text) if len(text) <= _SHORT else match(text)

    return matching


def _add(together: Any, pieces: list[Part]) -> Callable[[str], bool] | None:  # noqa: ANN401  # re2 has no types
    """Have a pattern's longest literal looked for; gives what must be asked besides, if that is not all.

    Only literals are searched together: the states of several ``.*`` at once would multiply.
    """
    texts = [number for number, piece in enumerate(pieces) if isinstance(piece, str)]
    longest = max(texts, key=lambda number: len(str(pieces[number])), default=None)
    if longest is None:
        together.Add("" if pieces else r"\A\z")
    else:
        begin, end = ("\\A" if longest == 0 else ""), ("\\z" if longest == len(pieces) - 1 else "")
        together.Add(f"{begin}{_expression(pieces[longest])}{end}")
    if all(piece == Wild("*") for number, piece in enumerate(pieces) if number != longest):
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
