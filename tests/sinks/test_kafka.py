"""The Kafka sink against a real broker: every detection is a record in the shape that was asked for."""

import json
import uuid
from functools import reduce
from operator import getitem
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer

from sinks.contract import Delivered, Never, Retry, SinkError
from sinks.kafka import Settings, Shape, create
from tests.peers.kafka import create_topic
from tests.peers.server import free_port
from tests.sinks.samples import detection, detections

pytestmark = pytest.mark.kafka


async def records(bootstrap: str, topic: str, count: int) -> dict[str, Any]:
    """The first ``count`` values of a topic by their keys."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        found = [await consumer.getone() for _ in range(count)]
        return {record.key.decode(): json.loads(record.value) for record in found}
    finally:
        await consumer.stop()


@pytest.mark.parametrize(
    ("shape", "path"), [("tracetide", ["id"]), ("ecs", ["event", "id"]), ("ocsf", ["metadata", "uid"])]
)
async def test_records_have_the_id_as_key_and_the_shape_that_was_asked_for(
    kafka: str, shape: Shape, path: list[str]
) -> None:
    """Whoever reads the topic can tell duplicates apart by the key."""
    topic = f"alerts-{uuid.uuid4().hex[:8]}"
    await create_topic(kafka, topic)
    sink = create(Settings(servers=kafka, topic=topic, format=shape))
    await sink.check()
    assert await sink.deliver(detections(30)) == [Delivered()] * 30
    await sink.close()
    found = await records(kafka, topic, 30)
    assert set(found) == {one.id for one in detections(30)}
    for key, value in found.items():
        assert reduce(getitem, path, value) == key


async def test_a_record_that_is_too_large_is_refused_alone(kafka: str) -> None:
    """The topic's limit is the broker's; the others arrive."""
    topic = f"alerts-{uuid.uuid4().hex[:8]}"
    await create_topic(kafka, topic, max_message_bytes="10000")
    noise = "".join(uuid.uuid4().hex for _ in range(2000))
    sink = create(Settings(servers=kafka, topic=topic))
    assert await sink.deliver([detection(1)]) == [Delivered()]
    (outcome,) = await sink.deliver([detection(2, output=noise)])
    assert isinstance(outcome, Never)
    assert "too large for the topic" in outcome.reason
    assert await sink.deliver([detection(3)]) == [Delivered()]
    await sink.close()


async def test_a_kafka_that_is_not_there_is_waited_for() -> None:
    """Delivery is to be tried again, and the check says where it looked."""
    address = f"127.0.0.1:{free_port()}"
    sink = create(Settings(servers=address, topic="alerts", timeout=2))
    assert all(isinstance(outcome, Retry) for outcome in await sink.deliver(detections(2)))
    with pytest.raises(SinkError, match=address):
        await sink.check()
    await sink.close()
