"""YAML documents as plain values for pySigma, and the places that messages name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from rules.faults import Fault, Place
from rules.files.tree import Entries, Items, Node, Scalar

# Modifiers of texts: what stands there is a text, with quotes or without.
_OF_TEXTS = frozenset(["contains", "startswith", "endswith", "re", "cased", "cidr", "fieldref", "expand"])
_OF_TEXTS |= {"base64", "base64offset", "wide", "utf16", "utf16le", "utf16be", "windash"}
# Modifiers that take a number, or a truth, with quotes or without.
_OF_VALUES = frozenset(["lt", "lte", "gt", "gte", "exists", "minute", "hour", "day", "week", "month", "year"])

# Names that Sigma has for the same modifier.
_SYNONYMS = {"utf16le": "wide"}


@dataclass(frozen=True, slots=True)
class Document:
    """A document of a file: its plain values, and the nodes that they were read from."""

    values: dict[str, Any]
    entries: Entries

    @property
    def title(self) -> str:
        """What the author calls it."""
        title = self.values.get("title")
        return " ".join(str(title).split()) if title is not None else ""

    @property
    def place(self) -> Place:
        """Where it begins."""
        return self.entries.place

    def fault(self, sentence: str, place: Place | None = None, kind: str = "error") -> Fault:
        """Something to be said of it."""
        return Fault(place or self.place, f"rule {self.title}" if self.title else "", sentence, kind)

    def place_of(self, field: str | None, section: str = "detection") -> Place:
        """Where a field is first asked for; the section's place if that cannot be told."""
        found = self.entries.values.get(section)
        if found is None:
            return self.place
        return next(_places(found, field), self.entries.keys.get(section, self.place))

    def place_of_value(self, text: str) -> Place:
        """Where a text stands as a value; the document's place if that cannot be told."""
        return next(_places_of_value(self.entries, text), self.place)


def _places(node: Node, field: str | None) -> Iterator[Place]:
    if isinstance(node, Items):
        for value in node.values:
            yield from _places(value, field)
    elif isinstance(node, Entries):
        for key, value in node.values.items():
            if key.partition("|")[0] == field:
                yield node.keys[key]
            yield from _places(value, field)


def _places_of_value(node: Node, text: str) -> Iterator[Place]:
    if isinstance(node, Scalar):
        if node.text == text:
            yield node.place
        return
    for value in node.values if isinstance(node, Items) else node.values.values():
        yield from _places_of_value(value, text)


class _WrongError(Exception):
    """A value that cannot stand where it does."""

    def __init__(self, place: Place, sentence: str) -> None:
        super().__init__(sentence)
        self.place = place
        self.sentence = sentence


def read(nodes: Sequence[Entries]) -> Iterator[Document | Fault]:
    """Documents in their order. One with an ``action`` gives its values to those of its file that follow."""
    shared: dict[str, Any] = {}
    before: dict[str, Any] = {}
    file = ""
    for entries in nodes:
        if entries.place.file != file:
            file, shared, before = entries.place.file, {}, {}
        title = entries.values.get("title")
        named = Document({"title": title.text} if isinstance(title, Scalar) else {}, entries)
        wrong = [named.fault(f"'{key}' is there twice", place) for key, place in _repeated(entries)]
        wrong += [named.fault(sentence, place) for sentence, place in _misplaced(entries)]
        try:
            values = _mapping(entries)
        except _WrongError as error:
            wrong.append(named.fault(error.sentence, error.place))
        if wrong:
            yield from wrong
            continue
        action = values.pop("action", None)
        if action == "global":
            shared = values
        elif action == "reset":
            shared = {}
        elif action not in (None, "repeat"):
            yield named.fault(f"'{action}' is no action; it must be global, reset or repeat")
        elif _is_rule(values):
            before = _over(before if action else shared, values)
            yield Document(before, entries)
        else:
            yield Document(values, entries)


def _is_rule(values: Mapping[str, Any]) -> bool:
    return "correlation" not in values and "filter" not in values


def _over(below: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Values with others put over them, mappings inside of mappings as well."""
    joined = dict(below)
    for key, value in above.items():
        known = joined.get(key)
        joined[key] = _over(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return joined


def _repeated(node: Node) -> Iterator[tuple[str, Place]]:
    if isinstance(node, Entries):
        yield from node.repeated
    if isinstance(node, Entries | Items):
        for value in node.values.values() if isinstance(node, Entries) else node.values:
            yield from _repeated(value)


def _misplaced(document: Entries) -> Iterator[tuple[str, Place]]:
    """Selections without anything in them, and mappings where values must be."""
    detection = document.values.get("detection")
    for name, selection in detection.values.items() if isinstance(detection, Entries) else ():
        if isinstance(selection, Items) and not selection.values:
            yield f"'{name}' is empty", selection.place
        for each in selection.values if isinstance(selection, Items) else [selection]:
            values = each.values if isinstance(each, Entries) else {}
            for value in (value for key, value in values.items() if key != "<<"):
                for one in value.values if isinstance(value, Items) else [value]:
                    if not isinstance(one, Scalar):
                        yield "a field is compared with values only", one.place


def _mapping(node: Entries) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    inserted = node.values.get("<<")
    for each in inserted.values if isinstance(inserted, Items) else [inserted]:
        if isinstance(each, Entries):
            merged = {**_mapping(each), **merged}
    return merged | {
        _key(key): _value(value, key.split("|")[1:])
        for key, value in node.values.items()
        if key != "<<" or not merged
    }


def _key(key: str) -> str:
    field, *modifiers = key.split("|")
    return "|".join([field, *(_SYNONYMS.get(modifier, modifier) for modifier in modifiers)])


def _value(node: Node, modifiers: Sequence[str]) -> Any:  # noqa: ANN401  # whatever YAML can hold
    if isinstance(node, Entries):
        return _mapping(node)
    if isinstance(node, Items):
        return [_value(value, modifiers) for value in node.values]
    if node.empty:
        if modifiers:
            raise _WrongError(node.place, f"the modifier '{modifiers[0]}' needs a value")
        return None
    if not _OF_TEXTS.isdisjoint(modifiers):
        return node.text
    return _scalar(node, quoted=not _OF_VALUES.isdisjoint(modifiers))


def _scalar(node: Scalar, *, quoted: bool) -> Any:  # noqa: ANN401  # the same
    """The value of a scalar as YAML 1.1 has it, but for what would be printed in another way: a date or 0755
    stays the text that it is.

    With ``quoted`` what stands in quotes is taken for a number or a truth too, and 0755 for a number.
    """
    if not node.plain and not quoted:
        return node.text
    loader = yaml.SafeLoader("")
    tag = loader.resolve(yaml.ScalarNode, node.text, (True, False))  # type: ignore[no-untyped-call]
    if not tag.endswith((":int", ":float", ":bool", ":null")):
        return node.text
    try:
        value = loader.construct_object(yaml.ScalarNode(tag, node.text))
    except ValueError:
        return node.text
    as_written = quoted or isinstance(value, bool) or value is None or str(value) == node.text
    return value if as_written else node.text
