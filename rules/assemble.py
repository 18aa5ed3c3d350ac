"""From definitions to rules: lists replaced, macros and fields looked up, all that is wrong said at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from rules import attack
from rules.catalogue.event_types import KINDS, KNOWN
from rules.compiler.comparison import Comparison, fields_of
from rules.compiler.logic import Tree, leaves
from rules.compiler.output import Part, output_parts
from rules.compiler.resolve import Problem, Resolved, field_names, resolve
from rules.compiler.simplify import merged
from rules.event_sets import event_types
from rules.faults import Fault, Place
from rules.files import exclusions
from rules.files.collection import Collection
from rules.files.definitions import ListDefinition, MacroDefinition, RuleDefinition, Text
from rules.files.read import ItemError
from rules.language.cursor import ConditionError
from rules.language.lists import NamedList, expand, named_list
from rules.language.parser import parse
from rules.language.syntax import And, Condition, Macro, Not, Or
from rules.nearest import suggestion
from wire.detection import RuleInfo

Logic = Tree[Comparison]


@dataclass(frozen=True, slots=True)
class Assembled:
    """A rule whose condition and output have a meaning; ``macros`` are those that it uses, and theirs."""

    definition: RuleDefinition
    info: RuleInfo
    condition: str
    logic: Logic
    output: tuple[Part, ...]
    event_types: frozenset[str]
    fields: frozenset[str]
    weakened: tuple[str, ...]
    macros: Mapping[str, Logic]


@dataclass(slots=True)
class _Meaning:
    """What a macro or a rule means, and all that is wrong with it and the macros it uses.

    With each fault: whether it is that something named there does not exist.
    """

    logic: Logic = False
    faults: dict[Fault, bool] = field(default_factory=dict)
    macros: set[str] = field(default_factory=set)


@dataclass(slots=True)
class Assembler:
    """Gives meaning to a collection; ``errors`` and ``warnings`` are what was wrong."""

    collection: Collection
    errors: dict[Fault, None] = field(default_factory=dict)
    warnings: dict[Fault, None] = field(default_factory=dict)
    used_lists: set[str] = field(default_factory=set)
    _lists: list[NamedList] = field(default_factory=list)
    _macros: dict[str, _Meaning | None] = field(default_factory=dict)

    def rules(self) -> Iterator[Assembled]:
        """Every rule that can be used, in the order of definition."""
        self._lists = list(named_lists(self.collection.lists.values(), self.used_lists))
        for macro in self.collection.macros.values():
            self._macro(macro)
        for definition in self.collection.rules.values():
            if definition.source == "syscall":
                yield from self._rule(definition)

    def _rule(self, definition: RuleDefinition) -> Iterator[Assembled]:
        label = f"rule {definition.name}"
        try:
            condition = exclusions.excluded(str(definition.condition), definition.exceptions)
        except ItemError as error:
            self.errors[Fault(error.place, label, error.sentence)] = None
            return
        shift = 1 if definition.exceptions else 0
        meaning = self._meaning(
            condition, definition.condition, label, len(self.collection.rules) << 32, shift
        )
        parts, problems = output_parts(str(definition.output).strip())
        faults = meaning.faults
        for each in problems:
            faults[Fault(definition.output.place_of(each.at), label, each.sentence)] = each.unknown
        if faults:
            self._refuse(definition, faults)
            return
        logic = merged(meaning.logic)
        types = event_types(logic)
        if definition.warn_event_types and not 0 < len(types) <= 100:
            sentence = (
                "matches no event type"
                if not types
                else "matches too many event types; name some in evt.type"
            )
            self._warn(definition.place, label, sentence, "hint")
        info = self._info(definition)
        yield Assembled(
            definition=definition,
            info=info,
            condition=condition,
            logic=logic,
            output=tuple(parts),
            event_types=types,
            fields=frozenset(field_names(logic)),
            weakened=tuple(weakened(logic, types)),
            macros={name: found.logic for name in meaning.macros if (found := self._macros[name])},
        )

    def _refuse(self, definition: RuleDefinition, faults: dict[Fault, bool]) -> None:
        """An error, unless the rule wants to be left out when something in it does not exist."""
        if definition.skip_unknown and all(faults.values()):
            for fault in faults:
                self._warn(fault.place, fault.item, f"{fault.sentence}; the rule is left out")
        else:
            self.errors |= dict.fromkeys(faults)

    def _warn(self, place: Place, item: str, sentence: str, kind: str = "notice") -> None:
        self.warnings[Fault(place, item, sentence, kind)] = None

    def _info(self, definition: RuleDefinition) -> RuleInfo:
        techniques = []
        for named in definition.techniques:
            technique = attack.technique(named.text)
            label = f"rule {definition.name}"
            if technique is None:
                near = suggestion(named.text, attack.TECHNIQUES)
                sentence = f"'{named.text}' is no id of a technique, such as T1059.004{near}"
                self.errors[Fault(named.place, label, sentence)] = None
                continue
            if technique.id not in attack.TECHNIQUES:
                self._warn(
                    named.place,
                    label,
                    f"the table of techniques has no {technique.id}: it stays without a name",
                )
            if technique not in techniques:
                techniques.append(technique)
        for technique in attack.of_tags(definition.tags):
            if technique.id not in {each.id for each in techniques}:
                techniques.append(technique)
        return RuleInfo(
            name=definition.name,
            description=" ".join(definition.description.split()),
            priority=definition.priority,
            tags=definition.tags,
            techniques=techniques,
            response=" ".join(definition.response.split()),
            false_positives=[" ".join(each.split()) for each in definition.false_positives],
        )

    def _meaning(self, condition: str, text: Text, label: str, visibility: int, shift: int = 0) -> _Meaning:
        """``shift`` is how many characters come before what ``text`` knows the places of."""
        meaning = _Meaning()
        expanded, used = expand(condition, self._lists)
        self.used_lists |= used

        def place(at: int) -> Place:
            origin = list(range(len(condition)))
            expand(condition, self._lists, origin)
            index = origin[at] if at < len(origin) else len(condition)
            return text.place_of(max(min(index - shift, len(str(text))), 0))

        def macro(named: Macro) -> Logic | Problem:
            definition = self.collection.macros.get(named.name)
            if definition is None or definition.index >= visibility:
                near = suggestion(named.name, self.collection.macros)
                later = " before this one" if definition is not None else ""
                return Problem(
                    named.at, f"no macro is named '{named.name}'{later}{near if not later else ''}"
                )
            found = self._macro(definition)
            if found is None:
                return Problem(named.at, f"macro {named.name} refers to itself")
            meaning.macros |= {named.name, *found.macros}
            meaning.faults |= found.faults
            return found.logic

        try:
            resolved = resolve(parse(expanded), macro)
        except ConditionError as error:
            resolved = Resolved(False, [Problem(error.at, error.sentence)])
        for each in resolved.problems:
            meaning.faults[Fault(place(each.at), label, each.sentence)] = each.unknown
        meaning.logic = resolved.logic
        return meaning

    def _macro(self, definition: MacroDefinition) -> _Meaning | None:
        """A macro's meaning; ``None`` while it is being looked for, which means that it refers to itself."""
        if definition.name not in self._macros:
            self._macros[definition.name] = None
            self._macros[definition.name] = self._meaning(
                str(definition.condition),
                definition.condition,
                f"macro {definition.name}",
                definition.visibility,
            )
        return self._macros[definition.name]

    def unused(self, rules: Iterable[Assembled]) -> None:
        """Warn of what no rule uses, and of what is wrong in macros that no rule uses."""
        needed = {name for rule in rules for name in rule.macros}
        for macro in self.collection.macros.values():
            if macro.name in needed:
                continue
            self._warn(macro.place, f"macro {macro.name}", "no rule uses it", "hint")
            meaning = self._macros.get(macro.name)
            for fault in meaning.faults if meaning is not None else ():
                if fault not in self.errors:
                    self._warn(fault.place, fault.item, fault.sentence)
        for each in self.collection.lists.values():
            if each.name not in self.used_lists:
                self._warn(each.place, f"list {each.name}", "nothing uses it", "hint")


def named_lists(lists: Iterable[ListDefinition], used: set[str]) -> Iterator[NamedList]:
    """The lists as text; an item that names an earlier list is replaced by that list's items, once."""
    known = {each.name: each for each in lists}
    for each in known.values():
        items: list[str] = []
        for item in each.items:
            other = known.get(item)
            if other is not None and other.index < each.visibility:
                used.add(other.name)
                items += other.items
            else:
                items.append(item)
        yield named_list(each.name, items)


def check_macros(collection: Collection) -> Iterator[Fault]:
    """Macros that the items of the file read last name, though no file up to it defines them."""
    lists = list(named_lists(collection.lists.values(), set()))
    for item in collection.touched:
        text = item.condition
        try:
            condition = parse(expand(str(text), lists)[0])
        except ConditionError:
            continue  # said when everything is assembled
        kind = "macro" if isinstance(item, MacroDefinition) else "rule"
        for macro in _macros(condition):
            if macro.name not in collection.macros:
                near = suggestion(macro.name, collection.macros)
                origin = list(range(len(str(text))))
                expand(str(text), lists, origin)
                place = text.place_of(origin[macro.at])
                yield Fault(place, f"{kind} {item.name}", f"no macro is named '{macro.name}'{near}")


def _macros(condition: Condition) -> Iterator[Macro]:
    remaining = [condition]
    while remaining:
        node = remaining.pop()
        if isinstance(node, Macro):
            yield node
        elif isinstance(node, Not):
            remaining.append(node.term)
        elif isinstance(node, And | Or):
            remaining += node.terms


def weakened(logic: Logic, types: frozenset[str]) -> Iterator[str]:
    """What a rule asks for that is not collected yet."""
    rows = {each.row.name: each.row for leaf in leaves(logic) for each in fields_of(leaf)}
    for name, row in sorted(rows.items()):
        if not row.collected:
            yield f"{name} needs {row.source}"
    if types != KNOWN and len(types) <= 100:
        yield from (f"events of type {name}" for name in sorted(types - KINDS.keys()))
