"""A Sigma rule's condition as pySigma gives it, turned into a tree of checks of events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sigma import conditions, types
from sigma.modifiers import reverse_modifier_mapping
from sigma.rule import SigmaDetectionItem

from rules.catalogue import FIELDS
from rules.catalogue.event_types import KNOWN
from rules.catalogue.row import Row
from rules.compiler.comparison import Comparison
from rules.compiler.logic import Tree, all_of, any_of, opposite
from rules.compiler.resolve import WrongError
from rules.event_sets import event_types
from rules.nearest import suggestion
from rules.sigma import audit
from rules.sigma.audit import Beside
from rules.sigma.checks import RefusedError, check, condition, equal, keyword, place
from rules.sigma.sources import EXECUTION, RECORDS, Field, Kind, Source

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
        if self.source.name != "auditd":
            return self._node(tree, 0, Beside(bounded=True), negated=False)
        if not audit.in_one_record(tree):
            self._refuse(
                None, "a value without a field is looked for in audit records of every type; add a type"
            )
        self.types = frozenset(audit.types(tree))
        logic = self._node(tree, 0, Beside(), negated=False)
        return all_of([condition(EXECUTION), logic]) if event_types(logic) == KNOWN else logic

    def _node(self, node: Any, depth: int, beside: Beside, *, negated: bool) -> Logic:  # noqa: ANN401  # the same
        if depth > MAX_DEPTH:
            self._refuse(None, f"its condition is nested more than {MAX_DEPTH} deep")
            return False
        if isinstance(node, conditions.ConditionNOT):
            return opposite(self._node(node.args[0], depth + 1, beside, negated=not negated))
        if isinstance(node, conditions.ConditionAND):
            beside = beside.joined(node, self.source)
            return all_of([self._node(each, depth + 1, beside, negated=negated) for each in node.args])
        if isinstance(node, conditions.ConditionOR):
            return any_of([self._node(each, depth + 1, beside, negated=negated) for each in node.args])
        try:
            return self._leaf(node, beside, negated=negated)
        except RefusedError as refused:
            self._refuse(getattr(node, "field", None), _asked(node) + str(refused))
            return False

    def _leaf(self, node: Any, beside: Beside, *, negated: bool) -> Logic:  # noqa: ANN401  # the same
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
        if beside.system_call and found.places and found.places[0].startswith("proc.argv"):
            raise RefusedError("the arguments of a SYSCALL record are raw numbers, which events do not carry")
        if beside.called and audit.is_system_call(node):
            return True  # which one is said beside it
        if isinstance(node.value, types.SigmaFieldReference):
            logic = equal(found, field_of(self.source, node.value.field), node.value)
        else:
            logic = check(found, node.value)
        bounded = negated or beside.bounded or audit.bounds(node, self.source)
        return logic if bounded else all_of([condition(EXECUTION), logic])

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
