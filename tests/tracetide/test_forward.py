"""``tracetide forward``: the condition chooses events; Kafka knows how far they have been delivered."""

import asyncio
import uuid

import pytest
from aiokafka import AIOKafkaProducer

from sinks.counters import Counters
from sinks.forwarder import forward
from tests.events import batch, execute, fork, open_file
from tests.sinks.scripted import ScriptedSink
from tests.sinks.test_forwarder import QUICK, eventually
from tracetide.commands.forward import observer
from tracetide.errors import CommandError
from tracetide.kafka import create_topics
from wire import batch as wire_batch
from wire import topics
from wire.batch import Host


def test_a_condition_chooses_events_and_gives_them_their_surroundings() -> None:
    """Each with its process and ancestors and an id of its own; the same again when it is read again."""
    some = wire_batch.encode(
        batch(execute(1, 10, "bash"), fork(2, 11, 10), execute(3, 11, "cat"), open_file(4, 11, "/etc/shadow"))
    )
    found = observer("fd.name = /etc/shadow and proc.pname = bash")(some)
    assert [(one.event["path"], one.events) for one in found] == [("/etc/shadow", [4])]
    assert found[0].process is not None
    assert (found[0].process.name, found[0].ancestors[0].name) == ("cat", "bash")
    assert [one.id for one in observer("fd.name = /etc/shadow")(some)] == [found[0].id]
    assert observer("fd.name = /etc/shadow")(b"no batch") == []


def test_a_wrong_condition_is_said() -> None:
    """With the name that does not exist."""
    with pytest.raises(CommandError, match=r"--events cannot be used\n.*fd\.nam"):
        observer("fd.nam = x")


@pytest.mark.kafka
async def test_events_are_delivered_and_committed_batch_by_batch(kafka: str) -> None:
    """A record counts when all that was chosen of it is delivered, or nothing of it is wanted."""
    sink, counters = ScriptedSink(name=f"events-{uuid.uuid4().hex[:8]}"), Counters()
    path = f"/{uuid.uuid4().hex}"
    await create_topics(kafka, partitions=3)
    host = Host(id=path, name="web-1", boot=path)  # other tests leave events of theirs in the topic
    batches = [
        batch(
            *(open_file(seq, 10, path if seq % 2 else "/other") for seq in range(first, first + 10)),
            host=host,
        )
        for first in range(1, 101, 10)
    ]
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all")
    await producer.start()
    try:
        for one in [*map(wire_batch.encode, batches), b"no batch"]:
            await producer.send_and_wait(topics.EVENTS, one, partition=0)
    finally:
        await producer.stop()
    for again in range(2):
        observe = observer(f"fd.name = {path}")
        task = asyncio.create_task(forward(sink, kafka, pace=QUICK, counters=counters, events=observe))
        await (eventually(lambda: counters.delivered == 50) if not again else asyncio.sleep(3))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert counters.delivered == 50
    assert len({one for call in sink.calls for one in call}) == 50
