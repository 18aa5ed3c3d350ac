"""The engine: batches of events in, detections out; a pure function of the events and the rules."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from rules import Rule, RuleSet
from rules.ruleset import Matcher
from stream import tree
from stream.detections import detection
from stream.host import HostState
from stream.process import Process
from wire.batch import Batch
from wire.detection import Detection
from wire.event import AnyEvent, Loss, Open


def by_file(event: Open) -> Open:
    """The open with the path of what was opened, for rules that know the file by that name only."""
    return msgspec.structs.replace(
        event, path=event.file or event.path, raw=event.raw or event.path, file=None
    )


@dataclass
class Counters:
    """What went through an engine. ``errors`` counts exceptions by the rule that raised them."""

    events: int = 0
    detections: int = 0
    repeated: int = 0
    lost: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)


@dataclass
class Engine:
    """Detects in the streams of many hosts; ``hosts`` is all it remembers, by host id.

    ``rules`` may be replaced between two batches: what is remembered does not depend on them.

    The same events give the same detections, byte for byte, however they are cut into batches. Events
    that were processed before are passed over, so a batch may be delivered twice.
    """

    rules: RuleSet
    hosts: dict[str, HostState] = field(default_factory=dict)
    counters: Counters = field(default_factory=Counters)

    def process(self, batch: Batch) -> list[Detection]:
        """The detections in ``batch``, in the order of its events and, for one event, of the rules."""
        state = self._state(batch)
        events = self._fresh(state, batch)
        matchers = self.rules.matchers
        found: list[Detection] = []
        for event in events:
            process = tree.apply(state.tree, event)
            matcher = matchers.get(event.type)
            if matcher is None:
                if type(event) is Loss:
                    self._lose(state, event)
                continue
            matched = self._asked(matcher, event, process, state)
            if matched:
                found += self._describe(matched, event, process, state)
            if type(event) is Open and event.file is not None:
                opened = by_file(event)
                others = self._asked(matcher, opened, process, state)
                found += self._describe(
                    [rule for rule in others if rule not in matched], opened, process, state
                )
        self.counters.events += len(events)
        self.counters.detections += len(found)
        return found

    def _state(self, batch: Batch) -> HostState:
        """The host's state; a new boot begins with nothing."""
        state = self.hosts.get(batch.host.id)
        if state is None or state.host.boot != batch.host.boot:
            state = self.hosts[batch.host.id] = HostState(host=batch.host)
        return state

    def _fresh(self, state: HostState, batch: Batch) -> Sequence[AnyEvent]:
        """The events not processed yet. Notes where the numbers jump."""
        events: Sequence[AnyEvent] = batch.events
        if batch.first <= state.last:
            events = [event for event in events if event.seq > state.last]
            self.counters.repeated += len(batch.events) - len(events)
        elif state.last and batch.first != state.last + 1 and events:
            state.gap = events[0].time
        state.last = max(state.last, batch.last)
        return events

    def _describe(
        self, matched: Sequence[Rule], event: AnyEvent, process: Process, state: HostState
    ) -> Iterator[Detection]:
        """A detection for each rule that matched; one whose output cannot be rendered is counted."""
        for rule in matched:
            try:
                yield detection(rule, event, process, state)
            except Exception:  # noqa: BLE001  # the other rules' detections must not be lost with it
                self.counters.errors[rule.name] += 1

    def _lose(self, state: HostState, event: Loss) -> None:
        self.counters.lost.update(event.counts)
        state.losses.append((event.time, sum(event.counts.values())))

    def _asked(self, matcher: Matcher, event: AnyEvent, process: Process, state: HostState) -> Sequence[Rule]:
        try:
            return matcher(event, process, state)
        except Exception:  # noqa: BLE001  # whatever one rule does, the others must be asked
            return self._one_by_one(event, process, state)

    def _one_by_one(self, event: AnyEvent, process: Process, state: HostState) -> list[Rule]:
        """What the rules say when one of them fails: that one is counted, the others are heard."""
        matched = []
        for rule, condition in self.rules.each[event.type]:
            try:
                if condition(event, process, state):
                    matched.append(rule)
            except Exception:  # noqa: BLE001  # the same
                self.counters.errors[rule.name] += 1
        return matched
