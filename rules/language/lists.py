"""Lists are text: their names are replaced in the text of a condition before it is parsed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_BLANKS = " \t\n\r"
_DELIMITERS = _BLANKS + "(),="


@dataclass(frozen=True, slots=True)
class NamedList:
    """A list and the text that stands for it."""

    name: str
    text: str


def named_list(name: str, items: Sequence[str]) -> NamedList:
    """Items with a blank in them are quoted unless they are already."""
    return NamedList(name, ", ".join(map(quoted, items)))


def quoted(item: str) -> str:
    """An item as it must stand in a condition."""
    return f'"{item}"' if " " in item and item[0] not in "\"'" else item


def expand(text: str, lists: Iterable[NamedList], origin: list[int] | None = None) -> tuple[str, set[str]]:
    """Replace the names of ``lists``, one list after the other, and say which were found.

    So a list may name a list that comes after it. ``origin``, if given, has for every character of
    ``text`` the place it came from, and is changed along with the text: what a list contributes
    came from where its name stood.
    """
    used = set()
    for each in lists:
        if each.name in text:
            before = text
            text = _replace(text, each, origin)
            if text is not before:
                used.add(each.name)
    return text, used


def _replace(text: str, found: NamedList, origin: list[int] | None) -> str:
    start = text.find(found.name)
    while start >= 0:
        end = start + len(found.name)
        if _delimited(text, start, end):
            left, right = _widened(text, start, end, empty=not found.text)
            blank = " " if left else ""
            replacement = f"{blank}{found.text} "
            if origin is not None:
                origin[left:right] = [origin[start]] * len(replacement)
            text = text[:left] + replacement + text[right:]
            start = left + len(found.text) + 1
        start = text.find(found.name, start + 1)
    return text


def _delimited(text: str, start: int, end: int) -> bool:
    return (start == 0 or text[start - 1] in _DELIMITERS) and (end == len(text) or text[end] in _DELIMITERS)


def _widened(text: str, start: int, end: int, *, empty: bool) -> tuple[int, int]:
    """The blanks around go too, and with an empty list the comma before it, or else the one behind."""
    while start > 0 and text[start - 1] in _BLANKS:
        start -= 1
    while end < len(text) and text[end] in _BLANKS:
        end += 1
    if empty and start > 0 and text[start - 1] == ",":
        start -= 1
    elif empty and text[end : end + 1] == ",":
        end += 1
    return start, end
