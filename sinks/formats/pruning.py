"""Leaves out of a document what says nothing; most of what a document costs is spent here."""

from collections.abc import Mapping
from typing import Any


def pruned(fields: Mapping[str, Any]) -> dict[str, Any]:
    """``fields`` without what is None or empty, at every depth."""
    kept: dict[str, Any] = {}
    for name, value in fields.items():
        kind = type(value)
        if kind is str:
            if value:
                kept[name] = value
        elif kind is dict:
            if inner := pruned(value):
                kept[name] = inner
        elif kind is list:
            if several := _each(value):
                kept[name] = several
        elif value is not None:
            kept[name] = value  # 0 and false say something
    return kept


def _each(values: list[Any]) -> list[Any]:
    """The same of a list; what is empty in it keeps its place if it is a list or an object."""
    kept: list[Any] = []
    for value in values:
        kind = type(value)
        if kind is str:
            if value:
                kept.append(value)
        elif kind is dict:
            kept.append(pruned(value))
        elif kind is list:
            kept.append(_each(value))
        elif value is not None:
            kept.append(value)
    return kept
