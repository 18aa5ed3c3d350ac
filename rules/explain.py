"""Why a rule matches an event or does not: every check of its condition with its outcome and its values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any as Anything
from typing import Protocol

from rules.catalogue.event_types import KINDS
from rules.compiler.binding import OfStream
from rules.compiler.comparison import Comparison, FieldValue, fields_of
from rules.compiler.function import condition, condition_of_fields, executed, module
from rules.compiler.logic import All, Any, Is, Tree, leaves, opposite
from rules.compiler.simplify import folded, merged
from rules.compiler.source import Writer
from rules.given import given
from rules.ruleset import Host, Process, Rule
from rules.written import shown, written
from wire.event import Event

Logic = Tree[Comparison]

# Whatever a field can be; ``None`` if it is missing.
Found = Anything

# Constants of a check that a sentence names.
_FEW = 4


class Reader(Protocol):
    """How checks and fields are looked up in one event. ``event_type`` is ``None`` if nobody said it."""

    event_type: str | None

    def holds(self, leaf: Is[Comparison]) -> bool:
        """Whether a check is true."""

    def value(self, field: FieldValue) -> Found:
        """A field's value; ``None`` if it is missing."""


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a condition. ``kind`` is check, all or any; ``macro`` names the one that it came from.

    ``asked`` is false for what the outcome does not depend on any more when the parts are asked in
    the order in which they were written. ``values`` are those of the fields in a check.
    """

    kind: str
    holds: bool
    asked: bool
    check: Is[Comparison] | None = None
    values: tuple[tuple[FieldValue, Found], ...] = ()
    terms: tuple[Node, ...] = ()
    macro: str = ""

    def text(self, most: int | None = None) -> str:
        """The check in the rule language, or what joins the terms."""
        return f"{self.kind} of" if self.check is None else written(self.check, most)


@dataclass(frozen=True, slots=True)
class Explanation:
    """What became of a rule and an event. ``decided`` are the checks that settled it, ``root`` all of them.

    ``never`` says why no event of that type can match whatever its values, if that is so.
    """

    rule: Rule
    event_type: str | None
    root: Node
    decided: tuple[Node, ...]
    never: str
    sentence: str

    @property
    def matches(self) -> bool:
        """Whether the condition holds for the event."""
        return self.root.holds and not self.never

    def to_json(self) -> dict[str, Anything]:
        """Plain lists and dictionaries; a missing value is ``null``."""
        return {
            "rule": self.rule.name,
            "file": self.rule.file,
            "line": self.rule.line,
            "enabled": self.rule.enabled,
            "event_type": self.event_type,
            "matches": self.matches,
            "never": bool(self.never),
            "decided": [node.text() for node in self.decided if node.check is not None],
            "sentence": self.sentence,
            "condition": _plain(self.root),
        }


def explain(rule: Rule, reader: Reader) -> Explanation:
    """Ask every check of ``rule`` by itself, and find those that decided."""
    root = _node(rule.logic, reader, _origins(rule), asked=True)
    decided = tuple(_deciding(root))
    never = _never(rule, reader.event_type)
    sentence = never or _sentence(root, decided, reader)
    if not rule.enabled:
        sentence += " The rule is disabled: it is not asked at all."
    return Explanation(rule, reader.event_type, root, decided, never, sentence)


@dataclass(slots=True)
class GivenValues:
    """Values that a person gives by name; raises ``GivenError`` for those that make no sense."""

    fields: Mapping[str, Anything]
    event_type: str | None = None

    def __post_init__(self) -> None:
        self.fields = given(self.fields, strict=True)
        self.event_type = self.fields.get("evt.type")

    def holds(self, leaf: Is[Comparison]) -> bool:
        """By the compiler, as in ``evaluate``."""
        return bool(condition_of_fields(leaf).call(self.fields))

    def value(self, field: FieldValue) -> Found:
        """As it was given."""
        return self.fields.get(field.spelled)


@dataclass(slots=True)
class OfEvent:
    """The values of an event of the stream, with its process and its host."""

    event: Event
    process: Process
    host: Host
    event_type: str | None = None

    def __post_init__(self) -> None:
        self.event_type = self.event.type

    def holds(self, leaf: Is[Comparison]) -> bool:
        """By the compiler, as in the stream; of events that do not reach the rules nothing holds."""
        function = condition(leaf, self.event.type) if self.event.type in KINDS else None
        return function is not None and bool(function.call(self.event, self.process, self.host))

    def value(self, field: FieldValue) -> Found:
        """By the catalogue's source for events of this type."""
        if self.event.type not in KINDS:
            return None
        writer = Writer(OfStream(self.event.type))
        code = writer.value(field)
        text = f"[{', '.join(code.ends)}]" if code.ends else code.text
        if field.values == "some" and text != "None":
            text = f"list({text})"
        source = module(f"def value(e, p, h):\n    return {text}\n", writer)
        found = executed(source, "value", {})["value"](self.event, self.process, self.host)
        return [each for each in found if each is not None] if code.ends else found


def _origins(rule: Rule) -> dict[Logic, str]:
    """The macro that a part of the condition is, or that a check is part of: the smallest there is."""
    found: dict[Logic, str] = {}
    for name, logic in sorted(rule.macros.items(), key=lambda macro: -sum(1 for _ in leaves(macro[1]))):
        whole = merged(logic)
        for leaf in leaves(whole):
            found |= dict.fromkeys((Is(leaf), Is(leaf, negated=True)), name)
        found |= dict.fromkeys((whole, opposite(whole)), name)
    return found


def _node(tree: Logic, reader: Reader, origins: Mapping[Logic, str], *, asked: bool) -> Node:
    macro = origins.get(tree, "")
    if isinstance(tree, bool):
        return Node("any" if not tree else "all", tree, asked)
    if isinstance(tree, Is):
        values = tuple((field, reader.value(field)) for field in dict.fromkeys(fields_of(tree.leaf)))
        return Node("check", reader.holds(tree), asked, tree, values, macro=macro)
    settles = isinstance(tree, Any)
    terms: list[Node] = []
    for term in tree.terms:
        open_yet = all(each.holds != settles for each in terms)
        terms.append(_node(term, reader, origins, asked=asked and open_yet))
    together = any if settles else all
    holds = together(each.holds for each in terms)
    return Node("any" if settles else "all", holds, asked, terms=tuple(terms), macro=macro)


def _deciding(node: Node) -> Iterator[Node]:
    """The checks that settled it: the first that is enough, or where none was, all of one kind."""
    if not node.terms:
        yield node
        return
    enough = [each for each in node.terms if each.asked == node.asked and each.holds == (node.kind == "any")]
    if enough:
        yield from _deciding(enough[0])
    elif node.kind == "all":
        yield from _deciding(node.terms[-1])
    else:
        for each in node.terms:
            yield from _deciding(each)


def _never(rule: Rule, event_type: str | None) -> str:
    """Why no event of the type, or of any type, can match."""
    if event_type is None:
        if any(_fixed(rule.logic, each) is not False for each in KINDS):
            return ""
        return f"No event can match it: {_reason(rule, next(iter(KINDS)))}"
    if event_type not in KINDS:
        return f"No event of type {event_type} reaches the rules, whatever its values."
    if _fixed(rule.logic, event_type) is not False:
        return ""
    return f"No {event_type} event can match it, whatever its values: {_reason(rule, event_type)}"


def _fixed(tree: Logic, event_type: str) -> bool | None:
    """The outcome that a condition has for every event of a type; ``None`` if it depends on the event."""
    found = folded(tree, Writer(OfStream(event_type)))
    return found if isinstance(found, bool) else None


def _reason(rule: Rule, event_type: str) -> str:
    checks = list(_excluding(rule.logic, event_type))
    if not checks:
        return "its condition is always false."
    names = ", ".join(f"`{written(each, _FEW)}`" for each in checks[:3])
    verb = "is" if len(checks) == 1 else "are"
    return f"{names} {verb} always false there{_uncollected(checks)}."


def _excluding(tree: Logic, event_type: str) -> Iterator[Is[Comparison]]:
    if isinstance(tree, Is):
        yield tree
    elif isinstance(tree, All):
        first = next((each for each in tree.terms if _fixed(each, event_type) is False), None)
        if first is not None:
            yield from _excluding(first, event_type)
    elif isinstance(tree, Any):
        for each in tree.terms:
            yield from _excluding(each, event_type)


def _uncollected(checks: list[Is[Comparison]]) -> str:
    for check in checks:
        for field in fields_of(check.leaf):
            if not field.row.collected:
                return f" ({field.spelled} is not collected yet: it needs {field.row.source})"
    return ""


def _sentence(root: Node, decided: tuple[Node, ...], reader: Reader) -> str:
    checks = [node for node in decided if node.check is not None]
    if not checks:
        return "It matches: its condition is always true." if root.holds else "Its condition is always false."
    if root.holds:
        return f"It matches: {_because(checks[-1], reader)}, and that was the last check."
    if len(checks) == 1:
        return f"It does not match: {_because(checks[0], reader)}.{_also(root, checks)}"
    several = "; ".join(_because(each, reader) for each in checks[:3])
    more = f"; and {len(checks) - 3} more" if len(checks) > 3 else ""
    none = f"none of {len(checks)} alternatives is true: {several}{more}"
    return f"It does not match: {none}.{_also(root, checks)}"


def _because(node: Node, reader: Reader) -> str:
    """A check, its outcome and what its fields were."""
    values = " and ".join(
        f"{field.spelled} is {shown(found)}{_hint(field, found, reader)}" for field, found in node.values
    )
    outcome = "true" if node.holds else "false"
    return f"`{node.text(_FEW)}` is {outcome}{f', {values}' if values else ''}"


def _hint(field: FieldValue, found: Found, reader: Reader) -> str:
    """Why a value is missing, if that can be known."""
    if found is not None:
        return ""
    if not field.row.collected:
        return f" (not collected yet: it needs {field.row.source})"
    if isinstance(reader, GivenValues) and field.row.index:
        other = next((name for name in reader.fields if name.partition("[")[0] == field.row.name), None)
        return f" ({other} is given, which is another field)" if other else ""
    return ""


def _also(root: Node, decided: list[Node]) -> str:
    """Whether the rule would match if the checks that decided were true, and what else is in its way."""
    enough = [each for each in decided if _holds_with(root, each)]
    if len(decided) == 1 and enough:
        return " Nothing else keeps it from matching."
    if enough:
        which = "One of them" if len(enough) == len(decided) else f"`{enough[0].text(_FEW)}`"
        return f" {which} would be enough."
    others = [
        each for each in root.terms if not each.holds and not any(node in decided for node in _leaves(each))
    ]
    named = [f"`{each.text(_FEW)}`" for each in others if each.check is not None][:2]
    if root.kind != "all" or not named:
        return " Other checks would have to be true too."
    rest = f" and {len(others) - len(named)} more" if len(others) > len(named) else ""
    return f" False too: {' and '.join(named)}{rest}."


def _holds_with(node: Node, turned: Node) -> bool:
    """The outcome if one check had the other outcome."""
    if not node.terms:
        return node.holds is not (node is turned)
    return (all if node.kind == "all" else any)(_holds_with(each, turned) for each in node.terms)


def _leaves(node: Node) -> Iterator[Node]:
    if not node.terms:
        yield node
    for each in node.terms:
        yield from _leaves(each)


def _plain(node: Node) -> dict[str, Anything]:
    found: dict[str, Anything] = {"kind": node.kind, "holds": node.holds, "asked": node.asked}
    found["macro"] = node.macro or None
    if node.check is not None:
        found["check"] = node.text()
        found["values"] = {field.spelled: _encodable(value) for field, value in node.values}
    else:
        found["terms"] = [_plain(each) for each in node.terms]
    return found


def _encodable(value: Found) -> Found:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value


# The text of a node, and of the macro it came from if the node above did not.
Mark = Callable[[Node, str], str]


def lines(node: Node, mark: Mark, prefix: str = "", branch: str = "", above: str = "") -> Iterator[str]:
    """The tree in lines; what ``mark`` gives may have colours in it."""
    yield prefix + branch + mark(node, node.macro if node.macro != above else "")
    inner = prefix + {"": "", "├─ ": "│  ", "└─ ": "   "}[branch]
    for number, each in enumerate(node.terms, start=1):
        yield from lines(each, mark, inner, "└─ " if number == len(node.terms) else "├─ ", node.macro)
