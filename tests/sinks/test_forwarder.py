"""Forwarding over a real Kafka: what was not acknowledged by a destination is there after every accident."""

import asyncio
import os
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from random import Random

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import CommitFailedError
from elasticsearch import AsyncElasticsearch
from hypothesis import given
from hypothesis import strategies as st

from sinks.contract import Delivered, Outcome, Retry, SinkError
from sinks.counters import Counters
from sinks.forwarder import Ledger, forward
from sinks.runner import Pace
from tests.peers.faults import faulty
from tests.peers.server import Server, free_port
from tests.sinks.samples import detection, detections
from tests.sinks.scripted import ScriptedSink
from tracetide.kafka import create_topics
from wire import detection as wire_detection
from wire import topics
from wire.detection import Detection

pytestmark = pytest.mark.kafka

QUICK = Pace(count=50, age=0.05, first_wait=0.05, longest_wait=0.2, timeout=5, grace=3)
PATIENCE = 60.0


async def prepare(bootstrap: str, sink: str) -> None:
    """Make the topics, and let the group of the sink begin at their ends."""
    await create_topics(bootstrap, partitions=3)
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=f"tracetide-forward-{sink}", enable_auto_commit=False
    )
    await consumer.start()
    try:
        consumer.assign(await partitions(bootstrap))
        await commit_to_the_end(consumer)
    finally:
        await consumer.stop()


async def commit_to_the_end(consumer: AIOKafkaConsumer) -> None:
    """As soon as the group has no members: a killed one is missed only after its session."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                await consumer.commit(await consumer.end_offsets(list(consumer.assignment())))
            except CommitFailedError:
                await asyncio.sleep(0.5)
            else:
                return


async def partitions(bootstrap: str) -> list[TopicPartition]:
    """The partitions of the topic of detections; one just made is not known everywhere at once."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        (described,) = await admin.describe_topics([topics.DETECTIONS])
        while not described["partitions"]:
            await asyncio.sleep(0.1)
            (described,) = await admin.describe_topics([topics.DETECTIONS])
    finally:
        await admin.close()
    return [TopicPartition(topics.DETECTIONS, each["partition"]) for each in described["partitions"]]


async def lag(bootstrap: str, sink: str) -> int:
    """How many records the group of the sink has not committed."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, group_id=f"tracetide-forward-{sink}", enable_auto_commit=False
    )
    await consumer.start()
    try:
        ends = await consumer.end_offsets(await partitions(bootstrap))
        return sum([end - (await consumer.committed(each) or 0) for each, end in ends.items()])
    finally:
        await consumer.stop()


async def send(bootstrap: str, values: Sequence[bytes | Detection | None]) -> list[tuple[int, int]]:
    """Put values on the topic of detections; partition and offset of each."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", linger_ms=5, max_request_size=2 << 20
    )
    await producer.start()
    try:
        encoded = [wire_detection.encode(one) if isinstance(one, Detection) else one for one in values]
        sent = [
            await producer.send(topics.DETECTIONS, one, key=str(n).encode()) for n, one in enumerate(encoded)
        ]
        return [(place.partition, place.offset) for place in await asyncio.gather(*sent)]
    finally:
        await producer.stop()


async def dead_letters(bootstrap: str, stage: str) -> list[ConsumerRecord]:
    """The dead letters of a stage."""
    consumer = AIOKafkaConsumer(topics.DEAD, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        ends = await consumer.end_offsets(list(consumer.assignment()))
        found: list[ConsumerRecord] = []
        while any([await consumer.position(each) < end for each, end in ends.items()]):
            for fetched in (await consumer.getmany(timeout_ms=500)).values():
                found += fetched
        return [record for record in found if ("stage", stage.encode()) in record.headers]
    finally:
        await consumer.stop()


async def eventually(true: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait until ``true`` is."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        said = true()
        if said if isinstance(said, bool) else await said:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("it never became true")


@asynccontextmanager
async def forwarding(
    sink: ScriptedSink, bootstrap: str, pace: Pace = QUICK
) -> AsyncIterator[tuple[asyncio.Task[None], Counters]]:
    """A forwarder in this process until the end of the block."""
    counters = Counters()
    task = asyncio.create_task(forward(sink, bootstrap, pace=pace, counters=counters))
    try:
        yield task, counters
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def named() -> ScriptedSink:
    """A sink with a group of its own."""
    return ScriptedSink(name=f"test-{uuid.uuid4().hex[:8]}")


def received(*sinks: ScriptedSink) -> set[str]:
    """The ids that sinks were given."""
    return {one for sink in sinks for call in sink.calls for one in call}


def ids(found: Sequence[Detection]) -> set[str]:
    """Their ids."""
    return {one.id for one in found}


async def test_everything_is_delivered_and_committed(kafka: str) -> None:
    """At the end nothing is left to read."""
    sink = named()
    await prepare(kafka, sink.name)
    await send(kafka, detections(500))
    async with forwarding(sink, kafka) as (_, counters):
        await eventually(lambda: counters.delivered == 500)
        await eventually(lambda: nothing_left(kafka, sink.name))
    assert received(sink) == ids(detections(500))


async def nothing_left(bootstrap: str, sink: str) -> bool:
    """Whether the group has committed everything."""
    return await lag(bootstrap, sink) == 0


@pytest.mark.parametrize(
    ("poison", "reason"),
    [
        (b'{"id": "x"', "truncated"),
        (b'{"id": 7}', "Expected `str`, got `int`"),
        (b"\xff\xfe\x00", "malformed"),
        (b'{"id": "\xff"}', "utf-8"),
        (b"[" * 100_000, "Expected `object`"),
        (b'{"event":' + b'{"a":' * 50_000, "recursion"),
        (b"x" * 1_900_000, "malformed"),
        (None, "without a value"),
    ],
    ids=["cut", "types", "binary", "utf8", "nested", "deep", "large", "tombstone"],
)
async def test_a_poison_record_is_buried_and_the_next_one_delivered(
    kafka: str, poison: bytes | None, reason: str
) -> None:
    """The dead letter is the record as it was, with its place and what was wrong with it."""
    sink = named()
    await prepare(kafka, sink.name)
    places = await send(kafka, [detection(1), poison, detection(2)])
    async with forwarding(sink, kafka) as (_, counters):
        await eventually(lambda: counters.delivered == 2 and counters.dead == 1)
        await eventually(lambda: nothing_left(kafka, sink.name))
    (letter,) = await dead_letters(kafka, f"forward {sink.name}")
    headers = dict(letter.headers)
    assert letter.value == poison
    assert reason in headers["reason"].decode()
    assert headers["topic"].decode() == topics.DETECTIONS
    assert (headers["sink"].decode(), headers["attempts"]) == (sink.name, b"1")
    assert time.time() - 60 < float(headers["first"]) <= float(headers["last"]) <= time.time()
    assert (int(headers["partition"]), int(headers["offset"])) == places[1]


async def test_what_is_not_acknowledged_is_not_committed(kafka: str) -> None:
    """A destination that is down holds the offsets; the next forwarder delivers what this one could not."""
    down, up = named(), named()
    up.name = down.name

    async def refuse(given: Sequence[Detection]) -> Sequence[Outcome]:
        return [Delivered() if one.id == detection(1).id else Retry("down") for one in given]

    down.script.extend([refuse] * 1000)
    await prepare(kafka, down.name)
    await send(kafka, detections(100))
    async with forwarding(down, kafka) as (_, counters):
        await eventually(lambda: counters.retries > 300)
        assert await lag(kafka, down.name) >= 99
    async with forwarding(up, kafka):
        await eventually(lambda: nothing_left(kafka, up.name))
    assert received(up) >= ids(detections(100)) - {detection(1).id}


async def test_a_destination_that_comes_back_gets_everything(kafka: str) -> None:
    """While it is down the partitions are paused and one detection asks; then all of them arrive."""
    sink = named()

    async def refuse(given: Sequence[Detection]) -> Sequence[Outcome]:
        return [Retry("down")] * len(given)

    sink.script.extend([refuse] * 12)
    await prepare(kafka, sink.name)
    await send(kafka, detections(400))
    async with forwarding(sink, kafka) as (_, counters):
        await eventually(lambda: counters.delivered == 400)
        await eventually(lambda: nothing_left(kafka, sink.name))
    assert [len(call) for call in sink.calls[5:12]] == [1] * 7
    assert received(sink) == ids(detections(400))


async def test_partitions_change_hands_without_loss(kafka: str) -> None:
    """Forwarders that come and go share the partitions; every detection reaches one of them."""
    first, second = named(), named()
    second.name = first.name
    await prepare(kafka, first.name)
    sent = 0

    async def send_more(count: int) -> None:
        nonlocal sent
        await send(kafka, detections(sent + count)[sent:])
        sent += count

    async with forwarding(first, kafka):
        await send_more(300)
        async with forwarding(second, kafka):
            while not received(second):
                await send_more(50)
                await asyncio.sleep(0.05)
        await send_more(300)
        await eventually(lambda: nothing_left(kafka, first.name))
    assert received(first, second) == ids(detections(sent))
    assert sum(len(call) for sink in (first, second) for call in sink.calls) < 1.5 * sent


async def test_a_broker_that_restarts_loses_nothing(broker: Server) -> None:
    """Killed and started in the middle of the stream, it finds the forwarder still there."""
    bootstrap, sink = f"127.0.0.1:{broker.port}", named()
    await prepare(bootstrap, sink.name)
    await send(bootstrap, detections(500))
    async with forwarding(sink, bootstrap):
        await eventually(lambda: len(received(sink)) > 0)
        broker.kill()
        await asyncio.sleep(0.5)
        broker.start()
        await send(bootstrap, detections(1000)[500:])
        await eventually(lambda: received(sink) == ids(detections(1000)))
        await eventually(lambda: nothing_left(bootstrap, sink.name))


async def test_a_kafka_that_is_not_there_is_said() -> None:
    """A wrong address is a sentence."""
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(SinkError, match=f"Kafka at {address} cannot be reached"):
        await forward(named(), address)


@contextmanager
def forwarder(
    sink: str, bootstrap: str, environment: dict[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """``tracetide forward`` as a process of its own, killed at the end of the block."""
    command = [sys.executable, "-m", "tracetide", "forward", sink, "--kafka", bootstrap]
    with log.open("ab") as output:
        process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def test_a_forwarder_that_is_told_to_stop_commits_what_it_delivered(kafka: str, tmp_path: Path) -> None:
    """SIGTERM ends it soon and well, and the next one has nothing to repeat."""
    found = tmp_path / "found.jsonl"
    await prepare(kafka, "jsonl")
    await send(kafka, detections(700))
    with forwarder("jsonl", kafka, {"TRACETIDE_JSONL_PATH": str(found)}, tmp_path / "log") as process:
        await eventually(lambda: found.exists() and found.read_bytes().count(b"\n") >= 500)
        process.terminate()
        assert await asyncio.to_thread(process.wait, 15) == 0
    lines = found.read_bytes().splitlines()
    assert await lag(kafka, "jsonl") == 700 - len(lines)
    assert len({wire_detection.decode(line).id for line in lines}) == len(lines)


@pytest.mark.elasticsearch
async def test_a_forwarder_that_is_killed_loses_and_doubles_nothing(
    kafka: str, elasticsearch: str, tmp_path: Path
) -> None:
    """Killed twice in the middle of 5,000 detections, on a bad network: in the end each is there once."""
    index = f"logs-test-{uuid.uuid4().hex[:8]}"
    await prepare(kafka, "elasticsearch")
    sent = detections(5_000)
    await send(kafka, sent)

    async with (
        AsyncElasticsearch(elasticsearch) as client,
        faulty(int(elasticsearch.rpartition(":")[2]), seed=1) as faults,
    ):
        environment = {
            "TRACETIDE_ELASTICSEARCH_URL": f"http://127.0.0.1:{faults.port}",
            "TRACETIDE_ELASTICSEARCH_INDEX": index,
        }

        async def count() -> int:
            await client.indices.refresh(index=f"{index}.*")
            answer = await client.count(index=f"{index}.*")
            return int(answer["count"])

        for enough in (500, 2000):
            with forwarder("elasticsearch", kafka, environment, tmp_path / "log"):
                await eventually(partial(reached, count, enough))
            assert await count() < 5_000
        with forwarder("elasticsearch", kafka, environment, tmp_path / "log"):
            await eventually(lambda: nothing_left(kafka, "elasticsearch"))
        assert await count() == 5_000
        found: set[str] = set()
        for month in await client.indices.get(index=f"{index}.*"):
            hits = await client.search(index=month, size=10_000, source=False)
            found |= {hit["_id"] for hit in hits["hits"]["hits"]}
            await client.indices.delete(index=month)
    assert found == ids(sent)


async def reached(count: Callable[[], Awaitable[int]], enough: int) -> bool:
    """Whether there are enough."""
    return await count() >= enough


@given(
    offsets=st.lists(st.integers(0, 50), unique=True).map(sorted),
    order=st.randoms(use_true_random=False),
    settled=st.integers(0, 50),
)
def test_the_position_is_the_first_that_is_not_settled(
    offsets: list[int], order: Random, settled: int
) -> None:
    """In whatever order offsets are settled: everything before the position is, the one at it is not."""
    ledger = Ledger()
    for offset in offsets:
        ledger.take(offset)
    done = order.sample(offsets, min(settled, len(offsets)))
    for offset in done:
        ledger.settle(offset)
    left = [offset for offset in offsets if offset not in done]
    before = [offset for offset in offsets if not left or offset < left[0]]
    assert ledger.position == (before[-1] + 1 if before else None)
