"""Values of fields that a person gives by name, brought into the shape in which conditions expect them."""

import ipaddress
import re
import reprlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from rules.compiler.comparison import FieldValue
from rules.compiler.resolve import WrongError, field_value
from rules.compiler.transformers import shown
from rules.language.cursor import ConditionError
from rules.language.parser import parse_value
from rules.language.syntax import Field

_DECIMAL = re.compile(r"[+-]?[0-9]+")


class GivenError(ValueError):
    """A field does not exist, or cannot have the value that was given."""


def given(fields: Mapping[str, Any], *, strict: bool = False) -> dict[str, Any]:
    """The fields by the names that conditions use; ``None`` means missing.

    A field with several values takes a list of them, or one. Each name stands for itself: who gives
    ``proc.aname`` says nothing of ``proc.aname[2]``. With ``strict``, names that are no fields are errors,
    otherwise they are left out.

    Raises:
        GivenError: a value is not of the field's type.
    """
    known: dict[str, Any] = {}
    for name, value in fields.items():
        field = _field(name)
        if field is None:
            if strict:
                raise GivenError(f"no field is named '{name}'")
            continue
        if value is not None:
            known[field.spelled] = _several(field, value) if field.values != "one" else _one(field, value)
    return known


def unknown(fields: Mapping[str, Any]) -> list[str]:
    """The names that are no fields."""
    return [name for name in fields if _field(name) is None]


@lru_cache(4096)
def _field(name: str) -> FieldValue | None:
    try:
        operand, used = parse_value(name)
        return field_value(operand) if isinstance(operand, Field) and used == len(name) else None
    except (ConditionError, WrongError):
        return None


def _several(field: FieldValue, value: Any) -> list[Any]:  # noqa: ANN401  # as JSON has it
    return [
        _one(field, each)
        for each in (value if isinstance(value, list | tuple) else [value])
        if each is not None
    ]


def _one(field: FieldValue, value: Any) -> Any:  # noqa: ANN401  # the same
    convert: Callable[[Any], Any] = _CONVERT.get(field.type, _number)
    try:
        return convert(value)
    except (ValueError, TypeError, OverflowError) as error:
        shortened = reprlib.repr(value)
        raise GivenError(f"{field.spelled} is of type {field.type} and cannot be {shortened}") from error


def _text(value: Any) -> str:  # noqa: ANN401  # the same
    if isinstance(value, list | tuple | dict):
        raise TypeError
    text = shown(value) or ""
    # Bytes that are no UTF-8 come from the command line as halves of pairs; events have them as \\xNN.
    return (
        text
        if text.isascii()
        else text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    )


def _data(value: Any) -> bytes:  # noqa: ANN401  # the same
    return _text(value).encode()


def _boolean(value: Any) -> bool:  # noqa: ANN401  # the same
    if value in (True, False):
        return bool(value)
    if value not in ("true", "false"):
        raise ValueError
    return bool(value == "true")


def _number(value: Any) -> int:  # noqa: ANN401  # the same
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise TypeError
    if isinstance(value, str) and not _DECIMAL.fullmatch(value):
        raise ValueError
    return int(value)


def _address(value: Any) -> str:  # noqa: ANN401  # the same
    address = ipaddress.ip_address(str(value))
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


_CONVERT: Mapping[str, Callable[[Any], Any]] = {
    "string": _text,
    "bytes": _data,
    "bool": _boolean,
    "double": float,
    "ip": _address,
    "net": _address,
}
