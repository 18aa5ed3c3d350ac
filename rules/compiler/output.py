"""Output texts: what is between the ``%`` signs is replaced by values of the event."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rules.catalogue import FIELDS
from rules.compiler.binding import OfStream
from rules.compiler.comparison import FieldValue, Value
from rules.compiler.function import Function, executed, module
from rules.compiler.resolve import Problem, WrongError, value_of
from rules.compiler.source import Writer
from rules.language import lexicon
from rules.language.cursor import ConditionError
from rules.language.parser import parse_value
from rules.nearest import suggestion

# Without any value; it is accepted because rules written for Falco end in it.
_EMPTY = "%container.info"


@dataclass(frozen=True, slots=True)
class Token:
    """A value in an output. ``width`` is how many characters it fills, 0 for as many as it has."""

    spelled: str
    value: Value
    width: int


Part = str | Token


def output_parts(text: str) -> tuple[list[Part], list[Problem]]:
    """An output taken apart, and what is wrong with it."""
    parts: list[Part] = []
    problems: list[Problem] = []
    at = 0
    while at < len(text):
        sign = text.find("%", at)
        parts.append(text[at:] if sign < 0 else text[at:sign])
        if sign < 0:
            break
        if text.startswith(_EMPTY, sign):
            at = sign + len(_EMPTY)
            continue
        try:
            token, at = _token(text, sign)
            parts.append(token)
        except WrongError as error:
            problems.append(error.problem)
            at = sign + 1
    return [part for part in parts if part != ""], problems


def _token(text: str, sign: int) -> tuple[Token, int]:
    digits = re.compile(r"\d*").match(text, sign + 1)
    start = digits.end() if digits else sign + 1
    width = int(text[sign + 1 : start] or 0)
    written = (
        text[start:] if lexicon.TRANSFORMER.match(text, start) else text[start : _end_of_field(text, start)]
    )
    try:
        operand, used = parse_value(written)
        value = value_of(operand)
    except ConditionError as error:
        raise WrongError(start + error.at, error.sentence) from error
    except WrongError as error:
        raise WrongError(
            start + error.problem.at, error.problem.sentence, unknown=error.problem.unknown
        ) from error
    end = start + used
    if isinstance(value, FieldValue) and not value.row.shown:
        raise WrongError(start, f"{value.spelled} can be compared but not shown")
    return Token(text[start:end], value, width), end


def _end_of_field(text: str, start: int) -> int:
    """The longest name of a field that begins there, with its argument."""
    match = lexicon.FIELD.match(text, start)
    if match is None:
        raise WrongError(start, "'%' must be followed by a field or a transformer")
    name = match[0]
    while name and name not in FIELDS and not _dotted(name):
        name = name.rpartition(".")[0]
    if not name:
        raise WrongError(start, f"no field is named '{match[0]}'{suggestion(match[0], FIELDS)}", unknown=True)
    end = start + len(name)
    closing = text.find("]", end) if text.startswith("[", end) else -1
    return closing + 1 if closing > 0 else end


def _dotted(name: str) -> bool:
    """Whether the end of the name is an argument, as in evt.arg.fd."""
    prefix = name.rpartition(".")[0]
    while prefix:
        row = FIELDS.get(prefix)
        if row is not None and row.argument == "required" and not row.index:
            return True
        prefix = prefix.rpartition(".")[0]
    return False


def renderer(event_type: str, parts: Sequence[Part]) -> Function:
    """The function that gives an output's text and the values in it, by name, for events of one type."""
    writer = Writer(OfStream(event_type))
    lines = [f"def render_{event_type}(e, p, h):"]
    pieces = []
    names: dict[str, str] = {}
    for part in parts:
        if isinstance(part, str):
            pieces.append(repr(part))
            continue
        if part.spelled not in names:
            names[part.spelled] = f"v{len(names)}"
            value = writer.value(part.value)
            text = f"list({value.text})" if part.value.values == "some" else value.text
            lines.append(f"    {names[part.spelled]} = {text or None}")
        name = names[part.spelled]
        pieces.append(f"sized({name}, {part.width})" if part.width else f"printed({name})")
    fields = ", ".join(f"{spelled!r}: plain({name})" for spelled, name in names.items())
    lines.append(f"    return ''.join([{', '.join(pieces)}]), {{{fields}}}")
    name = f"render_{event_type}"
    source = module("\n".join([*lines, ""]), writer)
    return Function(source, executed(source, name, {})[name])
