"""A Sigma rule's condition as pySigma gives it, turned into a tree of checks of events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sigma import conditions, types
from sigma.modifiers import reverse_modifier_mapping
from sigma.rule import SigmaDetectionItem

from rules.catalogue import FIELDS
from rules.catalogue.row import Row
from rules.compiler.comparison import Comparison
from rules.compiler.logic import Tree, all_of, any_of, opposite
from rules.compiler.resolve import WrongError
from rules.nearest import suggestion
from rules.sigma.checks import RefusedError, check, equal, keyword, place
from rules.sigma.sources import RECORDS, Field, Kind, Source

Logic = Tree[Comparison]

MAX_DEPTH = 100
MAX_CHECKS = 100_000


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a rule is refused; ``field`` is the one that it is about, ``None`` for a value without a field."""

    field: str | None
    sentence: str


@dataclass(slots=True)
class Condition:
    """Turns the conditions of one rule; ``reasons`` is why that cannot be done, as far as it cannot."""

    source: Source
    reasons: dict[Reason, None] = field(default_factory=dict)
    checks: int = 0
    types: frozenset[str] = frozenset()

    def logic(self, tree: Any) -> Logic:  # noqa: ANN401  # any node of pySigma's
        """What must hold; what cannot be asked counts as false."""
        if tree is None:
            self._refuse(None, "its condition is empty")
            return False
        if self.source.name == "auditd" and not _one_record(tree):
            self._refuse(
                None, "a value without a field is looked for in audit records of every type; add a type"
            )
        self.types = frozenset(_types(tree))
        return self._node(tree, 0, negated=False, raw=False)

    def _node(self, node: Any, depth: int, *, negated: bool, raw: bool) -> Logic:  # noqa: ANN401  # the same
        """``raw``: beside it stands that the record is a SYSCALL, whose arguments are numbers."""
        if depth > MAX_DEPTH:
            self._refuse(None, f"its condition is nested more than {MAX_DEPTH} deep")
            return False
        if isinstance(node, conditions.ConditionNOT):
            return opposite(self._node(node.args[0], depth + 1, negated=not negated, raw=raw))
        if isinstance(node, conditions.ConditionAND):
            raw = raw or any(map(_is_system_call, _conjuncts(node)))
            return all_of([self._node(each, depth + 1, negated=negated, raw=raw) for each in node.args])
        if isinstance(node, conditions.ConditionOR):
            return any_of([self._node(each, depth + 1, negated=negated, raw=raw) for each in node.args])
        try:
            return self._leaf(node, negated=negated, raw=raw)
        except RefusedError as refused:
            self._refuse(getattr(node, "field", None), _asked(node) + str(refused))
            return False

    def _leaf(self, node: Any, *, negated: bool, raw: bool) -> Logic:  # noqa: ANN401  # the same
        self.checks += 1
        if self.checks > MAX_CHECKS:
            self._refuse(None, f"it has more than {MAX_CHECKS:,} checks")
            return False
        if isinstance(node, conditions.ConditionValueExpression):
            return keyword([field_of(self.source, name) for name in self._keywords()], node.value)
        found = field_of(self.source, node.field)
        if found.kind == "record" and negated and self.types != {str(node.value).upper()}:
            raise RefusedError(
                "records of one system call are one event here, so none can be excluded by type"
            )
        absent = next((row for row in map(_row, found.places) if not row.collected), None)
        if absent is not None and (negated or isinstance(node.value, types.SigmaNull | types.SigmaExists)):
            raise RefusedError(f"it needs {absent.source}, and that is not collected")
        if raw and found.places and found.places[0].startswith("proc.argv"):
            raise RefusedError("the arguments of a SYSCALL record are raw numbers, which events do not carry")
        if isinstance(node.value, types.SigmaFieldReference):
            return equal(found, field_of(self.source, node.value.field), node.value)
        return check(found, node.value)

    def _keywords(self) -> Sequence[str]:
        records = [RECORDS[name].keywords for name in sorted(self.types) if name in RECORDS]
        return self.source.keywords or [field for each in records for field in each]

    def _refuse(self, name: str | None, sentence: str) -> None:
        self.reasons[Reason(name, sentence)] = None


def field_of(source: Source, name: str) -> Field:
    """Where a field is; raises ``RefusedError`` with the reason if events have none of the kind."""
    found = source.field(name)
    if found is not None:
        return found
    if "." in name:
        return _of_catalogue(name)
    if name in source.absent:
        raise RefusedError(source.absent[name])
    raise RefusedError(f"{source.name} has no such field here{suggestion(name, source.fields)}")


def places_of(source: Source, name: str) -> tuple[str, ...]:
    """The fields of the catalogue that hold a field's value; raises ``RefusedError`` if none does."""
    found = field_of(source, name)
    places = tuple(name for each in found.everywhere for name in each.places)
    absent = next((row for row in map(_row, places) if not row.collected), None)
    if absent is not None:
        raise RefusedError(f"it needs {absent.source}, and that is not collected")
    if not places:
        raise RefusedError("it is no value that could be compared")
    return places


def _row(name: str) -> Row:
    return place(name).row


def _of_catalogue(name: str) -> Field:
    """A field of our own by its own name."""
    try:
        found = place(name)
    except (WrongError, AssertionError):
        raise RefusedError(f"no field has that name{suggestion(name, FIELDS)}") from None
    if not found.row.collected:
        raise RefusedError(f"it needs {found.row.source}, and that is not collected")
    if found.values != "one" or found.type not in _KINDS_OF:
        raise RefusedError("it has no single value that Sigma could compare")
    return Field(_KINDS_OF[found.type], (name,))


_NUMBERS = ("int16", "int32", "int64", "uint32", "uint64", "port", "reltime", "abstime", "double")
_KINDS_OF: Mapping[str, Kind] = {"string": "text", **dict.fromkeys(_NUMBERS, "number")}


def _asked(node: Any) -> str:  # noqa: ANN401  # the same
    """The beginning of a reason: the field with its modifiers."""
    item = node.parent
    while item is not None and not isinstance(item, SigmaDetectionItem):
        item = item.parent
    names = [reverse_modifier_mapping[each.__name__] for each in item.modifiers] if item is not None else []
    name = getattr(node, "field", None)
    return f"{'|'.join([name, *names])}: " if name else ""


def _conjuncts(node: Any) -> Iterator[Any]:  # noqa: ANN401  # the same
    """What must hold together with each other."""
    if isinstance(node, conditions.ConditionAND):
        for each in node.args:
            yield from _conjuncts(each)
    else:
        yield node


def _is_system_call(node: Any) -> bool:  # noqa: ANN401  # the same
    is_type = isinstance(node, conditions.ConditionFieldEqualsValueExpression) and node.field == "type"
    return is_type and isinstance(node.value, types.SigmaString) and str(node.value).upper() == "SYSCALL"


def _one_record(node: Any) -> bool:  # noqa: ANN401  # the same
    """Whether values without a field are looked for only together with a record's type."""
    if isinstance(node, conditions.ConditionAND):
        return any(map(_names_record, _conjuncts(node))) or all(map(_one_record, node.args))
    if isinstance(node, conditions.ConditionItem):
        return all(map(_one_record, node.args))
    return not isinstance(node, conditions.ConditionValueExpression)


def _types(node: Any) -> Iterator[str]:  # noqa: ANN401  # the same
    """The types of audit records that a rule asks for, not those that it excludes."""
    if isinstance(node, conditions.ConditionAND | conditions.ConditionOR):
        for each in node.args:
            yield from _types(each)
    elif isinstance(node, conditions.ConditionFieldEqualsValueExpression) and node.field == "type":
        yield str(node.value).upper()


def _names_record(node: Any) -> bool:  # noqa: ANN401  # the same
    if isinstance(node, conditions.ConditionOR):
        return all(map(_names_record, node.args))
    if isinstance(node, conditions.ConditionAND):
        return any(map(_names_record, node.args))
    return isinstance(node, conditions.ConditionFieldEqualsValueExpression) and node.field == "type"
