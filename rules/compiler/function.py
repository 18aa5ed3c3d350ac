"""Whole functions: as source that a person can read, and compiled."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any as Anything

from rules.catalogue.row import Code
from rules.compiler.anchors import Anchored, assigned
from rules.compiler.binding import Binding, OfStream, of_fields
from rules.compiler.comparison import Comparison, FieldValue, fields_of
from rules.compiler.index import Anchor, Index
from rules.compiler.logic import All, Any, Is, Tree, leaves
from rules.compiler.plan import Block, Hit, If, plan
from rules.compiler.simplify import folded, merged, ordered
from rules.compiler.source import NAMES, PATTERNS, Sought, Writer
from rules.compiler.weight import OFTEN

Logic = Tree[Comparison]

_WIDTH = 100
_INDENT = "    "


@dataclass(frozen=True, slots=True)
class Function:
    """A function and the source it was made from."""

    source: str
    call: Callable[..., Anything]


def matcher(
    event_type: str,
    conditions: Sequence[tuple[int, str, Logic]],
    rules: Sequence[Anything],
    *,
    first: bool = False,
) -> Function | None:
    """The function that gives the rules that match an event of one type, in their order.

    ``conditions`` are the number of a rule among ``rules``, its name and its condition.
    With ``first`` only the first of them. ``None`` if no rule can match that type.
    """
    scope = _Scope(OfStream(event_type))
    possible = [(number, name, scope.folded(logic)) for number, name, logic in conditions]
    possible = [each for each in possible if each[2] is not False]
    if not possible:
        return None
    scope.expect(logic for _, _, logic in possible)
    names = {number: name for number, name, _ in possible}
    logics = {number: logic for number, _, logic in possible}
    chosen = assigned(list(logics.items()), scope.suitable)
    askings = _askings(chosen)
    lookups = _lookups(askings)
    rest = [(number, logic) for number, logic in logics.items() if number not in chosen]
    asked = [
        _function(asking.name, [(number, logics[number]) for number in asking.rules], scope, names, "matched")
        for asking in askings
    ]
    end = f"matched if len(matched) < 2 else in_order(matched){'[:1]' if first else ''}"
    head = [line for lookup in lookups for line in lookup.lines(scope)]
    whole = _function(f"match_{event_type}", rest, scope, names, end, head)
    source = module("\n\n".join([*asked, whole]), scope.writer)
    given = {f"rule_{number}": rules[number] for number in names}
    order = {id(rule): number for number, rule in enumerate(rules)}
    # A rule that was looked for in two fields may have been found twice.
    given["in_order"] = lambda matched: tuple(sorted(set(matched), key=lambda rule: order[id(rule)]))
    made = executed(source, f"match_{event_type}", given)
    made |= {lookup.name: lookup.index(made) for lookup in lookups}
    return Function(source, made[f"match_{event_type}"])


@dataclass(frozen=True, slots=True)
class _Asking:
    """A function of its own for the rules that are looked for in the same way."""

    rules: tuple[int, ...]
    anchored: Anchored

    @property
    def name(self) -> str:
        return f"ask_{self.rules[0]}"


@dataclass(frozen=True, slots=True)
class _LookUp:
    """Rules that are looked for by the value of one field, and asked only where it may concern them."""

    field: FieldValue
    asked: tuple[tuple[_Asking, frozenset[Anchor]], ...]

    @property
    def name(self) -> str:
        return f"by_{_identifier(self.field)}"

    def lines(self, scope: "_Scope") -> Iterator[str]:
        code = scope.code(self.field)
        number = sum(len(asking.rules) for asking, _ in self.asked)
        yield f"for ask in {self.name}[{code and code.text}]:  # of {number} rules those it may concern"
        yield f"{_INDENT}matched += ask(e, p, h)"

    def index(self, made: dict[str, Anything]) -> Index[Callable[..., Anything]]:
        return Index((made[asking.name], anchors) for asking, anchors in self.asked)


def _askings(chosen: dict[int, Anchored]) -> list[_Asking]:
    groups: dict[Anchored, list[int]] = {}
    for number, anchored in chosen.items():
        groups.setdefault(anchored, []).append(number)
    return [_Asking(tuple(rules), anchored) for anchored, rules in groups.items()]


def _lookups(askings: Sequence[_Asking]) -> list[_LookUp]:
    by_field: dict[FieldValue, list[tuple[_Asking, frozenset[Anchor]]]] = {}
    for asking in askings:
        for field_value, anchors in sorted(asking.anchored.fields, key=lambda pair: pair[0].spelled):
            by_field.setdefault(field_value, []).append((asking, anchors))
    return [_LookUp(field_value, tuple(asked)) for field_value, asked in by_field.items()]


def _function(
    name: str,
    conditions: Sequence[tuple[int, Logic]],
    scope: "_Scope",
    names: dict[int, str],
    result: str,
    head: Sequence[str] = (),
) -> str:
    """A function of an event, its process and its host that gives the rules whose conditions hold."""
    lines = [f"def {name}(e, p, h):", f"{_INDENT}matched = ()", *(_INDENT + line for line in head)]
    lines += _block(plan(conditions), scope, 1, names)
    return "\n".join([*lines, f"{_INDENT}return {result}", ""])


def condition(logic: Logic, event_type: str) -> Function | None:
    """The function that says whether an event of one type meets one condition; ``None`` if it never can."""
    scope = _Scope(OfStream(event_type))
    tree = scope.folded(logic)
    return None if tree is False else _single(ordered(tree), scope, "e, p, h")


def condition_of_fields(logic: Logic) -> Function:
    """The function that says whether a mapping of field names and values meets a condition."""
    scope = _Scope(of_fields)
    return _single(ordered(scope.folded(logic)), scope, "f")


def _single(tree: Logic, scope: "_Scope", arguments: str) -> Function:
    scope.expect([tree])
    lines = [f"def holds({arguments}):", *_guarded("return bool(", tree, ")", scope, 1)]
    source = module("\n".join([*lines, ""]), scope.writer)
    return Function(source, executed(source, "holds", {})["holds"])


def module(text: str, writer: Writer) -> str:
    """Functions with the constants that they use before them."""
    used = set(re.findall(r"\b[A-Z]+_\d+\b", text))
    constants = [f"{name} = {made}" for made, name in writer.constants.items() if name in used]
    return "\n".join([*constants, *([""] if constants else []), text])


def executed(source: str, name: str, given: dict[str, Anything]) -> dict[str, Anything]:
    """The names that the source defines and can use: what is given, besides the run-time functions."""
    names = {**NAMES, **given}
    exec(compile(source, f"<{name}>", "exec"), names)  # noqa: S102  # source that was written here, from checked parts
    return names


@dataclass(slots=True)
class _Scope:
    """What the source of one function has in common: names of constants, values kept in local variables."""

    binding: Binding
    local: dict[str, str] = field(default_factory=dict)
    writer: Writer = field(init=False)

    def __post_init__(self) -> None:
        self.writer = Writer(self._bound)

    def _bound(self, value: FieldValue) -> Code | None:
        code = self.binding(value)
        name = self.local.get(value.spelled)
        if code is None or name is None:
            return code
        return Code(name, sure=code.sure, rewrite=code.rewrite)

    def folded(self, logic: Logic) -> Logic:
        return merged(folded(logic, self.writer))

    def expect(self, conditions: Iterable[Logic]) -> None:
        """Take note of the patterns in all conditions that the function will hold."""
        sought: dict[Sought, dict[str, None]] = {}
        for comparison in (leaf for logic in conditions for leaf in leaves(logic)):
            if comparison.operator in PATTERNS and isinstance(comparison.right, tuple):
                key = (comparison.left, comparison.operator)
                sought.setdefault(key, {}).update(dict.fromkeys(comparison.right))
        self.writer.constants.clear()
        self.writer.patterns = {key: tuple(patterns) for key, patterns in sought.items()}

    def text(self, tree: Logic) -> str:
        """The source of a whole condition."""
        if isinstance(tree, bool):
            return str(tree)
        if isinstance(tree, Is):
            return self.writer.comparison(tree.leaf, negated=tree.negated)
        joint = " and " if isinstance(tree, All) else " or "
        return f"({joint.join(map(self.text, tree.terms))})"

    def code(self, value: FieldValue) -> Code | None:
        return self.binding(value)

    def suitable(self, value: FieldValue) -> bool:
        """Whether rules may be looked for by a field's value: it is cheap to have, and differs much."""
        code = self.code(value)
        cheap = code is not None and code.rewrite is None and not code.costly and "." in code.text
        return cheap and value.spelled not in OFTEN


def _block(block: Block, scope: _Scope, depth: int, names: dict[int, str]) -> list[str]:
    """The lines of a block; what several of its statements look at first is looked up before them."""
    kept = _shared(block, scope)
    scope.local |= {spelled: name for spelled, (name, _) in kept.items()}
    found = _searches(block, scope)
    scope.writer.found |= {sought: name for sought, (name, _) in found.items()}
    lines: list[str] = []
    for statement in block:
        if isinstance(statement, Hit):
            comment = " ".join(names[statement.rule].split())
            lines.append(f"{_INDENT * depth}matched += (rule_{statement.rule},)  # {comment}")
        else:
            lines += _guarded("if ", statement.condition, ":", scope, depth)
            lines += _block(statement.then, scope, depth + 1, names)
    for sought, (name, code) in reversed(found.items()):
        del scope.writer.found[sought]
        lines.insert(0, f"{_INDENT * depth}{name} = {code}")
    text = "\n".join(lines)
    for spelled, (name, code) in reversed(kept.items()):
        del scope.local[spelled]
        if re.search(rf"\b{name}\b", text):
            lines.insert(0, f"{_INDENT * depth}{name} = {code}")
    return lines


def _shared(block: Block, scope: _Scope) -> dict[str, tuple[str, str]]:
    """Values that statements of a block look at in any case, with a name and the source for each.

    One is worth keeping if two statements do, or if it is costly and something else looks at it too.
    """
    first: Counter[str] = Counter()
    anywhere: Counter[str] = Counter()
    found: dict[str, FieldValue] = {}
    for statement in block:
        if isinstance(statement, If):
            always = {value.spelled: value for value in _first_values(statement.condition)}
            found |= always
            first.update(always.keys())
            anywhere.update(value.spelled for value in _values(statement))
    kept = {}
    for spelled, number in first.items():
        code = scope.code(found[spelled])
        if code is None or spelled in scope.local or not _worth_keeping(found[spelled], code):
            continue
        if number > 1 or (code.costly and anywhere[spelled] > 1):
            kept[spelled] = (_identifier(found[spelled]), code.text)
    return kept


def _searches(block: Block, scope: _Scope) -> dict[Sought, tuple[str, str]]:
    """Searches for patterns that several statements of a block need, with a name and the source for each."""
    needed = Counter(sought for statement in block for sought in set(_sought(statement)))
    found: dict[Sought, tuple[str, str]] = {}
    for sought, number in needed.items():
        value, operator = sought
        if number > 1 and sought not in scope.writer.found and isinstance(value, FieldValue):
            source = scope.writer.search(sought, scope.writer.value(value))
            if value.values == "one":
                found[sought] = (f"{_identifier(value)}_{operator}", source)
    return found


def _sought(statement: Hit | If) -> Iterator[Sought]:
    if isinstance(statement, If):
        for leaf in leaves(statement.condition):
            if leaf.operator in PATTERNS:
                yield leaf.left, leaf.operator
        for each in statement.then:
            yield from _sought(each)


def _identifier(value: FieldValue) -> str:
    return re.sub(r"\W+", "_", value.spelled).strip("_")


def _worth_keeping(value: FieldValue, code: Code) -> bool:
    return value.values == "one" and not code.ends and ("." in code.text or code.costly)


def _first_values(tree: Logic) -> Iterator[FieldValue]:
    """The values that a condition looks at before anything else."""
    while isinstance(tree, All | Any):
        tree = tree.terms[0]
    if isinstance(tree, Is):
        yield from fields_of(tree.leaf)


def _values(statement: Hit | If) -> Iterator[FieldValue]:
    if isinstance(statement, If):
        for leaf in leaves(statement.condition):
            yield from fields_of(leaf)
        for each in statement.then:
            yield from _values(each)


def _guarded(start: str, tree: Logic, end: str, scope: _Scope, depth: int) -> Iterator[str]:
    """A condition between ``start`` and ``end``: in one line, or one line for each term of a long one."""
    indent = _INDENT * depth
    terms = tree.terms if isinstance(tree, All | Any) else (tree,)
    texts = [scope.text(term) for term in terms]
    joint = " or " if isinstance(tree, Any) else " and "
    whole = joint.join(texts)
    if len(texts) == 1 or len(indent) + len(start) + len(whole) + len(end) <= _WIDTH:
        yield f"{indent}{start}{whole}{end}"
        return
    yield f"{indent}{start}("
    yield f"{indent}{_INDENT * 2}{texts[0]}"
    yield from (f"{indent}{_INDENT * 2}{joint.lstrip()}{text}" for text in texts[1:])
    yield f"{indent}){end}"
