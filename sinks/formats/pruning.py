"""Leaves out of a document what says nothing; most of what a document costs is spent here."""

from collections.abc import Mapping
from typing import Any


def pruned(fields: Mapping[str, Any]) -> dict[str, Any]:
    """``fields`` without what is None or empty, at every depth."""
    kept: dict[str, Any] = {}
    for name, value in fields.items():
        if value is None:
            continue
        kind = type(value)
        if kind is dict:
            value = pruned(value)  # noqa: PLW2901  # it takes the place of the one that was given
        elif kind is list:
            value = _each(value)  # noqa: PLW2901  # the same
        elif kind is not str:
            kept[name] = value  # 0 and false say something
            continue
        if value:
            kept[name] = value
    return kept


def _each(values: list[Any]) -> list[Any]:
    """The same of a list; what is empty in it keeps its place if it is a list or an object."""
    if all(type(value) is str for value in values):
        return list(filter(None, values))
    return [_inner(value) for value in values if value is not None and value != ""]


def _inner(value: Any) -> Any:  # noqa: ANN401  # JSON
    kind = type(value)
    return pruned(value) if kind is dict else _each(value) if kind is list else value
