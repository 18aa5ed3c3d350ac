"""One event of a recording as the rules saw it: with its process and its host as they were at that moment."""

from collections.abc import Iterable
from dataclasses import dataclass

from rules import load_texts
from stream import tree
from stream.engine import Engine
from stream.host import HostState
from stream.process import Process
from wire.batch import Batch
from wire.event import AnyEvent


@dataclass(frozen=True, slots=True)
class Moment:
    """An event, who acted, and all that was known of the host."""

    event: AnyEvent
    process: Process
    state: HostState


def moment(batches: Iterable[Batch], seq: int) -> Moment | None:
    """Replay ``batches`` up to the event of that sequence number; ``None`` if there is none."""
    engine = Engine(load_texts([]))
    for batch in batches:
        if batch.first <= seq <= batch.last:
            for position, event in enumerate(batch.events):
                if event.seq == seq:
                    return _at(engine, batch, position)
        engine.process(batch)
    return None


def _at(engine: Engine, batch: Batch, position: int) -> Moment:
    """What was before the event is processed, the event itself only as far as the process tree goes."""
    event, before = batch.events[position], batch.events[:position]
    engine.process(Batch(host=batch.host, first=batch.first, last=event.seq - 1, events=before))
    state = engine.hosts[batch.host.id]
    return Moment(event, tree.apply(state.tree, event), state)
