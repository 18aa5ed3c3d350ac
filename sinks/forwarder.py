"""Forwards detections from Kafka to a sink; after a restart, what was not acknowledged is read again."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import KafkaError

from sinks.contract import Never, Sink, SinkError
from sinks.counters import Counters
from sinks.runner import Item, Pace, Refusal, Runner
from wire import detection as wire_detection
from wire import topics
from wire.detection import Detection

_log = logging.getLogger(__name__)

# A destination that is down is no reason to leave the group: every call of a sink has a time limit.
_DAY = 24 * 3600 * 1000

# How long to wait for records before looking whether to stop, in seconds.
_POLL = 0.2

# How long a last commit may take, in seconds.
_FAREWELL = 5.0

# Room in the dead-letter topic for the largest detection, its headers and their reason.
_LARGEST = 4 << 20
_LONGEST_REASON = 1000

# Records of the topic of events that are taken at once: each may hold hundreds.
_BATCHES = 4

_BY_THE_BOOK = Pace()


class Observe(Protocol):
    """Says what is to be delivered of the records of the topic of events."""

    async def begin(self, partition: int) -> None:
        """Before the first record of a partition that is ours from then on."""

    def __call__(self, value: bytes) -> Sequence[Detection]:
        """What is to be delivered of one record."""


async def forward(
    sink: Sink,
    bootstrap: str,
    *,
    pace: Pace = _BY_THE_BOOK,
    counters: Counters | None = None,
    events: Observe | None = None,
) -> None:
    """Deliver the topic of detections until cancelled; then finish what is in flight.

    Several may run for one sink: they share the partitions as the group ``tracetide-forward-<sink>``. With
    ``events``, deliver what that makes of the records of the topic of events instead.

    Raises:
        SinkError: Kafka cannot be reached at the start, or the sink gives up for good.
    """
    async with _connected(sink.name, bootstrap, events) as source:
        await Runner(sink, source, pace, counters or Counters()).run()


@asynccontextmanager
async def _connected(sink: str, bootstrap: str, events: Observe | None) -> AsyncIterator["KafkaSource"]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        group_id=f"tracetide-forward-{sink}",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_poll_interval_ms=_DAY,
        rebalance_timeout_ms=30_000,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        compression_type="zstd",
        max_request_size=_LARGEST,
    )
    source = KafkaSource(sink, consumer, producer, events)
    consumer.subscribe([topics.EVENTS if events else topics.DETECTIONS], listener=Rebalance(source))
    try:
        try:
            await producer.start()
            await consumer.start()
        except KafkaError as error:
            raise SinkError(f"Kafka at {bootstrap} cannot be reached: {error}") from error
        yield source
        await source.farewell()
    finally:
        await consumer.stop()
        await producer.stop()


@dataclass
class Ledger:
    """What was taken from a partition. ``position`` is the first offset before which all is settled."""

    position: int | None = None
    committed: int | None = None
    _open: deque[int] = field(default_factory=deque)
    _settled: set[int] = field(default_factory=set)

    def take(self, offset: int) -> None:
        """Offsets come in rising order."""
        self._open.append(offset)

    def settle(self, offset: int) -> None:
        """In any order."""
        self._settled.add(offset)
        while self._open and self._open[0] in self._settled:
            first = self._open.popleft()
            self._settled.remove(first)
            self.position = first + 1


@dataclass
class KafkaSource:
    """The detections of the partitions that the group gave us, or what ``events`` makes of their events."""

    sink: str
    consumer: AIOKafkaConsumer
    producer: AIOKafkaProducer
    events: Observe | None = None
    _ledgers: dict[TopicPartition, Ledger] = field(default_factory=dict)
    _begun: set[TopicPartition] = field(default_factory=set)
    _closed: bool = False

    async def take(self, limit: int, seconds: float) -> Sequence[Item] | None:
        """See ``Source``."""
        deadline = time.monotonic() + seconds
        while not self._closed:
            wait = max(0.0, min(deadline - time.monotonic(), _POLL))
            some = _BATCHES if self.events else limit
            records = await self.consumer.getmany(timeout_ms=int(wait * 1000), max_records=some)
            await self._begin(records)
            items = [item for each in records.values() for record in each for item in self._items(record)]
            if items or time.monotonic() >= deadline:
                return items
            if records:
                await self.commit()  # nothing of them is wanted
        return None

    async def commit(self) -> None:
        """See ``Source``. One that fails is made up for by the next."""
        ready = {
            partition: ledger
            for partition, ledger in self._ledgers.items()
            if ledger.position != ledger.committed and partition in self.consumer.assignment()
        }
        if not ready:
            return
        positions = {partition: ledger.position for partition, ledger in ready.items()}
        try:
            await self.consumer.commit(positions)
        except KafkaError as error:
            _log.info("%s: not committed, will be again: %s", self.sink, error)
            return
        for partition, ledger in ready.items():
            ledger.committed = positions[partition]

    def pause(self) -> None:
        """See ``Source``. The group keeps its partitions meanwhile."""
        self.consumer.pause(*self.consumer.assignment())

    def resume(self) -> None:
        """See ``Source``. Partitions that came meanwhile were never paused."""
        self.consumer.resume(*self.consumer.assignment())

    def close(self) -> None:
        """See ``Source``. What has been fetched and not taken stays in Kafka."""
        self._closed = True

    def restart(self, partitions: Iterable[TopicPartition]) -> None:
        """From now on these are ours; what was taken before may be another's by now and no longer counts."""
        self._ledgers = {partition: Ledger() for partition in partitions}
        self._begun.intersection_update(self._ledgers)

    async def farewell(self) -> None:
        """Commit for the last time, if the broker lets us."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL):
                await self.commit()

    async def _begin(self, partitions: Iterable[TopicPartition]) -> None:
        """Tell who looks into events of each partition that is new."""
        if self.events is None:
            return
        for new in set(partitions) - self._begun:
            await self.events.begin(new.partition)
            self._begun.add(new)

    def _items(self, record: ConsumerRecord) -> list[Item]:
        """What a record holds; its offset is settled with the last of it."""
        ledger = self._ledgers.setdefault(TopicPartition(record.topic, record.partition), Ledger())
        ledger.take(record.offset)
        settle = partial(ledger.settle, record.offset)
        if self.events is None:
            bury = partial(self._bury, record)
            return [Item(_read(record), settle, bury, len(record.value or b""))]
        found = self.events(record.value or b"")
        if not found:
            settle()
        last = _Last(len(found), settle)
        return [Item(each, last, _leave) for each in found]

    async def _bury(self, record: ConsumerRecord, refusal: Refusal) -> None:
        headers = topics.dead_headers(
            f"forward {self.sink}",
            refusal.reason[:_LONGEST_REASON],
            record.topic,
            record.partition,
            record.offset,
            sink=self.sink,
            attempts=refusal.attempts,
            first=f"{refusal.first:.3f}",
            last=f"{refusal.last:.3f}",
        )
        await self.producer.send_and_wait(topics.DEAD, record.value, key=record.key, headers=headers)


@dataclass(slots=True)
class _Last:
    """Settles when it was called ``left`` times."""

    left: int
    settle: Callable[[], None]

    def __call__(self) -> None:
        """One more is done."""
        self.left -= 1
        if not self.left:
            self.settle()


async def _leave(_refusal: Refusal) -> None:
    """An event that is refused is counted and stays where it is, in the topic of events."""


class Rebalance(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """Hands partitions over with their positions, so that the next owner repeats little."""

    def __init__(self, source: KafkaSource) -> None:
        self.source = source

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Commit while we still may."""
        await self.source.farewell()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Before anything of the new partitions can be taken: there is no await in here."""
        self.source.restart(assigned)


def _read(record: ConsumerRecord) -> Detection | Never:
    if record.value is None:
        return Never("a record without a value is no detection")
    try:
        return wire_detection.decode(record.value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Never(f"not a detection: {error}")
