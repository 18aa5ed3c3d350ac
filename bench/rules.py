"""Rules on typed events: compiled together, ten times as many of them, and one by one the naive way."""

import dataclasses
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any as Anything

import rules
from bench import workload
from bench.table import Row
from rules import Rule, RuleSet
from rules.compiler.binding import OfStream
from rules.compiler.comparison import Comparison
from rules.compiler.function import executed, module
from rules.compiler.logic import All, Any, Is, Tree, mapped
from rules.compiler.source import Writer
from rules.ruleset import ruleset
from stream import tree
from stream.host import HostState
from stream.process import Process
from wire.batch import Host
from wire.event import AnyEvent

EVENTS = 1_000_000
CHUNK = 50_000
COPIES = 10

# The naive way is so slow that fewer events say enough.
NAIVE_EVENTS = 20_000

Logic = Tree[Comparison]
Seen = Sequence[tuple[AnyEvent, Process]]
Ask = Callable[[Seen, HostState], int]
Holds = Callable[[AnyEvent, Process, HostState], bool]

# Fields whose constants mean something to the kernel, so that a copy of a rule keeps them.
_KEPT = ("evt.", "container.id", "fd.type", "fd.l4proto", "proc.std", "user.")


def rows(_folder: Path) -> Iterator[Row]:
    """The naive way is the bare row; the community's rules take part where a corpus is at hand."""
    community = _community()
    loaded = rules.load(community)
    many = _many(loaded)
    label = f"{len(loaded.rules)} rules" + ("" if community else " (our library: no corpus)")
    naive = _rate(_in_turn(loaded), NAIVE_EVENTS)
    together = _rate(_matching(loaded), EVENTS)
    copied = _rate(_matching(many), EVENTS)
    yield Row(f"rules: {label}, each in turn as closures", naive, "events/s", 1.0)
    yield Row(f"rules: {label}, compiled", together, "events/s", together / naive, "≥ 500,000 events/s")
    yield Row(
        f"rules: {len(many.rules)} rules, compiled", copied, "events/s", copied / naive, "≥ a third of that"
    )


def _community() -> list[Path]:
    named = os.environ.get("TRACETIDE_CORPUS")
    beside = Path(__file__).resolve().parents[2] / "shared" / "corpus"
    folder = (Path(named) if named else beside) / "falco-rules"
    if not folder.is_dir():
        print("no corpus: TRACETIDE_CORPUS names a folder that holds falco-rules/", file=sys.stderr)
        return []
    return [
        folder / f"{name}.yaml" for name in ("falco_rules", "falco-incubating_rules", "falco-sandbox_rules")
    ]


def _many(loaded: RuleSet) -> RuleSet:
    """The rules and copies of them that look for other texts."""
    copies = [_copy(rule, number) for number in range(1, COPIES) for rule in loaded.rules]
    return ruleset([*loaded.rules, *copies], (), "Debug", "all")


def _copy(rule: Rule, number: int) -> Rule:
    def changed(leaf: Is[Comparison]) -> Logic:
        comparison = leaf.leaf
        spelled = getattr(comparison.left, "spelled", "")
        if not isinstance(comparison.right, tuple) or spelled.startswith(_KEPT):
            return leaf
        constants = tuple(
            f"{each}{number}" if isinstance(each, str) and comparison.left.type == "string" else each
            for each in comparison.right
        )
        return Is(dataclasses.replace(comparison, right=constants), leaf.negated)

    return dataclasses.replace(rule, name=f"{rule.name} {number}", logic=mapped(rule.logic, changed))


def _matching(loaded: RuleSet) -> Ask:
    """What the engine does with each event."""
    matchers = loaded.matchers

    def ask(seen: Seen, state: HostState) -> int:
        found = 0
        for event, process in seen:
            matcher = matchers.get(event.type)
            if matcher is not None:
                found += len(matcher(event, process, state))
        return found

    return ask


def _in_turn(loaded: RuleSet) -> Ask:
    """Every rule of the event's type, one after the other, as closures of closures."""
    types = tuple(loaded.matchers)
    active = [rule.logic for rule in loaded.rules if rule.enabled]
    closures = {name: [_closure(logic, Writer(OfStream(name))) for logic in active] for name in types}

    def ask(seen: Seen, state: HostState) -> int:
        found = 0
        for event, process in seen:
            for holds in closures.get(event.type, ()):
                found += holds(event, process, state)
        return found

    return ask


def _closure(logic: Logic, writer: Writer) -> Holds:
    if isinstance(logic, bool):
        return lambda e, p, h: logic
    if isinstance(logic, Is):
        return _leaf(logic, writer)
    terms = [_closure(term, writer) for term in logic.terms]
    if isinstance(logic, All):
        return lambda e, p, h: all(term(e, p, h) for term in terms)
    assert isinstance(logic, Any)  # noqa: S101  # all that is left
    return lambda e, p, h: any(term(e, p, h) for term in terms)


def _leaf(leaf: Is[Comparison], writer: Writer) -> Holds:
    lines = ["def holds(e, p, h):", f"    return bool({writer.comparison(leaf.leaf, negated=leaf.negated)})"]
    source = module("\n".join([*lines, ""]), writer)
    function: Callable[..., Anything] = executed(source, "holds", {})["holds"]
    return function


def _rate(ask: Ask, number: int) -> float:
    """Events a second: the process tree is brought up to date outside of what is timed."""
    state = HostState(host=Host(id="bench", name="bench", boot="bench-boot"))
    source = islice(workload.events(), number)
    seconds = 0.0
    while seen := [(event, tree.apply(state.tree, event)) for event in islice(source, CHUNK)]:
        began = time.process_time()
        ask(seen, state)
        seconds += time.process_time() - began
    return number / seconds
