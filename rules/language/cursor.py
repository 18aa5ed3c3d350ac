"""Reading a condition's text from left to right, token by token."""

import re
from dataclasses import dataclass
from typing import NoReturn

from rules.language import lexicon
from rules.language.syntax import Literal

# A backslash before a blank stays; that is what rules written for Falco rely on.
_ESCAPES = {
    "\\b": "\b",
    "\\f": "\f",
    "\\n": "\n",
    "\\r": "\r",
    "\\t": "\t",
    "\\ ": "\\",
    "\\\\": "\\",
    "\\/": "/",
    '\\"': '"',
    "\\'": "'",
}
_ESCAPE = re.compile(r"""\\(?:[bfnrt \\/"']|x([0-9a-fA-F]{2}))""")


class ConditionError(ValueError):
    """A condition cannot be parsed; ``at`` is the index in its text where that shows."""

    def __init__(self, at: int, sentence: str) -> None:
        super().__init__(sentence)
        self.at = at
        self.sentence = sentence


@dataclass(slots=True)
class Cursor:
    """A place in a text. What is read is behind it, and nothing is read twice."""

    text: str
    at: int = 0

    def constant(self) -> Literal | None:
        """A string with or without quotes."""
        at = self.at
        quoted = self.quoted()
        if quoted is not None:
            return Literal(quoted, at)
        bare = self.take(lexicon.BARE)
        return None if bare is None else Literal(bare, at)

    def quoted(self) -> str | None:
        """The content of a string in quotes."""
        if not self.sees('"', "'"):
            return None
        at = self.at
        quote = self.text[at]
        end = self.text.find(quote, at + 1)
        while end > 0 and self.text[end - 1] == "\\":
            end = self.text.find(quote, end + 1)
        if end < 0:
            self.fail(f"this {quote} begins a string that has no end")
        self.at = end + 1
        return self._unescaped(at + 1, end, quote)

    def _unescaped(self, start: int, end: int, quote: str) -> str:
        if "\\" not in self.text[start:end]:
            return self.text[start:end]
        parts = []
        while start < end:
            if self.text[start] != "\\":
                parts.append(self.text[start])
                start += 1
                continue
            match = _ESCAPE.match(self.text, start)
            if match is None or match[0] == ("\\'" if quote == '"' else '\\"'):
                self.fail(f"no such escape in a string: {self.text[start : start + 2]}", start)
            parts.append(_ESCAPES.get(match[0]) or chr(int(match[1], 16)))
            start = match.end()
        return "".join(parts)

    def blank(self) -> bool:
        """Pass over blanks; says whether there were any."""
        match = lexicon.BLANK.match(self.text, self.at)
        if match is None or match.end() == self.at:
            return False
        self.at = match.end()
        return True

    def sees(self, *texts: str) -> bool:
        """Whether one of the texts comes next."""
        return self.text.startswith(texts, self.at)

    def skip(self, text: str) -> bool:
        """Pass over a text if it comes next."""
        if not self.text.startswith(text, self.at):
            return False
        self.at += len(text)
        return True

    def skip_any(self, texts: tuple[str, ...]) -> str | None:
        """Pass over the first of the texts that comes next, and give it."""
        return next((text for text in texts if self.skip(text)), None)

    def take(self, pattern: re.Pattern[str]) -> str | None:
        """What a pattern matches here."""
        match = pattern.match(self.text, self.at)
        if match is None:
            return None
        self.at = match.end()
        return match[0]

    def fail(self, sentence: str, at: int | None = None) -> NoReturn:
        """Give up, here or elsewhere."""
        raise ConditionError(self.at if at is None else at, sentence)
