"""One field of an event and one value of a Sigma rule: what must hold, in the terms of the compiler."""

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from math import floor, inf
from typing import Any

from sigma import types

from rules.catalogue.event_types import KINDS, KNOWN
from rules.compiler import patterns
from rules.compiler.comparison import Call, Comparison, Constant, FieldValue, Listed, Value
from rules.compiler.logic import Is, Tree, all_of, any_of, opposite
from rules.compiler.patterns import Part, Wild
from rules.compiler.resolve import Problem, field_value, resolve
from rules.compiler.transformers import lowered
from rules.language.parser import parse, parse_value
from rules.language.syntax import Field as Named
from rules.sigma.absent import AUDIT_RECORDS
from rules.sigma.sources import RECORDS, Field

Logic = Tree[Comparison]

_ANY = Wild("*")
_WILD = {types.SpecialChars.WILDCARD_MULTI: _ANY, types.SpecialChars.WILDCARD_SINGLE: Wild("?")}
_ORDER = {
    types.CompareOperators.LT: "<",
    types.CompareOperators.LTE: "<=",
    types.CompareOperators.GT: ">",
    types.CompareOperators.GTE: ">=",
}


class RefusedError(Exception):
    """A part of a rule cannot be asked of the events that there are; with the reason."""


@cache
def condition(text: str) -> Logic:
    """What a condition in the rule language means; an empty one always holds."""
    if not text:
        return True
    return resolve(parse(text), lambda macro: Problem(macro.at, f"no macro is named '{macro.name}'")).logic


@cache
def place(name: str) -> FieldValue:
    """A field of the catalogue by its name, with its argument if it takes one."""
    operand, _ = parse_value(name)
    assert isinstance(operand, Named), name  # noqa: S101  # names come from our own tables
    return field_value(operand)


def check(field: Field, value: types.SigmaType) -> Logic:
    """What a value asks of a field.

    Raises:
        RefusedError: events cannot tell.
    """
    if isinstance(value, types.SigmaExpansion):
        return any_of(check(field, each) for each in value.values)
    known = any_of(_exists(each) for each in field.everywhere)
    if isinstance(value, types.SigmaNull):
        return opposite(known)
    if isinstance(value, types.SigmaExists):
        return known if value.exists else opposite(known)
    return any_of(all_of([condition(each.only), _KINDS[each.kind](each, value)]) for each in field.everywhere)


def keyword(fields: Sequence[Field], value: types.SigmaType) -> Logic:
    """What a value without a field asks: to be found anywhere in any of the fields."""
    if isinstance(value, types.SigmaExpansion):
        return any_of([keyword(fields, part) for part in value.values])
    if isinstance(value, types.SigmaNumber) and not isinstance(value, types.SigmaTimestampPart):
        value = types.SigmaString(str(value.number))
    if isinstance(value, types.SigmaString):
        pieces = [_ANY, *_pieces(value), _ANY]
        return any_of(
            all_of([condition(field.only), _like(each, pieces, value)])
            for whole in fields
            for field in whole.everywhere
            for each in _texts(field)
        )
    if isinstance(value, types.SigmaRegularExpression):
        return any_of(
            all_of([condition(field.only), _search(field, value)])
            for whole in fields
            for field in whole.everywhere
        )
    raise RefusedError(f"{_shown(value)} needs a field to be compared with")


def equal(left: Field, right: Field, reference: types.SigmaFieldReference) -> Logic:
    """What a reference to another field asks; letters are compared in any case, as with constants."""
    operator = "="
    if reference.starts_with or reference.ends_with:
        operator = "contains" if reference.starts_with and reference.ends_with else "startswith"
        operator = operator if reference.starts_with else "endswith"
    return any_of(
        all_of([condition(one.only), condition(other.only), _equal(one, other, operator)])
        for one in left.everywhere
        for other in right.everywhere
    )


def _equal(left: Field, right: Field, operator: str) -> Logic:
    sides: list[list[Value]]
    if left.kind == right.kind == "number" and operator == "=":
        sides = [[place(name) for name in field.places] for field in (left, right)]
    else:
        sides = [
            [Call("lower", (text,), None, "string") for text in _texts(field)] for field in (left, right)
        ]
    return any_of(Is(Comparison(one, operator, other)) for one in sides[0] for other in sides[1])


def _exists(field: Field) -> Logic:
    if field.kind in ("truth", "record", "call"):
        return True
    known = any_of(Is(Comparison(place(name), "exists")) for name in field.places)
    return all_of([condition(field.only), known])


def _texts(field: Field) -> list[Value]:
    """The places of a field as texts; a number is looked at as it is printed."""
    if not field.places:
        raise RefusedError("it can be compared with whole values only")
    found = [place(name) for name in field.places]
    return [
        each if each.type == "string" else Call("join", (Constant(""), Listed((each,))), None, "string")
        for each in found
    ]


def _text(field: Field, value: types.SigmaType) -> Logic:
    if isinstance(value, types.SigmaTimestampPart):
        raise RefusedError("times are not compared with by rules here")
    if isinstance(value, types.SigmaRegularExpression):
        return _search(field, value)
    if isinstance(value, types.SigmaBool | types.SigmaNumber):
        value = types.SigmaString(str(value).lower())
    if isinstance(value, types.SigmaString):
        pieces = _pieces(value)
        if pieces and all(piece == _ANY for piece in pieces):
            return _exists(field)
        return any_of(_like(each, pieces, value) for each in _texts(field))
    raise RefusedError(f"it is a text, and {_shown(value)} is for other fields")


def _like(text: Value, pieces: Iterable[Part], value: types.SigmaString) -> Logic:
    cased = isinstance(value, types.SigmaCasedString)
    merged: list[Part] = []
    for piece in pieces:
        if piece == _ANY and merged[-1:] == [_ANY]:
            continue
        merged.append(piece if cased or isinstance(piece, Wild) else lowered(piece))
    return Is(Comparison(text, "like" if cased else "ilike", (patterns.written(merged),)))


def _pieces(value: types.SigmaString) -> list[Part]:
    """A string of pySigma's, whose literal parts may follow each other."""
    pieces: list[Part] = []
    for part in value.s:
        if isinstance(part, types.Placeholder):
            raise RefusedError(f"nothing says what the placeholder %{part.name}% stands for")
        piece: Part = _WILD[part] if isinstance(part, types.SpecialChars) else part
        if isinstance(piece, str) and pieces and isinstance(last := pieces[-1], str):
            pieces[-1] = last + piece
        elif piece != "":
            pieces.append(piece)
    return pieces


def _search(field: Field, value: types.SigmaRegularExpression) -> Logic:
    for part in value.regexp.s:
        if isinstance(part, types.Placeholder):
            raise RefusedError(f"nothing says what the placeholder %{part.name}% stands for")
    flags = "".join(sorted(types.SigmaRegularExpression.sigma_to_re_flag[flag] for flag in value.flags))
    expression = f"(?{flags}){value.regexp}" if flags else str(value.regexp)
    try:
        patterns.search(expression)
    except ValueError as error:
        raise RefusedError(f"RE2 does not read this regular expression: {error}") from error
    return any_of(Is(Comparison(text, "search", (expression,))) for text in _texts(field))


def _number(field: Field, value: types.SigmaType) -> Logic:
    if isinstance(value, types.SigmaCompareExpression):
        if field.names:
            raise RefusedError("it cannot be compared by size: one that is not set has another value here")
        return _compared(field, _ORDER[value.op], value.number.number)
    number: int | float | None = None
    if isinstance(value, types.SigmaNumber) and not isinstance(value, types.SigmaTimestampPart):
        number = value.number
    elif isinstance(value, types.SigmaString):
        number = _whole("".join(str(piece) for piece in _pieces(value)))
    if isinstance(value, types.SigmaNumber | types.SigmaString):
        number = field.names.get(str(value).lower(), number)
    return _text(field, value) if number is None else _compared(field, "=", number)


def _whole(text: str) -> int | None:
    """The number that a text is as a program prints it, or in hexadecimal."""
    if re.fullmatch(r"0|-?[1-9][0-9]{0,18}", text):
        return int(text)
    return int(text, 16) if re.fullmatch(r"0[xX][0-9a-fA-F]{1,16}", text) else None


def _compared(field: Field, operator: str, number: float) -> Logic:
    return any_of(_compared_at(place(name), operator, number) for name in field.places)


def _compared_at(value: FieldValue, operator: str, number: float) -> Logic:
    """A comparison with a number that the field could have, or its outcome for one that it cannot."""
    if value.type == "double":
        return Is(Comparison(value, operator, (number,)))
    if number != int(number):
        if operator == "=":
            return False
        operator = ">" if operator in (">", ">=") else "<="
    number = floor(number)
    low, high = _RANGES.get(value.type, (-inf, inf))
    if low <= number <= high:
        return Is(Comparison(value, operator, (number,)))
    always = operator in ((">", ">=") if number < low else ("<", "<="))
    return Is(Comparison(value, "exists")) if always else False


_RANGES = {"port": (0, 65535), "uint32": (0, 2**32 - 1), "uint64": (0, 2**64 - 1)}


def _address(field: Field, value: types.SigmaType) -> Logic:
    if isinstance(value, types.SigmaCIDRExpression):
        network = value.network
        wanted = (network.version, int(network.network_address), int(network.netmask))
        return Is(Comparison(place(field.networks), "=", (wanted,)))
    if isinstance(value, types.SigmaString):
        try:
            address = str(ipaddress.ip_address(str(value)))
        except ValueError:
            return _text(field, value)
        return any_of(Is(Comparison(place(name), "=", (address,))) for name in field.places)
    return _text(field, value)


def _truth(field: Field, value: types.SigmaType) -> Logic:
    word = str(value).lower() if isinstance(value, types.SigmaBool | types.SigmaString) else ""
    if word not in _TRUTHS:
        raise RefusedError(f"it is true or false, and cannot be compared with {_shown(value)}")
    if not _TRUTHS[word] and field.false:
        raise RefusedError(field.false)
    holds = condition(field.holds)
    return holds if _TRUTHS[word] else opposite(holds)


_TRUTHS = {"true": True, "yes": True, "false": False, "no": False}


def _record(_field: Field, value: types.SigmaType) -> Logic:
    """The type of an audit record."""
    name = str(value).upper() if isinstance(value, types.SigmaString) else ""
    if name in RECORDS:
        return condition(RECORDS[name].events)
    reason = AUDIT_RECORDS.get(name, "there are no events that stand for it")
    raise RefusedError(f"{_shown(value)} records: {reason}")


def _call(_field: Field, value: types.SigmaType) -> Logic:
    """The name of a system call: those that it can be must all be collected."""
    if not isinstance(value, types.SigmaString):
        raise RefusedError(f"it is the name of a system call, not {_shown(value)}")
    matches = patterns.found(patterns.written(_pieces(value)).lower())
    named = sorted(name for name in KNOWN if matches(name))
    absent = [name for name in named if name not in KINDS]
    if absent or not named:
        raise RefusedError(f"there are no events of {' and '.join(absent[:3]) or _shown(value)}")
    return condition(f"evt.type in ({', '.join(named)})")


def _shown(value: types.SigmaType) -> str:
    if isinstance(value, types.SigmaString | types.SigmaNumber | types.SigmaBool | types.SigmaCIDRExpression):
        return f"'{value}'"
    return _WORDS.get(type(value), "this value")


_WORDS: Mapping[type[Any], str] = {
    types.SigmaNull: "null",
    types.SigmaExists: "a check whether it exists",
    types.SigmaRegularExpression: "a regular expression",
    types.SigmaCompareExpression: "a comparison by size",
    types.SigmaFieldReference: "a reference to a field",
}

_KINDS: Mapping[str, Callable[[Field, types.SigmaType], Logic]] = {
    "text": _text,
    "number": _number,
    "address": _address,
    "truth": _truth,
    "record": _record,
    "call": _call,
}
