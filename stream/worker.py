"""What a fleet's stream worker does with each record, whoever hands it the records.

Detections leave at once; offsets are acknowledged only after the detections and the state that they came
from are safe in Kafka. A worker that dies is followed by one that begins from that state, repeats what
was not acknowledged, and finds the same detections with the same ids.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from rules import RuleSet
from stream import checkpoint
from stream.engine import Engine
from stream.gaps import Gaps
from wire import batch as wire_batch
from wire import detection as wire_detection
from wire import topics
from wire.batch import BatchError
from wire.detection import Detection

_log = logging.getLogger(__name__)

# Seconds between two attempts at what Kafka did not take.
_PAUSE = 1.0

# How long a last settlement may take: Kafka may be away.
_FAREWELL = 10.0


@dataclass(frozen=True, slots=True)
class Record:
    """A record of the topic of events, and how to say that it need not be delivered again."""

    partition: int
    offset: int
    value: bytes | None
    acknowledge: Callable[[], object]
    headers: Sequence[tuple[str, bytes]] = ()


@dataclass(frozen=True, slots=True)
class _Outgoing:
    topic: str
    key: bytes
    value: bytes
    headers: topics.Headers


@dataclass
class _Partition:
    """One assigned partition: its engine, what was read since it was last made safe, and how far that goes.

    ``rewinding`` is the offset of the record that came too early, until it or one before it comes again.
    """

    engine: Engine
    next: int
    rewinding: int | None = None
    unsettled: list[Record] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)


@dataclass
class Counters:
    """What a worker did: records read, detections made, records and events put on the dead-letter topic."""

    records: int = 0
    events: int = 0
    detections: int = 0
    dead: int = 0


@dataclass
class Worker:
    """Applies the engine to records and settles them, from ``start`` to ``stop``."""

    rules: RuleSet
    bootstrap: str
    counters: Counters = field(default_factory=Counters)
    _partitions: dict[int, _Partition] = field(default_factory=dict)
    _sent: list[tuple[_Outgoing, asyncio.Future[object] | None]] = field(default_factory=list)
    _gaps: Gaps = field(default_factory=Gaps)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _producer: AIOKafkaProducer = None
    _seen: int = 0
    _settled: float = 0.0

    async def start(self) -> None:
        """Open the way for what the worker produces; needs a running event loop."""
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self.bootstrap,
            acks="all",
            enable_idempotence=True,
            compression_type="zstd",
            linger_ms=20,
            max_request_size=16 << 20,
        )
        await self._producer.start()

    async def stop(self) -> None:
        """Settle what can be settled in ``_FAREWELL`` seconds, and close the way."""
        if self._producer is None:
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.settle(), _FAREWELL)
        await self._producer.stop()

    async def process(self, record: Record) -> int | None:
        """Take one record in.

        Returns ``None``, or the offset from which the partition must be read again: records before
        this one are missing from the state that this worker took over.
        """
        async with self._lock:
            partition = self._partitions.get(record.partition)
            if partition is None:
                partition = await self._take_over(record.partition)
                if 0 < partition.next < record.offset:
                    partition.rewinding = record.offset
                    return partition.next
            if partition.rewinding is not None:
                if record.offset > partition.rewinding:
                    return None
                partition.rewinding = None
            await self._apply(partition, record)
            return None

    async def settle_when_idle(self, longest: float) -> None:
        """To be called about once a second: settles when nothing came since, or after ``longest`` seconds."""
        now = time.monotonic()
        idle = self.counters.records == self._seen
        self._seen = self.counters.records
        if idle or now - self._settled >= longest:
            await self.settle()

    async def settle(self) -> None:
        """Make everything read so far safe, then acknowledge it."""
        self._settled = time.monotonic()
        async with self._lock:
            await self._settle_all()

    async def adopt(self, rules: RuleSet) -> None:
        """Go on with other rules, between two records.

        What the rules before found is made safe first: a worker that takes over later, with the new rules,
        begins behind it.
        """
        async with self._lock:
            await self._settle_all()
            self.rules = rules
            for partition in self._partitions.values():
                partition.engine.rules = rules

    async def let_go(self) -> None:
        """Forget all partitions: they were taken away, or may be. The next record loads their state again."""
        async with self._lock:
            self._partitions.clear()
            self._sent.clear()

    async def _take_over(self, number: int) -> _Partition:
        saved = await checkpoint.load(self.bootstrap, number)
        partition = _Partition(Engine(self.rules, saved.hosts), saved.next)
        self._partitions[number] = partition
        return partition

    async def _apply(self, partition: _Partition, record: Record) -> None:
        self.counters.records += 1
        try:
            batch, bad = wire_batch.decode(record.value or b"")
        except BatchError as error:
            await self._bury(record, record.value or b"", str(error))
        else:
            self._gaps.look(self.rules, batch.host.name, record.headers)
            for event in bad:
                await self._bury(record, event.raw, event.reason)
            for detection in partition.engine.process(batch):
                await self._announce(detection)
            self.counters.events += len(batch.events)
            partition.touched.add(batch.host.id)
        partition.unsettled.append(record)
        partition.next = record.offset + 1

    async def _announce(self, detection: Detection) -> None:
        self.counters.detections += 1
        key = detection.container.id if detection.container else detection.host.id
        await self._send(
            _Outgoing(topics.DETECTIONS, key.encode(), wire_detection.encode(detection), [("schema", b"1")])
        )

    async def _bury(self, record: Record, value: bytes, reason: str) -> None:
        self.counters.dead += 1
        headers = topics.dead_headers("stream", reason, topics.EVENTS, record.partition, record.offset)
        await self._send(_Outgoing(topics.DEAD, b"", value, headers))

    async def _send(self, outgoing: _Outgoing) -> None:
        """On its way at once; ``_flush`` sees to it that it arrives."""
        try:
            future = await self._producer.send(
                outgoing.topic, outgoing.value, key=outgoing.key, headers=outgoing.headers
            )
        except KafkaError:
            future = None
        self._sent.append((outgoing, future))

    async def _flush(self) -> None:
        """Wait until everything sent has been acknowledged; send again what was not."""
        while self._sent:
            failed = [outgoing for outgoing, future in self._sent if not await _arrived(future)]
            self._sent.clear()
            if failed:
                _log.warning("Kafka did not take %s records; sending them again", len(failed))
                await asyncio.sleep(_PAUSE)
            for outgoing in failed:
                await self._send(outgoing)

    async def _settle_all(self) -> None:
        await self._flush()
        for number, partition in self._partitions.items():
            if partition.unsettled:
                await self._settle(number, partition)

    async def _settle(self, number: int, partition: _Partition) -> None:
        hosts = partition.engine.hosts
        states = [hosts[host] for host in partition.touched]
        while True:
            try:
                await checkpoint.store(self._producer, number, partition.next, states)
            except KafkaError as error:
                _log.warning("Kafka did not take the state of partition %s (%s); again", number, error)
                await asyncio.sleep(_PAUSE)
            else:
                break
        for record in partition.unsettled:
            record.acknowledge()
        partition.unsettled.clear()
        partition.touched.clear()


async def _arrived(future: asyncio.Future[object] | None) -> bool:
    if future is None:
        return False
    try:
        await future
    except KafkaError:
        return False
    return True
