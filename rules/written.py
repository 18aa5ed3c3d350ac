"""Checks and values as an author would write them, for messages and explanations."""

import ipaddress
import re
from typing import Any

from rules.compiler.comparison import Call, Comparison, Constant, FieldValue, Listed, Value
from rules.compiler.logic import Is

# What need not be quoted in a condition.
_BARE = re.compile(r"""[^()"'=,\s]+""")

# Operators whose constants stand in parentheses even if there is only one.
_OF_LISTS = frozenset(["in", "intersects", "pmatch"])

# Of a longer value a person sees the beginning.
_LONGEST = 120


def written(leaf: Is[Comparison], most: int | None = None) -> str:
    """A check in the rule language; of more than ``most`` constants the rest is counted."""
    return f"not {comparison(leaf.leaf, most)}" if leaf.negated else comparison(leaf.leaf, most)


def comparison(check: Comparison, most: int | None = None) -> str:
    """A comparison in the rule language."""
    left = value(check.left)
    if check.operator == "exists":
        return f"{left} exists"
    if not isinstance(check.right, tuple):
        right = value(check.right) if check.right is not None else ""
        return f"{left} {check.operator} {f'val({right})' if isinstance(check.right, FieldValue) else right}"
    texts = [_constant(check, each) for each in check.right]
    several = f"({_listed(texts, most)})"
    if check.once:
        return f"{left} {check.operator} oneof {several}"
    if check.operator in _OF_LISTS:
        return f"{left} {check.operator} {several}"
    if len(texts) == 1:
        return f"{left} {check.operator} {texts[0]}"
    return f"{left} in {several}" if check.operator == "=" else f"{left} {check.operator} anyof {several}"


def _listed(texts: list[str], most: int | None) -> str:
    if most is None or len(texts) <= most:
        return ", ".join(texts)
    return f"{', '.join(texts[: most - 1])} and {len(texts) - most + 1} more"


def value(operand: Value) -> str:
    """What stands on a side of a comparison."""
    if isinstance(operand, FieldValue):
        return operand.spelled
    if isinstance(operand, Constant):
        return _in_quotes(operand.text)
    if isinstance(operand, Listed):
        return f"({', '.join(map(value, operand.items))})"
    return _call(operand)


def _call(call: Call) -> str:
    selector = f"[{call.selector}]" if call.selector is not None else ""
    return f"{call.transformer}({', '.join(map(value, call.arguments))}){selector}"


def _constant(check: Comparison, constant: Any) -> str:  # noqa: ANN401  # of the field's type
    if check.operator in ("bcontains", "bstartswith"):
        return str(constant.hex())
    if isinstance(constant, bool):
        return str(constant).lower()
    if isinstance(constant, bytes):
        return _quoted(constant.decode("utf-8", "backslashreplace"))
    return network(constant) if isinstance(constant, tuple) else _quoted(str(constant))


def network(constant: tuple[int, int, int]) -> str:
    """A network as the compiler keeps it, in CIDR notation."""
    version, number, mask = constant
    kind = ipaddress.IPv4Address if version == 4 else ipaddress.IPv6Address
    return f"{kind(number)}/{mask.bit_count()}"


def _quoted(text: str) -> str:
    return text if _BARE.fullmatch(text) else _in_quotes(text)


def _in_quotes(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def shown(found: Any) -> str:  # noqa: ANN401  # whatever a field can be
    """A value for a person; a missing one is called so, and nothing in it reaches a terminal as a command."""
    if found is None:
        return "missing"
    if isinstance(found, list | tuple):
        text = f"({', '.join(map(shown, found))})"
    elif isinstance(found, bool):
        text = str(found).lower()
    else:
        text = found.decode("utf-8", "backslashreplace") if isinstance(found, bytes) else str(found)
        if not text or not text.isprintable() or text != text.strip():
            text = repr(text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
