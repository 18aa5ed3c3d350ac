"""Dead letters: what was refused for good, why, and where it came from; in Kafka or in one host's queue."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Protocol

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from sinks.contract import SinkError
from sinks.store import Store
from wire import topics

# Room for the largest dead letter.
_LARGEST = 8 << 20


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter without its content. ``sink`` is empty where it was no sink that refused it.

    Times are seconds since the epoch, 0 if they are not known. ``origin`` is where the record was first.
    """

    id: str
    stage: str
    reason: str
    origin: str
    size: int
    sink: str = ""
    attempts: int = 1
    first: float = 0.0
    last: float = 0.0


class Letters(Protocol):
    """Where dead letters are kept."""

    async def open(self) -> list[Letter]:
        """Those that nobody has dealt with, the oldest first."""

    async def content(self, letter: Letter) -> bytes | None:
        """The record as it was."""

    async def give_back(self, letter: Letter) -> None:
        """Send it to where it came from; raises ``SinkError`` where that cannot be."""

    async def close(self, letter: Letter, outcome: str) -> None:
        """It has been dealt with: ``open`` names it no more."""


@dataclass
class StoredLetters:
    """Those in the queue of ``tracetide run``."""

    store: Store
    _contents: dict[str, bytes] = field(default_factory=dict)

    async def open(self) -> list[Letter]:
        """See ``Letters``."""
        rows = await self.store.run(self.store.dead)
        self._contents = {str(row[0]): row[-1] for row in rows}
        return [
            Letter(str(number), f"run {sink}", reason, "this host", len(body), sink, attempts, first, last)
            for number, sink, reason, attempts, first, last, body in rows
        ]

    async def content(self, letter: Letter) -> bytes | None:
        """See ``Letters``."""
        return self._contents[letter.id]

    async def give_back(self, letter: Letter) -> None:
        """See ``Letters``: each of these is a sink's and is delivered again instead."""
        raise SinkError(f"letter {letter.id} has no topic to go back to")

    async def close(self, letter: Letter, outcome: str) -> None:  # the file keeps no history
        """See ``Letters``."""
        await self.store.run(self.store.forget, int(letter.id))


@dataclass
class KafkaLetters:
    """Those on the dead-letter topic. What became of one is a record there too: a topic forgets nothing."""

    bootstrap: str
    producer: AIOKafkaProducer
    consumer: AIOKafkaConsumer

    async def open(self) -> list[Letter]:
        """See ``Letters``."""
        found: dict[str, tuple[int, Letter]] = {}
        handled: set[str] = set()
        async for record in self._records():
            headers = {name: value.decode("utf-8", "replace") for name, value in record.headers}
            if headers.get("stage") == topics.HANDLED:
                handled.add(headers.get("letter", ""))
            else:
                found[_id(record)] = (record.timestamp, _letter(record, headers))
        return [letter for _, letter in sorted(found.values(), key=itemgetter(0)) if letter.id not in handled]

    async def content(self, letter: Letter) -> bytes | None:
        """See ``Letters``."""
        content: bytes | None = (await self._record(letter)).value
        return content

    async def give_back(self, letter: Letter) -> None:
        """See ``Letters``. Into its own partition: a host and its state stay together."""
        record = await self._record(letter)
        topic, partition, _ = letter.origin.rsplit(":", 2)
        headers = [(name, value) for name, value in record.headers if name == "schema"]
        await self.producer.send_and_wait(
            topic, record.value, key=record.key, partition=int(partition), headers=headers
        )

    async def close(self, letter: Letter, outcome: str) -> None:
        """See ``Letters``."""
        await self.producer.send_and_wait(
            topics.DEAD, key=letter.id.encode(), headers=topics.handled_headers(letter.id, outcome)
        )

    async def _records(self) -> AsyncIterator[ConsumerRecord]:
        """The whole topic up to its present end."""
        assigned = list(self.consumer.assignment())
        ends = await self.consumer.end_offsets(assigned)
        await self.consumer.seek_to_beginning(*assigned)
        while any([await self.consumer.position(each) < end for each, end in ends.items()]):
            for fetched in (await self.consumer.getmany(timeout_ms=500)).values():
                for record in fetched:
                    yield record

    async def _record(self, letter: Letter) -> ConsumerRecord:
        partition, offset = map(int, letter.id.split(":"))
        place = TopicPartition(topics.DEAD, partition)
        self.consumer.seek(place, offset)
        return await self.consumer.getone(place)


@asynccontextmanager
async def in_kafka(bootstrap: str) -> AsyncIterator[KafkaLetters]:
    """The dead letters of this Kafka; raises ``SinkError`` if it cannot be reached."""
    consumer = AIOKafkaConsumer(
        topics.DEAD,
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=_LARGEST,
    )
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", compression_type="zstd", max_request_size=_LARGEST
    )
    try:
        try:
            await asyncio.gather(consumer.start(), producer.start())
        except KafkaError as error:
            raise SinkError(f"Kafka at {bootstrap} cannot be reached: {error}") from error
        await _assigned(consumer, bootstrap)
        yield KafkaLetters(bootstrap, producer, consumer)
    finally:
        await consumer.stop()
        await producer.stop()


async def _assigned(consumer: AIOKafkaConsumer, bootstrap: str) -> None:
    """Wait until the client knows the partitions: a topic may be seconds old."""
    for _ in range(20):
        if consumer.assignment():
            return
        await asyncio.sleep(0.25)
    raise SinkError(f"Kafka at {bootstrap} has no topic {topics.DEAD}; run `tracetide setup kafka`")


def _id(record: ConsumerRecord) -> str:
    return f"{record.partition}:{record.offset}"


def _letter(record: ConsumerRecord, headers: dict[str, str]) -> Letter:
    stage = headers.get("stage", "?")
    return Letter(
        id=_id(record),
        stage=stage,
        reason=headers.get("reason", "?"),
        origin=":".join(headers.get(name, "?") for name in ("topic", "partition", "offset")),
        size=len(record.value or b""),
        sink=headers.get("sink") or stage.removeprefix("forward ") if stage.startswith("forward ") else "",
        attempts=int(headers.get("attempts", 1)),
        first=float(headers.get("first", 0)),
        last=float(headers.get("last", record.timestamp / 1000)),
    )
