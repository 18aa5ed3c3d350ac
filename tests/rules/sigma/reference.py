"""Sigma once more, slow and obvious: a reading of detections that shares nothing with the compiler."""

import re
from collections.abc import Mapping
from typing import Any

Fields = Mapping[str, str]


def holds(detection: Mapping[str, Any], fields: Fields) -> bool:
    """Whether a detection's condition holds for an event's fields; those that are missing are absent."""
    found = {name: _selection(each, fields) for name, each in detection.items() if name != "condition"}
    text = re.sub(r"1 of ([\w*]+)", lambda one: str(any(_picked(found, one[1]))), detection["condition"])
    text = re.sub(r"all of ([\w*]+)", lambda one: str(all(_picked(found, one[1]))), text)
    return bool(eval(text, {}, found))  # noqa: S307  # a condition that the test made


def _picked(found: Mapping[str, bool], pattern: str) -> list[bool]:
    prefix = "" if pattern == "them" else pattern.removesuffix("*")
    return [value for name, value in found.items() if name.startswith(prefix)]


def _selection(selection: Any, fields: Fields) -> bool:  # noqa: ANN401  # as YAML has it
    if isinstance(selection, list):
        return any(_selection(each, fields) for each in selection)
    return all(_check(key, value, fields) for key, value in selection.items())


def _check(key: str, value: Any, fields: Fields) -> bool:  # noqa: ANN401  # as YAML has it
    name, *modifiers = key.split("|")
    wanted = value if isinstance(value, list) else [value]
    outcomes = [_one(fields.get(name), each, modifiers) for each in wanted]
    return all(outcomes) if "all" in modifiers else any(outcomes)


def _one(value: str | None, wanted: Any, modifiers: list[str]) -> bool:  # noqa: ANN401  # the same
    if "exists" in modifiers:
        return (value is not None) is wanted
    if wanted is None:
        return value is None
    if value is None:
        return False
    if "re" in modifiers:
        return re.search(wanted, value) is not None
    if "cased" not in modifiers:
        value, wanted = value.lower(), wanted.lower()
    begins = "contains" in modifiers or "endswith" in modifiers
    ends = "contains" in modifiers or "startswith" in modifiers
    if begins:
        wanted = f"*{wanted}"
    return _like(value, f"{wanted}*" if ends else wanted)


def _like(value: str, pattern: str) -> bool:
    """Character by character."""
    if not pattern:
        return not value
    sign, rest = pattern[0], pattern[1:]
    if sign == "*":
        return any(_like(value[at:], rest) for at in range(len(value) + 1))
    if sign == "\\" and rest[:1] in ("*", "?", "\\"):
        sign, rest = rest[0], rest[1:]
    elif sign == "?":
        return bool(value) and _like(value[1:], rest)
    return value[:1] == sign and _like(value[1:], rest)
