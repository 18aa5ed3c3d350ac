"""What the table of fields says of one field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Type = Literal[
    "string",
    "bytes",
    "bool",
    "int16",
    "int32",
    "int64",
    "uint32",
    "uint64",
    "port",
    "reltime",
    "abstime",
    "double",
    "ip",
    "net",
]

# How many values a field has. "list": it is a list. "either": both ends of a connection, and a check
# may be true of one of them, ``!=`` must be true of both. "some": all ancestors, a check is true of one.
Values = Literal["one", "list", "either", "some"]

Rewrite = Callable[[str, tuple[Any, ...]], "str | None"]


@dataclass(frozen=True, slots=True)
class Code:
    """Python source for a field's value, over ``e`` (event), ``p`` (process) and ``h`` (host).

    ``sure``: the value is never ``None``. ``costly``: worth computing once per event. ``rewrite`` may
    give cheaper source for a whole check, from its operator and constants (any of which may hold).
    A field with several values has one source for each in ``ends``, or ``text`` is an iterable.
    """

    text: str
    sure: bool = False
    costly: bool = False
    rewrite: Rewrite | None = field(default=None, compare=False)
    ends: tuple[str, ...] = ()


Source = Code | Callable[[str], "Code | None"]


@dataclass(frozen=True, slots=True)
class Row:
    """One field.

    ``on`` says by event type, by kind of event (exec, open, socket) or for every event (``*``) how
    to get the value; the first found in that order counts, and an event that is not named never
    carries the field. For a field with an argument it is a function of the argument.
    ``collected`` is false if the collectors do not deliver what it needs yet; ``source`` says what does.
    ``computed``: it may stand in ``val(...)`` and transformers. ``shown``: it may stand in outputs.
    ``part_of``: the field whose value this one is the directory or the filename of, on every event.
    """

    name: str
    type: Type
    meaning: str
    source: str
    on: Mapping[str, Source] = field(default_factory=dict)
    values: Values = "one"
    argument: Literal["none", "optional", "required"] = "none"
    index: bool = False
    collected: bool = True
    computed: bool = True
    shown: bool = True
    part_of: tuple[str, Literal["directory", "filename"]] | None = None

    @property
    def costly(self) -> bool:
        """Whether some source of it takes more than attributes."""
        return any(isinstance(source, Code) and source.costly for source in self.on.values())


EVERY = "*"


def always(text: str, **details: Any) -> Mapping[str, Source]:  # passed on to Code
    """The same source for every event."""
    return {EVERY: Code(text, **details)}


def later(name: str, type: Type, meaning: str, source: str, **details: Any) -> Row:  # noqa: A002
    """A field that no event can fill yet: missing wherever it is asked for."""
    return Row(name, type, meaning, source, collected=False, **details)
