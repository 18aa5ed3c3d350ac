"""A recording over Kafka: through an empty consumer, and through a stream worker."""

import asyncio
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.broker import broker
from bench.table import Row
from collectors.publish import publish
from collectors.recording import RecordingSource
from tests.stream import fleet
from wire import topics
from wire.detection import decode


def rows(folder: Path) -> Iterator[Row]:
    """The recording that ``replay`` made, through a consumer that drops it and a worker that settles it."""
    with broker() as bootstrap:
        yield from asyncio.run(_measure(bootstrap, folder / "workload.jsonl.zst"))


async def _measure(bootstrap: str, recording: Path) -> list[Row]:
    began = time.perf_counter()
    source = RecordingSource(recording)
    await publish(source.batches(), bootstrap)
    events = sum(len(batch.events) for batch in source.read())
    sent = events / (time.perf_counter() - began)
    bare = events / await _empty_consumer(bootstrap)
    full = events / await _worker(bootstrap)
    return [
        Row("Kafka: publish a recording", sent, "events/s"),
        Row("Kafka: an empty consumer", bare, "events/s", 1.0),
        Row("Kafka + Faust: one worker, settled", full, "events/s", full / bare, "≥ 80,000 events/s"),
    ]


async def _empty_consumer(bootstrap: str) -> float:
    consumer = AIOKafkaConsumer(topics.EVENTS, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        ((partition, end),) = (await consumer.end_offsets(list(consumer.assignment()))).items()
        began = time.perf_counter()
        while await consumer.position(partition) < end:
            await consumer.getmany(timeout_ms=500)
        return time.perf_counter() - began
    finally:
        await consumer.stop()


async def _worker(bootstrap: str) -> float:
    """Seconds for all events, from how fast the detections followed each other while a worker read them."""
    group = uuid.uuid4().hex
    command = [sys.executable, "-m", "tracetide", "stream", "--kafka", bootstrap, "--group", group]
    process = subprocess.Popen(command)
    try:
        total = await _read_by(bootstrap, group)
    finally:
        process.terminate()
        process.wait()
    found = await fleet.records(bootstrap, topics.DETECTIONS)
    first, last = (decode(each.value).events[-1] for each in (found[0], found[-1]))
    seconds: float = (found[-1].timestamp - found[0].timestamp) / 1000
    return seconds * total / (last - first)


async def _read_by(bootstrap: str, group: str) -> int:
    """Wait until the group has committed everything; returns the number of the last event."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        partition = TopicPartition(topics.EVENTS, 0)
        consumer.assign([partition])
        end = (await consumer.end_offsets([partition]))[partition]
        while (await consumer.committed(partition) or 0) < end:
            await asyncio.sleep(0.1)
        consumer.seek(partition, end - 1)
        record = await consumer.getone()
        return int(dict(record.headers)["last"])
    finally:
        await consumer.stop()
