"""A YAML document as a tree whose every value knows where it stands.

Built from the parser's events rather than by its composer, which recurses: a deeply nested document
makes it crash.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from rules.faults import Fault, Place, RuleErrors

MAX_DEPTH = 20
MAX_NODES = 1_000_000

_TOO_DEEP = f"nested more than {MAX_DEPTH} deep"


@dataclass(slots=True)
class Scalar:
    """Text, with the part of the file that it was written as."""

    place: Place
    text: str
    plain: bool
    written: str

    @property
    def empty(self) -> bool:
        """Whether there is no value at all."""
        return self.plain and self.text in ("", "~", "null", "Null", "NULL")

    def place_of(self, index: int) -> Place:
        """Where the character of ``text`` at ``index`` stands in the file.

        Blanks apart, text and what was written have the same characters in the same order, but for what
        quotes, escapes and block indicators add.
        """
        at = self.written.find("\n") + 1 if self.written[:1] in ("|", ">") else 0
        for wanted in self.text[:index]:
            if not wanted.isspace():
                at = self.written.find(wanted, at) + 1 or at
        if index < len(self.text) and not self.text[index].isspace():
            at = max(self.written.find(self.text[index], at), at)
        before = self.written[:at]
        lines = before.count("\n")
        column = at - before.rfind("\n") if lines else self.place.column + at
        return Place(self.place.file, self.place.line + lines, column)


@dataclass(slots=True)
class Items:
    """A sequence."""

    place: Place
    values: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Entries:
    """A mapping; of a key that occurs twice the first counts, and ``repeated`` has the others' places."""

    place: Place
    values: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Place] = field(default_factory=dict)
    repeated: list[tuple[str, Place]] = field(default_factory=list)


Node = Scalar | Items | Entries


def documents(text: str, file: str) -> Iterator[Node]:
    """The documents of a file that are not empty.

    Raises:
        RuleErrors: it is not YAML, or nested deeper than any rule file.
    """
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    builder = _Builder(text, file)
    try:
        for event in yaml.parse(text, Loader=loader):
            document = builder.add(event)
            if document is not None:
                yield document
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file, 1, 1)
        raise RuleErrors([Fault(place, "", _sentence(error))]) from error
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise RuleErrors([Fault(Place(file, line, 1), "", f"not YAML: {error.reason}")]) from error


def _sentence(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or error.context or "no reason given"
    # libyaml reads ahead, and may meet its own limit first.
    return _TOO_DEEP if "nesting depth" in problem else f"not YAML: {problem}"


@dataclass(slots=True)
class _Open:
    """A value that is not complete; ``nodes`` is how many there were before it."""

    node: Items | Entries
    anchor: str | None
    nodes: int
    key: Scalar | None = None


@dataclass(slots=True)
class _Builder:
    """``nodes`` counts what a reader would see: an alias counts as often as it is used, with all it means."""

    text: str
    file: str
    open: list[_Open] = field(default_factory=list)
    anchors: dict[str, tuple[Node, int]] = field(default_factory=dict)
    nodes: int = 0

    def add(self, event: yaml.Event) -> Node | None:
        """Take in an event; gives a document when it is complete."""
        if isinstance(event, yaml.ScalarEvent):
            return self._put(self._scalar(event), event.anchor, 1)
        if isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
            kind = Items if isinstance(event, yaml.SequenceStartEvent) else Entries
            self.open.append(_Open(kind(self._place(event)), event.anchor, self.nodes))
            if len(self.open) > MAX_DEPTH:
                raise RuleErrors([Fault(self._place(event), "", _TOO_DEEP)])
        elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            closed = self.open.pop()
            return self._put(closed.node, closed.anchor, 1, self.nodes - closed.nodes + 1)
        elif isinstance(event, yaml.AliasEvent):
            known = self.anchors.get(event.anchor or "")
            if known is None:
                raise RuleErrors([Fault(self._place(event), "", f"no anchor is named '{event.anchor}'")])
            return self._put(known[0], None, known[1])
        return None

    def _put(self, node: Node, anchor: str | None, added: int, size: int = 1) -> Node | None:
        self.nodes += added
        if self.nodes > MAX_NODES:
            raise RuleErrors([Fault(node.place, "", f"more than {MAX_NODES} values in one file")])
        if anchor is not None:
            self.anchors[anchor] = node, size
        if not self.open:
            return None if isinstance(node, Scalar) and node.empty else node
        parent = self.open[-1]
        if isinstance(parent.node, Items):
            parent.node.values.append(node)
        elif parent.key is None:
            parent.key = (
                node if isinstance(node, Scalar) else Scalar(node.place, "?", plain=False, written="?")
            )
        else:
            if parent.key.text in parent.node.values:
                parent.node.repeated.append((parent.key.text, parent.key.place))
            parent.node.values.setdefault(parent.key.text, node)
            parent.node.keys.setdefault(parent.key.text, parent.key.place)
            parent.key = None
        return None

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        start, end = event.start_mark, event.end_mark
        written = self.text[start.index : end.index] if start and end else event.value
        return Scalar(self._place(event), event.value, event.implicit[0], written)

    def _place(self, event: yaml.Event) -> Place:
        mark = event.start_mark
        return Place(self.file, mark.line + 1, mark.column + 1) if mark else Place(self.file, 1, 1)
