"""Loaded rules: what they say of themselves, and the functions that ask them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeVar

from rules.assemble import Assembled
from rules.catalogue.event_types import COMPANIONS, KINDS
from rules.compiler.comparison import Comparison
from rules.compiler.function import Function, condition, matcher
from rules.compiler.logic import Tree
from rules.compiler.output import Part, renderer
from rules.faults import Fault
from rules.files.definitions import CaseDefinition
from rules.sigma.correlation import Correlation
from wire.detection import PRIORITIES, Priority, RuleInfo
from wire.event import Event

Matching = Literal["first", "all"]


class Host(Protocol):
    """What a condition can ask of the host."""

    @property
    def id(self) -> str:
        """A stable id."""

    @property
    def name(self) -> str:
        """The host's name."""

    def domain(self, cgroup: int | None, address: str | None) -> str | None:
        """The name that those in a control group know an address by."""


# A process as the engine keeps it. This package reads its attributes and knows no more of it.
Process = Any

Matcher = Callable[[Event, Process, Host], Sequence["Rule"]]
Holds = Callable[[Event, Process, Host], bool]
Render = Callable[[Event, Process, Host], tuple[str, dict[str, Any]]]


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One rule. ``condition`` is its text with exceptions, before lists and macros are replaced.

    ``macros`` are what those mean that it uses. ``log_source`` is what a rule written for Sigma is about;
    that of others is empty.
    """

    name: str
    info: RuleInfo
    condition: str
    output: str
    file: str
    line: int
    enabled: bool
    event_types: frozenset[str]
    fields: frozenset[str]
    weakened: tuple[str, ...]
    cases: tuple[CaseDefinition, ...]
    logic: Tree[Comparison] = field(repr=False)
    macros: Mapping[str, Tree[Comparison]] = field(repr=False)
    parts: tuple[Part, ...] = field(repr=False)
    log_source: str = ""
    _renderers: dict[str, Render] = field(default_factory=dict, repr=False)

    @property
    def priority(self) -> Priority:
        """How urgent a match is."""
        return self.info.priority

    @property
    def tags(self) -> list[str]:
        """The rule's tags."""
        return self.info.tags

    def render(self, event: Event, process: Process, host: Host) -> tuple[str, dict[str, Any]]:
        """The output for a match, and the values in it by field; a missing one is ``<NA>`` and ``None``."""
        render = self._renderers.get(event.type)
        if render is None:
            render = self._renderers[event.type] = renderer(event.type, self.parts).call
        return render(event, process, host)


def rule(assembled: Assembled) -> Rule:
    """What remains of a rule once it has been assembled."""
    definition = assembled.definition
    return Rule(
        name=definition.name,
        info=assembled.info,
        condition=assembled.condition,
        output=str(definition.output).strip(),
        file=definition.place.file,
        line=definition.place.line,
        enabled=definition.enabled,
        event_types=assembled.event_types,
        fields=assembled.fields,
        weakened=assembled.weakened,
        cases=tuple(definition.cases),
        logic=assembled.logic,
        macros=assembled.macros,
        parts=assembled.output,
    )


Value = TypeVar("Value")


class _ByType(Mapping[str, Value]):
    """Something for each event type, made when it is first asked for."""

    def __init__(self, types: Sequence[str], make: Callable[[str], Value]) -> None:
        self._types = types
        self._make = make
        self._made: dict[str, Value] = {}

    def __getitem__(self, event_type: str) -> Value:
        if event_type not in self._made:
            if event_type not in self._types:
                raise KeyError(event_type)
            self._made[event_type] = self._make(event_type)
        return self._made[event_type]

    def __iter__(self) -> Iterator[str]:
        return iter(self._types)

    def __len__(self) -> int:
        return len(self._types)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules that were loaded together.

    ``matchers`` gives, by event type, the function that finds the rules that match an event; it has
    no entry for types that no rule can match. ``each`` has the same rules one by one, each with a function
    that says whether it matches, for when one of them fails. ``correlations`` are about several
    matches of rules together, and nothing asks them yet.
    """

    rules: tuple[Rule, ...]
    warnings: tuple[Fault, ...]
    matchers: Mapping[str, Matcher]
    each: Mapping[str, Sequence[tuple[Rule, Holds]]]
    _functions: Mapping[str, Function] = field(repr=False)
    correlations: tuple[Correlation, ...] = ()

    @property
    def collected(self) -> frozenset[str]:
        """The types of events to collect: those that rules match, and what else is needed to judge them."""
        companions = {name for name, of in COMPANIONS.items() if of & self.matchers.keys()}
        return frozenset(self.matchers) | companions

    def source(self, event_type: str) -> str:
        """The source of the matcher for an event type; empty if there is none."""
        function = self._functions.get(event_type)
        return "" if function is None else function.source


def ruleset(
    rules: Sequence[Rule],
    warnings: Sequence[Fault],
    minimum: Priority,
    matching: Matching,
    correlations: Sequence[Correlation] = (),
) -> RuleSet:
    """Compile the enabled rules that are at least as urgent as ``minimum``."""
    urgent = PRIORITIES[: PRIORITIES.index(minimum) + 1]
    active = [(number, each) for number, each in enumerate(rules) if each.enabled and each.priority in urgent]

    def together(event_type: str) -> Function | None:
        # Most rules name a few types: only these are looked at more closely.
        possible = [
            (number, each.name, each.logic) for number, each in active if event_type in each.event_types
        ]
        return matcher(event_type, possible, rules, first=matching == "first")

    made = {event_type: together(event_type) for event_type in KINDS}
    functions = {event_type: function for event_type, function in made.items() if function is not None}

    def one_by_one(event_type: str) -> Sequence[tuple[Rule, Holds]]:
        made = [(each, condition(each.logic, event_type)) for _, each in active]
        return [(each, function.call) for each, function in made if function is not None]

    return RuleSet(
        rules=tuple(rules),
        warnings=tuple(warnings),
        matchers={event_type: function.call for event_type, function in functions.items()},
        each=_ByType(tuple(functions), one_by_one),
        _functions=functions,
        correlations=tuple(correlations),
    )
