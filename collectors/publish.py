"""Batches to Kafka: in order, each acknowledged by every in-sync replica before the next."""

import asyncio
import logging
from collections.abc import AsyncIterable
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from wire import batch as wire_batch
from wire import topics
from wire.batch import Batch

_log = logging.getLogger(__name__)

_PAUSE = 0.2
_LONGEST_PAUSE = 5.0


@dataclass
class Published:
    """What became of the batches so far. ``split`` counts those that were too large for one record."""

    batches: int = 0
    events: int = 0
    split: int = 0
    retries: int = 0


async def publish(
    batches: AsyncIterable[Batch],
    bootstrap: str,
    *,
    published: Published | None = None,
) -> None:
    """Publish until the source ends. While Kafka is away the batch in hand waits, and with it the source.

    One record at a time: a later batch must never overtake one that failed, because consumers take what
    comes late for a repetition. At up to 500 events a record that costs no throughput that matters.
    """
    counters = published or Published()
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        enable_idempotence=True,
        compression_type="zstd",
        max_request_size=8 * wire_batch.MAX_BYTES,
    )
    await _start(producer, bootstrap)
    try:
        async for batch in batches:
            await _deliver(producer, batch, counters)
    finally:
        await producer.stop()


async def _start(producer: AIOKafkaProducer, bootstrap: str) -> None:
    pause = _PAUSE
    while True:
        try:
            await producer.start()
        except KafkaError as error:
            _log.warning("Kafka at %s cannot be reached (%s); trying again", bootstrap, error)
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        else:
            return


async def _deliver(producer: AIOKafkaProducer, batch: Batch, counters: Published) -> None:
    pause = _PAUSE
    while True:
        try:
            await producer.send_and_wait(
                topics.EVENTS,
                wire_batch.encode(batch),
                key=batch.host.id.encode(),
                headers=topics.event_headers(
                    batch.schema, batch.host.id, batch.host.boot, batch.first, batch.last
                ),
            )
        except MessageSizeTooLargeError:
            counters.split += 1
            for half in _halves(batch):
                await _deliver(producer, half, counters)
            return
        except KafkaError as error:
            if counters.retries == 0 or pause == _PAUSE:
                _log.warning("Kafka does not take events (%s); they wait", error)
            counters.retries += 1
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
        else:
            counters.batches += 1
            counters.events += len(batch.events)
            return


def _halves(batch: Batch) -> list[Batch]:
    """The batch in two; their ranges meet, so that no gap is seen."""
    middle = len(batch.events) // 2
    cut = batch.events[middle].seq
    return [
        Batch(host=batch.host, first=batch.first, last=cut - 1, events=batch.events[:middle]),
        Batch(host=batch.host, first=cut, last=batch.last, events=batch.events[middle:]),
    ]
