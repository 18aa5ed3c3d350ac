"""One table that tells, letter by letter, in which sets of paths a path is.

The automaton of Aho and Corasick (Efficient string matching, 1975), with the failure links worked into the
table, so that each letter costs one look-up however many paths are looked for.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from wire.needs import Paths

# Stands before a path, so that what must be at its beginning is found there only.
_BEGIN = "\x01"

# What a path that is not yet resolved holds or ends with, and a resolved one never.
_UNRESOLVED = Paths(parts=("//", "/./", "/../"), suffixes=("/", "/.", "/.."))

_ASCII = 128
_NO_CLASS = 255


@dataclass(slots=True)
class Automaton:
    """``table[state * width + class]`` is the next state; ``seen`` and ``ends`` are bits of sets by state.

    In ``classes``, a letter that is in none of the paths is 0; bytes beyond ASCII have no class (255).
    """

    classes: bytes
    width: int
    start: int
    table: array[int]
    seen: list[int]
    ends: list[int]

    def sets(self, path: bytes) -> int | None:
        """The bits of the sets that a path is in, as the kernel finds them; ``None`` if it cannot tell."""
        state, found = self.start, 0
        for letter in path:
            number = self.classes[letter]
            if number == _NO_CLASS:
                return None
            state = self.table[state * self.width + number]
            found |= self.seen[state]
        return found | self.ends[state]


@dataclass(slots=True)
class _Trie:
    children: list[dict[str, int]] = field(default_factory=lambda: [{}])
    seen: list[int] = field(default_factory=lambda: [0])
    ends: list[int] = field(default_factory=lambda: [0])

    def add(self, text: str, *, bit: int, at_end: bool) -> None:
        if not text.removeprefix(_BEGIN).isascii():
            return  # paths with such letters are let through anyway
        state = self.follow(text)
        (self.ends if at_end else self.seen)[state] |= bit

    def follow(self, text: str) -> int:
        state = 0
        for letter in text:
            below = self.children[state].get(letter)
            if below is None:
                below = self.children[state][letter] = len(self.children)
                self.children.append({})
                self.seen.append(0)
                self.ends.append(0)
            state = below
        return state


def automaton(sets: Sequence[Paths], unresolved: int) -> Automaton:
    """What recognises the paths of each set by bit 1, 2, 4 …, and unresolved ones by ``unresolved``."""
    trie = _Trie()
    start = trie.follow(_BEGIN)
    for number, paths in enumerate(sets):
        _add(trie, paths, 1 << number)
    _add(trie, _UNRESOLVED, unresolved)
    letters = sorted({letter for children in trie.children for letter in children} - {_BEGIN})
    classes = bytearray(256)
    classes[_ASCII:] = bytes([_NO_CLASS]) * (256 - _ASCII)
    for number, letter in enumerate(letters, 1):
        classes[ord(letter)] = number
    return Automaton(bytes(classes), len(letters) + 1, start, _table(trie, letters), trie.seen, trie.ends)


def _add(trie: _Trie, paths: Paths, bit: int) -> None:
    ways: Iterable[tuple[str, tuple[str, ...], bool]] = (
        (_BEGIN, paths.exact, True),
        (_BEGIN, paths.prefixes, False),
        ("", paths.suffixes, True),
        ("/", paths.names, True),
        ("", paths.parts, False),
    )
    for before, texts, at_end in ways:
        for text in texts:
            trie.add(before + text, bit=bit, at_end=at_end)


def _table(trie: _Trie, letters: Sequence[str]) -> array[int]:
    """Breadth first, so that what a state falls back to is complete before it."""
    width = len(letters) + 1
    table = array("H", bytes(2 * width * len(trie.children)))
    fallback = [0] * len(trie.children)
    waiting = deque([0])
    while waiting:
        state = waiting.popleft()
        other = fallback[state]
        trie.seen[state] |= trie.seen[other]
        trie.ends[state] |= trie.ends[other]
        row = state * width
        if state:
            table[row : row + width] = table[other * width : (other + 1) * width]
        for letter, below in trie.children[state].items():
            if letter == _BEGIN:
                waiting.append(below)
                continue
            at = letters.index(letter) + 1
            fallback[below] = table[row + at] if state else 0
            table[row + at] = below
            waiting.append(below)
    return table
