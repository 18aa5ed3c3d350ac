"""Finds the few rules that a field's value may concern, however many rules there are."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

import ahocorasick

from rules.compiler.transformers import lowered

# What of a value: all of it; for a path, what is before or behind its last slash; its beginning or its
# end; or anything in it.
Part = Literal["equal", "directory", "filename", "prefix", "suffix", "inside"]

# Values whose answer is kept, and how long they may be: an attacker chooses the values.
_KEPT = 1 << 13
_LONGEST = 256


@dataclass(frozen=True, slots=True)
class Anchor:
    """What a value has: ``text`` as that part of it; with ``fold`` both are compared in lower case."""

    part: Part
    text: Any
    fold: bool = False


def fixed(literals: Sequence[str]) -> tuple[Part, str]:
    """The longest of the literals between the wildcards of a pattern, as a part of what it matches."""
    last = len(literals) - 1
    longest = max(range(last + 1), key=lambda number: (len(literals[number]), number))
    if last == 0:
        return "equal", literals[0]
    part: Part = "prefix" if longest == 0 else "suffix" if longest == last else "inside"
    return part, literals[longest]


Target = TypeVar("Target", bound=Hashable)


class Index(dict[Any, "tuple[Target, ...]"], Generic[Target]):
    """``index[value]``: the targets that have an anchor in the value, each once; a missing value has none.

    A dictionary, because looking up a value that was seen before costs least that way.
    """

    def __init__(self, targets: Iterable[tuple[Target, Iterable[Anchor]]]) -> None:
        super().__init__()
        exact: _Table[Target] = _Table()
        ignoring_case: _Table[Target] = _Table()
        for target, anchors in targets:
            for anchor in anchors:
                (ignoring_case if anchor.fold else exact).add(anchor, target)
        self._exact = exact.closed()
        self._folded = ignoring_case.closed()

    def find(self, value: Any) -> tuple[Target, ...]:  # noqa: ANN401  # whatever a field can be
        """The targets, without remembering them."""
        found = self._exact.find(value)
        if self._folded.used and isinstance(value, str):
            found += self._folded.find(lowered(value))
        return tuple(dict.fromkeys(found))

    def __missing__(self, value: Any) -> tuple[Target, ...]:  # noqa: ANN401  # the same
        targets = self.find(value)
        if not isinstance(value, str) or len(value) <= _LONGEST:
            if len(self) >= _KEPT:
                self.clear()
            self[value] = targets
        return targets


@dataclass(slots=True)
class _Table(Generic[Target]):
    """Anchors by part; those that may begin anywhere are words of one automaton."""

    whole: dict[Any, list[Target]] = field(default_factory=dict)
    directories: dict[str, list[Target]] = field(default_factory=dict)
    filenames: dict[str, list[Target]] = field(default_factory=dict)
    words: dict[str, list[tuple[Part, Target]]] = field(default_factory=dict)
    _automaton: Any = None

    @property
    def used(self) -> bool:
        return bool(self.whole or self.directories or self.filenames or self.words)

    def add(self, anchor: Anchor, target: Target) -> None:
        table = {"equal": self.whole, "directory": self.directories, "filename": self.filenames}
        if anchor.part in table:
            table[anchor.part].setdefault(anchor.text, []).append(target)
        else:
            self.words.setdefault(anchor.text, []).append((anchor.part, target))

    def closed(self) -> _Table[Target]:
        """Ready to find; nothing can be added any more."""
        if self.words:
            self._automaton = ahocorasick.Automaton()
            for word, targets in self.words.items():
                self._automaton.add_word(word, (len(word), targets))
            self._automaton.make_automaton()
        return self

    def find(self, value: Any) -> list[Target]:  # noqa: ANN401  # whatever a field can be
        found = list(self.whole.get(value, ()))
        if not isinstance(value, str):
            return found
        if self.directories or self.filenames:
            slash = value.rfind("/")
            found += self.directories.get(value[:slash] or "/", ())
            found += self.filenames.get(value[slash + 1 :], ())
        if self._automaton is not None:
            for last, (length, targets) in self._automaton.iter(value):
                begins, ends = last + 1 == length, last + 1 == len(value)
                found += [
                    target
                    for part, target in targets
                    if part == "inside" or (part == "prefix" and begins) or (part == "suffix" and ends)
                ]
        return found
