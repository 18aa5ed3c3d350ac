"""Sigma rules: all asked together, beside each asked in turn; evaluation alone, on one core."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

import msgspec

import rules
from bench import workload
from bench.table import Row
from rules import Process, RuleSet
from stream import tree
from stream.host import HostState
from wire.batch import Host
from wire.event import AnyEvent, Exec

EVENTS = 100_000

Seen = Sequence[tuple[AnyEvent, Process]]


def rows(folder: Path) -> Iterator[Row]:
    """The corpus of rules for Linux if it is there, otherwise as many made-up ones of their shapes."""
    path = _corpus()
    if path is None:
        path = folder / "sigma.yml"
        path.write_text("---\n".join(_made_up()))
    loaded = rules.load([path], library=False)
    seen = list(_seen(EVENTS))
    executed = [each for each in seen if isinstance(each[0], Exec)]
    for what, events in (("events of all kinds", seen), ("programs executed", executed)):
        turn = _rate(events, _in_turn(loaded))
        together = _rate(events, _together(loaded))
        yield Row(f"sigma: {len(loaded.rules)} rules in turn, {what}", turn, "events/s", 1.0)
        goal = "≥ 50,000 events/s"
        yield Row(
            f"sigma: {len(loaded.rules)} rules together, {what}", together, "events/s", together / turn, goal
        )


def _corpus() -> Path | None:
    beside = Path(__file__).resolve().parents[2] / "shared" / "corpus"
    found = Path(os.environ.get("TRACETIDE_CORPUS") or beside) / "sigma-linux"
    return found if found.is_dir() else None


def _seen(number: int) -> Iterator[tuple[AnyEvent, Process]]:
    """Events with their processes as these were at that moment; every command line is one of its own."""
    known = tree.Tree()
    for event in islice(workload.events(), number):
        told = event
        if isinstance(event, Exec):
            told = msgspec.structs.replace(event, args=[*event.args, f"--job={event.seq}"])
        process = tree.apply(known, told)
        yield told, msgspec.structs.replace(process)


def _together(loaded: RuleSet) -> Callable[[AnyEvent, Process], int]:
    state = HostState(host=Host(id="bench", name="bench", boot="bench-boot"))
    matchers = loaded.matchers

    def ask(event: AnyEvent, process: Process) -> int:
        matcher = matchers.get(event.type)
        return 0 if matcher is None else len(matcher(event, process, state))

    return ask


def _in_turn(loaded: RuleSet) -> Callable[[AnyEvent, Process], int]:
    state = HostState(host=Host(id="bench", name="bench", boot="bench-boot"))

    def ask(event: AnyEvent, process: Process) -> int:
        each = loaded.each.get(event.type, ())
        return sum(1 for _, holds in each if holds(event, process, state))

    return ask


def _rate(events: Seen, ask: Callable[[AnyEvent, Process], int]) -> float:
    for event, process in events[:1000]:
        ask(event, process)  # functions of rules are made when they are first asked for
    began = time.process_time()
    for event, process in events:
        ask(event, process)
    return len(events) / (time.process_time() - began)


_RULE = """title: Made up {number}
logsource:
    category: process_creation
    product: linux
detection:
    selection:
        Image|endswith:
            - '/tool{number}'
            - '/other{number}'
        CommandLine|contains|all:
            - ' --option{number}'
            - '{word}'
    filter:
        ParentImage|endswith: '/parent{number}'
    condition: selection and not filter
level: medium
"""


def _made_up() -> Iterator[str]:
    words = ("/tmp/", "/dev/tcp/", "| sh", "base64", " -c ", "/etc/", "http://", "chmod")  # noqa: S108  # data
    for number in range(180):
        yield _RULE.format(number=number, word=words[number % len(words)])
