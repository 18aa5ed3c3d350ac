"""Chooses among raw events by a condition, and gives each its process, ancestors and container."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiokafka.errors import KafkaError

from stream import checkpoint
from stream.engine import Engine
from stream.host import HostState
from stream.process import Process
from tracetide.loading import rule_of
from wire import batch as wire_batch
from wire.batch import Batch, BatchError
from wire.detection import Detection

_log = logging.getLogger(__name__)

# What exec replaces.
_PROGRAM = (
    "name", "exe", "exepath", "args", "cmdline", "argline", "env", "exe_inode", "exe_ctime", "exe_mtime",
    "exe_writable", "upper_layer", "lower_layer", "memfd",
)  # fmt: skip


@dataclass
class Observer:
    """What a batch of events holds for which a condition is true; nothing of what is no batch.

    Each comes as a detection does. It knows the processes that began before the first event that it sees from
    the states that the stream's workers keep in the Kafka at ``bootstrap``; ``known`` has those by host.
    """

    engine: Engine
    bootstrap: str
    known: dict[str, HostState] = field(default_factory=dict)

    async def begin(self, partition: int) -> None:
        """To be called before the first record of a partition of the events."""
        try:
            self.known |= (await checkpoint.load(self.bootstrap, partition)).hosts
        except KafkaError as error:
            _log.warning("beginning without the processes that the stream knows: %s", error)

    def __call__(self, value: bytes) -> Sequence[Detection]:
        """The events of one record that were chosen."""
        try:
            batch, _ = wire_batch.decode(value)
        except BatchError:
            return []  # the stream brings it to the dead letters
        if batch.events and batch.host.id in self.known:
            state = self.known.pop(batch.host.id)
            if state.host.boot == batch.host.boot:
                self.engine.hosts[batch.host.id] = _as_of(state, batch)
        return self.engine.process(batch)


def observer(condition: str, bootstrap: str) -> Observer:
    """For a condition of the rule language; raises ``CommandError`` with what is wrong with it."""
    return Observer(Engine(rule_of(condition, "--events")), bootstrap)


def _as_of(state: HostState, batch: Batch) -> HostState:
    """The state as far as it was true before ``batch``: the stream may have read much further.

    A process that was another program then is one whose program is not known; its exec is among the events.
    """
    moment = batch.events[0].time
    for process in state.tree.processes.values():
        if process.executed is not None and process.executed > moment:
            _forget_program(process)
    state.last = batch.first - 1
    state.losses.clear()
    state.gap = None
    return state


def _forget_program(process: Process) -> None:
    for name in _PROGRAM:
        setattr(process, name, None)
