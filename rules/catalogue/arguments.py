"""The arguments of every event by name and in Falco's order, and the fields made of them (``evt.arg.*``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rules.catalogue.event_types import KINDS
from rules.catalogue.flags import OPEN_FLAGS
from rules.catalogue.row import Code, Row, Source
from wire.event_types import EVENT_TYPES, MEANINGS, Argument, Form


def _flagged(operator: str, wanted: tuple[Any, ...]) -> str | None:
    """Whether an open has a flag needs no names of flags at run time."""
    if operator != "contains" or len(wanted) != 1:
        return None
    bits = sum(bit for bit, name in OPEN_FLAGS.items() if wanted[0] in name)
    return f"e.flags & {bits:#o} != 0" if bits and wanted[0] in OPEN_FLAGS.values() else None


# Source for an argument's text, from the source of its value and the table that names it.
_TEXTS: Mapping[Form, str] = {
    "number": "str({value})",
    "octal": "f'0{{{value}:o}}'",
    "bits": "bits({table!r}, {value})",
    "choice": "choice({table!r}, {value})",
    "text": "{value}",
    "result": "returned({value})",
    "directory": "directory({value})",
    "descriptor": "described({value}, e.file)",
    "id": "named({value}, e.names, {at})",
    "capabilities": "capabilities({value})",
    "opened": "f'<f>{{e.path}}' if e.path else str({value})",
    "open flags": "open_flags({value})",
    "data": "(None if {value} is None else plain({value}))",
    "endpoints": "socket_name(e)",
    "filename": "e.filename",
    "executable": "exec_flags(p)",
    "addresses": "', '.join(e.addresses)",
}
_NO_NUMBERS = {"text", "data", "endpoints", "filename", "executable", "addresses"}
_COSTLY = {"bits", "choice", "capabilities", "open flags"}
_LISTS = {"identity": "ids", "call": "args"}


@dataclass(frozen=True, slots=True)
class Rendered:
    """An argument with source for its text and, if it is one, for its number."""

    name: str
    code: Code
    number: str | None
    alias: bool


def _rendered(kind: str, argument: Argument) -> Rendered:
    at = argument.value
    value = f"e.{at}" if isinstance(at, str) else f"e.{_LISTS[kind]}[{at}]"
    text = _TEXTS[argument.form].format(value=value, at=at, table=argument.table)
    code = Code(
        text,
        sure=argument.sure,
        costly=argument.form in _COSTLY,
        rewrite=_flagged if argument.form == "open flags" else None,
    )
    return Rendered(argument.name, code, None if argument.form in _NO_NUMBERS else value, argument.alias)


ARGUMENTS: Mapping[str, tuple[Rendered, ...]] = {
    event_type: tuple(_rendered(kind, argument) for argument in EVENT_TYPES[event_type].arguments)
    for event_type, kind in KINDS.items()
}


def _rows() -> Iterator[Row]:
    """A field for each name that an argument has."""
    for name in sorted(MEANINGS):
        on: dict[str, Source] = {
            event_type: argument.code
            for event_type, arguments in ARGUMENTS.items()
            for argument in arguments
            if argument.name == name
        }
        yield Row(f"evt.arg.{name}", "string", MEANINGS[name], "arguments", on)


def _chosen(event_type: str, wanted: Callable[[Rendered], Code | None]) -> Callable[[str], Code | None]:
    """What gives the source for the argument of that name or number."""
    arguments = ARGUMENTS[event_type]
    placed = [argument for argument in arguments if not argument.alias]
    by_name = {argument.name: argument for argument in arguments}

    def choose(name: str) -> Code | None:
        if name.isdecimal():
            return wanted(placed[int(name)]) if int(name) < len(placed) else None
        return wanted(by_name[name]) if name in by_name else None

    return choose


def _raw(argument: Rendered) -> Code | None:
    return None if argument.number is None else Code(argument.number)


def _together(event_type: str) -> Code:
    """All arguments in one string."""
    placed = (argument for argument in ARGUMENTS[event_type] if not argument.alias)
    parts = ", ".join(f"{argument.name!r}: {argument.code.text}" for argument in placed)
    return Code(f"together({{{parts}}})", sure=True)


_ALL = {event_type: _together(event_type) for event_type in KINDS}

ARGUMENT_FIELDS = (
    Row("evt.args", "string", "the arguments in one string", "arguments", _ALL),
    Row("evt.info", "string", "the same as evt.args", "arguments", _ALL),
    *_rows(),
    Row("evt.arg", "string", "an argument by its name or its number from 0 on", "arguments",
        {event_type: _chosen(event_type, lambda argument: argument.code) for event_type in KINDS},
        argument="required"),
    Row("evt.rawarg", "int64", "an argument as a number, by its name", "arguments",
        {event_type: _chosen(event_type, _raw) for event_type in KINDS}, argument="required", computed=False),
)  # fmt: skip
