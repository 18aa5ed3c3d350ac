"""Batches to Kafka: in order, each acknowledged by every in-sync replica before the next."""

import asyncio
import logging
from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from collectors.backlog import Backlog
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
    backlog: Backlog | None = None,
    published: Published | None = None,
    gaps: Callable[[], topics.Headers] = list,
) -> None:
    """Publish until the source ends. While Kafka is away, batches wait in the backlog and the source goes on.

    Without a backlog the source waits too, which suits one that can, such as a recording. When this is
    cancelled, what still waits is kept for the next run. ``gaps`` says at each record what is not collected.

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
    if backlog is None:
        await _publish(producer, batches, bootstrap, counters, gaps)
        return
    filling = asyncio.create_task(_fill(backlog, batches))
    publishing = asyncio.create_task(_publish(producer, backlog.batches(), bootstrap, counters, gaps))
    try:
        await asyncio.wait([filling, publishing], return_when=asyncio.FIRST_EXCEPTION)
        await asyncio.gather(filling, publishing)
    finally:
        for task in (filling, publishing):
            task.cancel()
        await asyncio.wait([filling, publishing])
        backlog.keep()


async def _fill(backlog: Backlog, batches: AsyncIterable[Batch]) -> None:
    async for batch in batches:
        backlog.put(batch)
    backlog.close()


async def _publish(
    producer: AIOKafkaProducer,
    batches: AsyncIterable[Batch],
    bootstrap: str,
    counters: Published,
    gaps: Callable[[], topics.Headers],
) -> None:
    try:
        await _start(producer, bootstrap)
        async for batch in batches:
            await _deliver(producer, batch, counters, gaps)
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


async def _deliver(
    producer: AIOKafkaProducer, batch: Batch, counters: Published, gaps: Callable[[], topics.Headers]
) -> None:
    pause = _PAUSE
    while True:
        try:
            await producer.send_and_wait(
                topics.EVENTS,
                wire_batch.encode(batch),
                key=batch.host.id.encode(),
                headers=[
                    *topics.event_headers(
                        batch.schema, batch.host.id, batch.host.boot, batch.first, batch.last
                    ),
                    *gaps(),
                ],
            )
        except MessageSizeTooLargeError:
            counters.split += 1
            for half in _halves(batch):
                await _deliver(producer, half, counters, gaps)
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
