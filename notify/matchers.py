"""Conditions on labels, written as in Alertmanager: ``severity =~ "high|critical"``."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import re2

from notify.document import suggestion
from notify.labels import NAMES, PREFIX, Labels, is_name

_WRITTEN = re.compile(r"\s*([A-Za-z_][\w./-]*)\s*(=~|!~|!=|=)\s*(.*?)\s*", re.DOTALL)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class MatcherError(ValueError):
    """A condition that cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Matcher:
    """A condition on one label. A label that is not there is like an empty one."""

    name: str
    operator: str
    value: str

    def __call__(self, labels: Labels) -> bool:
        """Whether it holds. Of several values, as of techniques, one is enough; for ``!=`` none may be it."""
        values = labels.get(self.name) or ("",)
        if "~" in self.operator:
            there = any(_compiled(self.value).fullmatch(value) is not None for value in values)
        else:
            there = self.value in values
        return there is not self.operator.startswith("!")

    def __str__(self) -> str:
        quoted = self.value.replace("\\", "\\\\").replace('"', '\\"')
        return f'{self.name}{self.operator}"{quoted}"'


def matcher(text: str) -> Matcher:
    """Read a condition.

    Raises:
        MatcherError: it is none, names no label, or its expression cannot be compiled.
    """
    written = _WRITTEN.fullmatch(text)
    if written is None:
        raise MatcherError(f"'{text}' is no condition; write one such as severity=\"critical\"")
    name, operator, value = written.groups()
    if not is_name(name):
        raise MatcherError(f"there is no label '{name}'{suggestion(name, [*NAMES, PREFIX + '…'])}")
    if value.startswith('"'):
        quoted = _QUOTED.fullmatch(value)
        if quoted is None:
            raise MatcherError(f"the quotes in '{text}' do not end where it ends")
        value = _ESCAPED.sub(_unescaped, quoted[1])
    if "~" in operator:
        try:
            _compiled(value)
        except re2.error as error:
            reason = error.args[0].decode() if isinstance(error.args[0], bytes) else error
            raise MatcherError(f"'{value}' is no regular expression: {reason}") from error
    return Matcher(name, operator, value)


def hold(matchers: Iterable[Matcher], labels: Labels) -> bool:
    """Whether all do; none are always true."""
    return all(each(labels) for each in matchers)


@lru_cache(maxsize=1000)
def _compiled(expression: str) -> Any:  # noqa: ANN401  # re2 ships no types
    """Ready to be asked; RE2 takes linear time whatever the values are, and values are the attacker's."""
    options = re2.Options()
    options.log_errors = False
    return re2.compile(expression, options)


def _unescaped(escape: re.Match[str]) -> str:
    """What a backslash in quotes stands for; one before an ordinary letter belongs to the expression."""
    return {"n": "\n", '"': '"', "\\": "\\"}.get(escape[1], escape[0])
