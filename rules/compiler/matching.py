"""Checks that take more than an operator of Python's."""

import ipaddress
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import re2

from rules.compiler.transformers import folded

_CACHED = 4096
_SHORT = 256


def some(values: Iterable[Any] | None, check: Callable[[Any], bool]) -> bool:
    """Whether the check is true of any value."""
    return values is not None and any(map(check, values))


def every(values: Iterable[Any] | None, check: Callable[[Any], bool]) -> bool:
    """Whether there are values and the check is true of all of them."""
    known = [] if values is None else list(values)
    return bool(known) and all(map(check, known))


def has_ancestor(p: Any, attribute: str, wanted: frozenset[Any]) -> bool:  # noqa: ANN401  # processes
    """Whether an ancestor's attribute is one of those wanted."""
    while p.parent is not p:
        p = p.parent
        if getattr(p, attribute) in wanted:
            return True
    return False


def icontains(text: str, part: str) -> bool:
    """Whether ``part``, given in lower case, is in the text, whatever the case of its ASCII letters."""
    return part in folded(text)


@lru_cache(_CACHED)
def address(text: str) -> tuple[int, int] | None:
    """The version and the number of an IP address."""
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    return parsed.version, int(parsed)


def network(*nets: tuple[int, int, int]) -> Callable[[str], bool]:
    """Whether an address is in one of the networks, each a version, a number and a mask."""

    @lru_cache(_CACHED)
    def contains(text: str) -> bool:
        found = address(text)
        if found is None:
            return False
        version, number = found
        return any(version == net[0] and number & net[2] == net[1] for net in nets)

    return contains


def regex(pattern: str) -> Callable[[str], bool]:
    """Whether a text as a whole matches, by RE2 in its POSIX syntax.

    Raises:
        ValueError: the pattern is none; with the reason.
    """
    options = re2.Options()
    options.posix_syntax = True
    options.longest_match = True
    options.log_errors = False
    return _full_match(pattern, options)


def glob(pattern: str, *, fold: bool = False) -> Callable[[str], bool]:
    """Whether a text matches as fnmatch(3) without flags would have it: ``*`` also matches a slash."""
    options = re2.Options()
    options.case_sensitive = not fold
    options.dot_nl = True
    options.never_capture = True
    options.log_errors = False
    translated = _translated(pattern)
    return _never if translated is None else _full_match(translated, options)


def literals(pattern: str) -> list[str]:
    """What stands between the wildcards of a glob, in order, and is in every text that it matches.

    The first is what such a text begins with, the last what it ends with; without a wildcard there is one.
    """
    found = [""]
    at = 0
    while at < len(pattern):
        if pattern[at] == "\\":
            found[-1] += pattern[at + 1 : at + 2]
            at += 2
            continue
        bracket = _bracket(pattern, at + 1) if pattern[at] == "[" else None
        if pattern[at] in "*?" or bracket:
            found.append("")
        else:
            found[-1] += pattern[at]
        at = bracket[1] if bracket else at + 1
    return found


def _full_match(pattern: str, options: Any) -> Callable[[str], bool]:  # noqa: ANN401  # re2 has no types
    try:
        full_match = re2.compile(pattern, options).fullmatch
    except re2.error as error:
        reason = error.args[0] if error.args else error
        raise ValueError(reason.decode() if isinstance(reason, bytes) else str(reason)) from error
    return remembered(lambda text: full_match(text) is not None)


def remembered(check: Callable[[str], bool]) -> Callable[[str], bool]:
    """The same check, which knows what it said of the texts it saw last, unless they were long."""
    short = lru_cache(_CACHED)(check)
    return lambda text: short(text) if len(text) <= _SHORT else check(text)


def _never(_text: str) -> bool:
    return False


def _translated(pattern: str) -> str | None:
    """The pattern as a regular expression; ``None`` if nothing can match it."""
    parts = []
    at = 0
    while at < len(pattern):
        character = pattern[at]
        at += 1
        if character == "*":
            parts.append(".*")
        elif character == "?":
            parts.append(".")
        elif character == "\\":
            if at == len(pattern):
                return None
            parts.append(re2.escape(pattern[at]))
            at += 1
        elif character == "[" and (bracket := _bracket(pattern, at)) is not None:
            expression, at = bracket
            parts.append(expression)
        else:
            parts.append(re2.escape(character))
    return "".join(parts)


_CLASSES = frozenset(
    [
        "alnum",
        "alpha",
        "blank",
        "cntrl",
        "digit",
        "graph",
        "lower",
        "print",
        "punct",
        "space",
        "upper",
        "xdigit",
    ]
)


def _bracket(pattern: str, at: int) -> tuple[str, int] | None:
    """A bracket expression after its ``[``, and where it ends; ``None`` if it has no end."""
    negated = pattern[at : at + 1] in ("!", "^")
    at += negated
    start = at
    members = []
    while at < len(pattern) and (pattern[at] != "]" or at == start):
        name = pattern[at + 2 : max(pattern.find(":]", at + 2), 0)] if pattern.startswith("[:", at) else ""
        if name in _CLASSES:
            members.append(f"[:{name}:]")
            at += len(name) + 4
            continue
        at += pattern[at] == "\\"
        if at >= len(pattern):
            return None
        low = pattern[at]
        at += 1
        if pattern[at : at + 1] == "-" and pattern[at + 1 : at + 2] not in ("", "]"):
            high = pattern[at + 1]
            at += 2
            if low <= high:
                members.append(f"{_member(low)}-{_member(high)}")
        else:
            members.append(_member(low))
    if at >= len(pattern):
        return None
    if not members:
        return ("." if negated else "[^\\x00-\\x{10FFFF}]"), at + 1
    return f"[{'^' if negated else ''}{''.join(members)}]", at + 1


def _member(character: str) -> str:
    return f"\\x{{{ord(character):x}}}"


def path_prefix(*prefixes: str) -> Callable[[str], bool]:
    """Whether a path lies at or below one of the prefixes, whose components may be globs."""
    split = [[_component(name) for name in prefix.split("/") if name] for prefix in prefixes]

    @lru_cache(_CACHED)
    def below(path: str) -> bool:
        names = [name for name in path.split("/") if name]
        return any(
            len(prefix) <= len(names) and all(part(name) for part, name in zip(prefix, names, strict=False))
            for prefix in split
        )

    return below


def _component(name: str) -> Callable[[str], bool]:
    return glob(name) if set(name) & set("?*[") else name.__eq__
