"""What a stream worker remembers, kept in a compacted Kafka topic so that another can take over.

The topic has as many partitions as that of the events. A record's key is a host, its value the host's state;
the record with the empty key, written after all the others, holds the offset of the first event record that
is not in them. So whatever a worker's death cut short, everything before that offset is in the states.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import zstandard
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from stream.host import HostState, restore, save
from wire import topics


@dataclass
class Checkpoint:
    """The hosts of one partition, and the offset from which their events have to be read on."""

    next: int = 0
    hosts: dict[str, HostState] = field(default_factory=dict)


_NEXT = b""


async def load(bootstrap: str, partition: int) -> Checkpoint:
    """The newest state of every host of a partition of the events."""
    where = TopicPartition(topics.STATE, partition)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, max_partition_fetch_bytes=16 << 20
    )
    await consumer.start()
    try:
        consumer.assign([where])
        await consumer.seek_to_beginning(where)
        end = (await consumer.end_offsets([where]))[where]
        newest: dict[bytes, bytes] = {}
        while await consumer.position(where) < end:
            for record in (await consumer.getmany(where, timeout_ms=1000)).get(where, ()):
                newest[record.key] = record.value
    finally:
        await consumer.stop()
    following = int(newest.pop(_NEXT, b"0"))
    return Checkpoint(following, {key.decode(): _unpack(value) for key, value in newest.items()})


async def store(
    producer: AIOKafkaProducer, partition: int, following: int, states: Iterable[HostState]
) -> None:
    """Write down ``states``; after that a worker that takes over needs no event before ``following``."""
    written = [
        await producer.send(topics.STATE, _pack(state), key=state.id.encode(), partition=partition)
        for state in states
    ]
    for acknowledged in written:
        await acknowledged
    await producer.send_and_wait(topics.STATE, str(following).encode(), key=_NEXT, partition=partition)


def _pack(state: HostState) -> bytes:
    return zstandard.compress(save(state), 1)


def _unpack(data: bytes) -> HostState:
    return restore(zstandard.decompress(data))
