"""A stream worker as a process of its own, and what it left in Kafka."""

import asyncio
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord

from collectors.publish import publish
from wire import topics
from wire.batch import Batch

PATIENCE = 60.0


@contextmanager
def worker(bootstrap: str, group: str, rules: Path, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """``tracetide stream`` until the end of the block; killed if it does not end by itself."""
    command = [sys.executable, "-m", "tracetide", "stream"]
    options = ["--kafka", bootstrap, "--group", group, "--rules", str(rules), "--no-library"]
    with log.open("ab") as output:
        process = subprocess.Popen([*command, *options], stdout=output, stderr=output)
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


async def send(bootstrap: str, batches: list[Batch], gaps: topics.Headers | None = None) -> None:
    """Publish as a collector does that leaves this out."""

    async def source() -> AsyncIterator[Batch]:
        for batch in batches:
            yield batch

    await publish(source(), bootstrap, gaps=lambda: gaps or [])


async def send_raw(bootstrap: str, key: bytes, values: list[bytes | None]) -> None:
    """Records that no collector of ours would write."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, max_request_size=2 << 20)
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait(topics.EVENTS, value, key=key)
    finally:
        await producer.stop()


async def records(bootstrap: str, topic: str) -> list[ConsumerRecord]:
    """Everything that is in a topic now."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        ends = await consumer.end_offsets(list(consumer.assignment()))
        found: list[ConsumerRecord] = []
        while any([await consumer.position(each) < end for each, end in ends.items()]):
            for fetched in (await consumer.getmany(timeout_ms=500)).values():
                found += fetched
        return found
    finally:
        await consumer.stop()


async def detections(bootstrap: str, host: str, enough: Callable[[list[bytes]], bool]) -> list[bytes]:
    """A host's detections in the order of the topic, when there are ``enough`` or patience ends."""
    deadline = time.monotonic() + PATIENCE
    mark = f'"host":{{"id":"{host}"'.encode()
    while True:
        values = [each.value or b"" for each in await records(bootstrap, topics.DETECTIONS)]
        found = [value for value in values if mark in value]
        if enough(found) or time.monotonic() > deadline:
            return found
        await asyncio.sleep(0.3)
