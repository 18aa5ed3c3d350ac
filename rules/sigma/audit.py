"""What a rule for ``auditd`` says of records: several tell of one system call, which is one event here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sigma import conditions
from sigma.types import SigmaString

from rules.sigma.sources import Source

# Any node of a condition as pySigma gives it.
Node = Any


@dataclass(frozen=True, slots=True)
class Beside:
    """What must hold together with a check.

    ``system_call``: the record is a SYSCALL. ``called``: which call it tells of. ``bounded``: which events
    the check is about at all.
    """

    system_call: bool = False
    called: bool = False
    bounded: bool = False

    def joined(self, node: Node, source: Source) -> Beside:
        """The same, with the terms of a conjunction."""
        terms = list(_conjuncts(node))
        return Beside(
            self.system_call or any(map(is_system_call, terms)),
            self.called or any(_all_about(term, "SYSCALL") for term in terms),
            self.bounded or any(bounds(term, source) for term in terms),
        )


def is_system_call(node: Node) -> bool:
    """Whether a node says that the record is a SYSCALL."""
    named = _all_about(node, "type") and isinstance(node, conditions.ConditionFieldEqualsValueExpression)
    return named and isinstance(node.value, SigmaString) and str(node.value).upper() == "SYSCALL"


def bounds(node: Node, source: Source) -> bool:
    """Whether a node says which events it is about: those of a record, of a call, or that have a field."""
    if isinstance(node, conditions.ConditionOR):
        return all(bounds(each, source) for each in node.args)
    if isinstance(node, conditions.ConditionAND):
        return any(bounds(each, source) for each in node.args)
    if not isinstance(node, conditions.ConditionFieldEqualsValueExpression):
        return isinstance(node, conditions.ConditionValueExpression)
    field = source.field(node.field)
    return field is not None and (field.kind in ("record", "call") or field.only != "")


def types(node: Node) -> Iterator[str]:
    """The types of records that a rule asks for, not those that it excludes."""
    if isinstance(node, conditions.ConditionAND | conditions.ConditionOR):
        for each in node.args:
            yield from types(each)
    elif _all_about(node, "type") and isinstance(node, conditions.ConditionFieldEqualsValueExpression):
        yield str(node.value).upper()


def in_one_record(node: Node) -> bool:
    """Whether values without a field are looked for only together with a record's type."""
    if isinstance(node, conditions.ConditionAND):
        return any(_all_about(each, "type") for each in _conjuncts(node)) or all(
            map(in_one_record, node.args)
        )
    if isinstance(node, conditions.ConditionItem):
        return all(map(in_one_record, node.args))
    return not isinstance(node, conditions.ConditionValueExpression)


def _all_about(node: Node, field: str) -> bool:
    """Whether a node holds only where a check of the field does."""
    if isinstance(node, conditions.ConditionOR):
        return all(_all_about(each, field) for each in node.args)
    if isinstance(node, conditions.ConditionAND):
        return any(_all_about(each, field) for each in node.args)
    return isinstance(node, conditions.ConditionFieldEqualsValueExpression) and node.field == field


def _conjuncts(node: Node) -> Iterator[Node]:
    """What must hold together with each other."""
    if isinstance(node, conditions.ConditionAND):
        for each in node.args:
            yield from _conjuncts(each)
    else:
        yield node
