"""The transformers of the language, as generated source calls them: missing values stay missing."""

import base64
import binascii
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any


def folded(text: str) -> str:
    """Lower case as the C locale has it: ASCII letters only."""
    return text.lower() if text.isascii() else text.translate(_LOWER)


_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_UPPER = {lower: lower - 32 for lower in range(ord("a"), ord("z") + 1)}


def lowered(text: str) -> str:
    """Lower case in any script, character by character: the Greek sigma at a word's end is like any other."""
    return text.lower() if text.isascii() else text.lower().replace("\u03c2", "\u03c3")


def tolower(text: str | None) -> str | None:
    """ASCII letters in lower case."""
    return None if text is None else folded(text)


def toupper(text: str | None) -> str | None:
    """ASCII letters in upper case."""
    if text is None:
        return None
    return text.upper() if text.isascii() else text.translate(_UPPER)


def basename(text: str | None) -> str | None:
    """What follows the last slash."""
    return None if text is None else text[text.rfind("/") + 1 :]


def b64(text: str | bytes | None) -> str | bytes | None:
    """What the text encodes in base64, with or without padding; missing if it is no base64."""
    if text is None:
        return None
    raw = text if isinstance(text, bytes) else text.encode()
    raw = raw.rstrip(b"=")
    try:
        decoded = base64.b64decode(raw + b"=" * (-len(raw) % 4), validate=True)
    except binascii.Error:
        return None
    return decoded if isinstance(text, bytes) else decoded.decode("utf-8", "backslashreplace")


def length(value: str | bytes | Sequence[Any] | None) -> int | None:
    """Bytes of a string, items of a list."""
    if value is None:
        return None
    return len(value.encode()) if isinstance(value, str) else len(value)


def shown(value: Any) -> str | None:  # noqa: ANN401  # whatever a field can be
    """A value as text, the way Falco prints it."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, list | tuple):
        return f"({','.join(shown(item) or '' for item in value)})"
    return str(value)


def listed(*items: Any) -> list[str] | None:  # the same
    """A list written down in a transformer; missing if any item is."""
    texts = [shown(item) for item in items]
    return None if None in texts else texts  # type: ignore[return-value]  # None was looked for


def join(separator: str | None, items: Sequence[str] | None) -> str | None:
    """The items with the separator between them."""
    return None if separator is None or items is None else separator.join(items)


def concat(*items: str | None) -> str | None:
    """The items one after the other."""
    return None if None in items else "".join(items)  # type: ignore[arg-type]  # the same


def getopt(arguments: Sequence[str] | None, options: str | None) -> list[str] | None:
    """Options as the function of C finds them, each followed by its value; ``?`` for an unknown one."""
    if arguments is None or options is None:
        return None
    return [text for found in _options(arguments, options) for text in found]


def getopt_value(arguments: Sequence[str] | None, options: str | None, letter: str) -> str | None:
    """The value of the last such option, its letter if it takes none; missing if it was not given."""
    if arguments is None or options is None:
        return None
    given = [found[-1] for found in _options(arguments, options, letter)]
    return given[-1] if given else None


def _options(arguments: Sequence[str], options: str, wanted: str | None = None) -> Iterator[tuple[str, ...]]:
    """What each option adds to the result: a missing value adds an empty string and nothing else.

    With ``wanted`` only that option counts.
    """
    remaining = deque(arguments)
    while remaining:
        argument = remaining.popleft()
        if argument in ("--", "-") or not argument.startswith("-"):
            return
        if argument.startswith("--"):
            continue
        for place, letter in enumerate(argument[1:], 2):
            known = letter != ":" and letter in options
            takes_value = known and f"{letter}:" in options
            value = (argument[place:] or (remaining.popleft() if remaining else "")) if takes_value else ""
            if wanted in (None, letter) and (known or wanted is None):
                yield _added(letter, value, known=known, takes_value=takes_value)
            if takes_value:
                break


def _added(letter: str, value: str, *, known: bool, takes_value: bool) -> tuple[str, ...]:
    if not known:
        return ("?",)
    if not takes_value:
        return (letter,)
    return (letter, value) if value else ("",)
