"""The rule language once more, slow and obvious: a walk over the syntax tree.

It shares the parser and the table of fields with the compiler, and nothing else. What it says of
a condition, the generated code must say too.
"""

import base64
import binascii
import fnmatch
import ipaddress
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from rules import FIELDS
from rules.language import syntax

# Whatever a field can be: a text, a number, a list of them.
Value = Any
Fields = Mapping[str, Value]

_SEVERAL = frozenset(["either", "some"])


def holds(condition: syntax.Condition, fields: Fields) -> bool:
    """Whether the condition holds; ``fields`` has a value, or a list where there are several, or nothing."""
    if isinstance(condition, syntax.And):
        return all(holds(term, fields) for term in condition.terms)
    if isinstance(condition, syntax.Or):
        return any(holds(term, fields) for term in condition.terms)
    if isinstance(condition, syntax.Not):
        return not holds(condition.term, fields)
    assert isinstance(condition, syntax.Check)
    return _check(condition, fields)


def _check(check: syntax.Check, fields: Fields) -> bool:
    if check.modifier is not None:
        return _modified(check, lambda single: _check(single, fields))
    value = _value(check.left, fields)
    if value is None:
        return False
    kind, values = _kind(check.left)
    if values in _SEVERAL:
        outcomes = [_compared(check, each, kind, fields) for each in value]
        every = values == "either" and check.operator == "!="
        return bool(outcomes) and (all(outcomes) if every else any(outcomes))
    return _compared(check, value, kind, fields)


def _modified(check: syntax.Check, asked: Callable[[syntax.Check], bool]) -> bool:
    assert isinstance(check.right, syntax.Several)
    outcomes = [asked(syntax.Check(check.left, check.operator, item)) for item in check.right.items]
    if not outcomes:
        return False
    return {"oneof": sum(outcomes) == 1, "anyof": any(outcomes), "allof": all(outcomes)}[check.modifier or ""]


def _compared(check: syntax.Check, value: Value, kind: str, fields: Fields) -> bool:
    if check.operator == "exists":
        return True
    if isinstance(check.right, syntax.Field | syntax.Transformed):
        other = _value(check.right, fields)
        return other is not None and _single(check.operator, value, other)
    assert check.right is not None
    literals = check.right.items if isinstance(check.right, syntax.Several) else (check.right,)
    wanted = [
        _constant(kind, check.operator, item.text) for item in literals if isinstance(item, syntax.Literal)
    ]
    if isinstance(value, list):
        found = [each in wanted for each in value]
        return all(found) if check.operator == "in" else any(found)
    if check.operator in ("in", "intersects"):
        return any(_single("=", value, each) for each in wanted)
    return any(_single(check.operator, value, each) for each in wanted)


def _single(name: str, value: Value, wanted: Value) -> bool:
    if isinstance(value, list) or isinstance(wanted, list):
        found = [each in wanted for each in value]
        return all(found) if name == "in" else any(found)
    if isinstance(wanted, ipaddress.IPv4Network | ipaddress.IPv6Network):
        inside = ipaddress.ip_address(value) in wanted
        return not inside if name == "!=" else inside
    return bool(_OPERATORS[name](value, wanted))


def _constant(kind: str, name: str, text: str) -> Value:
    if name in ("bcontains", "bstartswith"):
        return bytes.fromhex(text)
    if kind in _CONSTANTS:
        return _CONSTANTS[kind](text)
    return int(text) % 2**32 if kind == "uint32" else int(text) % 2**64 if kind[0] in "ura" else int(text)


_CONSTANTS: Mapping[str, Callable[[str], Value]] = {
    "bytes": str.encode,
    "bool": lambda text: text == "true",
    "ip": lambda text: str(ipaddress.ip_address(text)),
    "net": lambda text: ipaddress.ip_network(text, strict=False),
    "string": str,
}


def _value(operand: syntax.Operand, fields: Fields) -> Value:
    if isinstance(operand, syntax.Field):
        return fields.get(str(operand))
    if isinstance(operand, syntax.Literal):
        return operand.text
    if isinstance(operand, syntax.Several):
        items = [_printed(_value(item, fields)) for item in operand.items]
        return None if None in items else items
    arguments = [_value(argument, fields) for argument in operand.arguments]
    if None in arguments:
        return None
    return _TRANSFORMERS[operand.transformer](*arguments)


def _printed(value: Value) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value)


def _kind(operand: syntax.Operand) -> tuple[str, str]:
    if isinstance(operand, syntax.Field):
        row = FIELDS.get(operand.name) or FIELDS[operand.name.rpartition(".")[0]]
        return row.type, "one" if operand.argument and row.index else row.values
    if isinstance(operand, syntax.Transformed) and operand.transformer == "len":
        return "uint64", "one"
    return "string", "one"


def _glob(value: str, pattern: str, flags: int = 0) -> bool:
    """As Python's fnmatch, whose only difference in the patterns used here is that it knows no backslash."""
    return re.fullmatch(fnmatch.translate(pattern), value, flags) is not None


def _lower(text: str) -> str:
    return "".join(chr(ord(each) + 32) if "A" <= each <= "Z" else each for each in text)


def _upper(text: str) -> str:
    return "".join(chr(ord(each) - 32) if "a" <= each <= "z" else each for each in text)


def _below(path: str, prefix: str) -> bool:
    names, wanted = [[name for name in each.split("/") if name] for each in (path, prefix)]
    return len(wanted) <= len(names) and all(
        _glob(name, part) for name, part in zip(names, wanted, strict=False)
    )


def _decoded(text: str) -> str | None:
    raw = text.rstrip("=")
    try:
        return base64.b64decode(raw + "=" * (-len(raw) % 4), validate=True).decode(
            "utf-8", "backslashreplace"
        )
    except (binascii.Error, ValueError):
        return None


_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "==": operator.eq,
    "in": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "contains": operator.contains,
    "bcontains": operator.contains,
    "icontains": lambda value, part: _lower(part) in _lower(value),
    "startswith": lambda value, part: value[: len(part)] == part,
    "bstartswith": lambda value, part: value[: len(part)] == part,
    "endswith": lambda value, part: not part or value[-len(part) :] == part,
    "glob": _glob,
    "iglob": lambda value, pattern: _glob(value, pattern, re.IGNORECASE | re.ASCII),
    "regex": lambda value, pattern: re.fullmatch(pattern, value) is not None,
    "pmatch": _below,
}

_TRANSFORMERS: Mapping[str, Callable[..., Any]] = {
    "tolower": _lower,
    "toupper": _upper,
    "basename": lambda text: text.rpartition("/")[2],
    "b64": _decoded,
    "len": lambda value: len(value.encode()) if isinstance(value, str) else len(value),
    "join": lambda separator, items: separator.join(items),
    "concat": lambda *items: "".join(items),
}
