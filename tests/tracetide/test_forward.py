"""``tracetide forward``: the condition chooses events; Kafka knows how far they have been delivered."""

import asyncio
import json
import os
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer

from rules import load_texts
from sinks.counters import Counters
from sinks.forwarder import forward
from stream import checkpoint
from stream.engine import Engine
from tests.events import batch, execute, fork, open_file
from tests.peers.kafka import empty_topic
from tests.sinks.samples import detection
from tests.sinks.scripted import ScriptedSink
from tests.sinks.test_forwarder import QUICK, eventually
from tracetide.errors import CommandError
from tracetide.kafka import create_topics
from tracetide.observing import observer
from wire import batch as wire_batch
from wire import detection as wire_detection
from wire import topics
from wire.batch import Batch, Host

NO_KAFKA = "127.0.0.1:1"


def test_a_condition_chooses_events_and_gives_them_their_surroundings() -> None:
    """Each with its process and ancestors and an id of its own; the same again when it is read again."""
    some = wire_batch.encode(
        batch(execute(1, 10, "bash"), fork(2, 11, 10), execute(3, 11, "cat"), open_file(4, 11, "/etc/shadow"))
    )
    found = observer("fd.name = /etc/shadow and proc.pname = bash", NO_KAFKA)(some)
    assert [(one.event["path"], one.events) for one in found] == [("/etc/shadow", [4])]
    assert found[0].process is not None
    assert (found[0].process.name, found[0].ancestors[0].name) == ("cat", "bash")
    assert [one.id for one in observer("fd.name = /etc/shadow", NO_KAFKA)(some)] == [found[0].id]
    assert observer("fd.name = /etc/shadow", NO_KAFKA)(b"no batch") == []


def test_a_wrong_condition_is_said() -> None:
    """With the name that does not exist."""
    with pytest.raises(CommandError, match=r"--events cannot be used\n.*fd\.nam"):
        observer("fd.nam = x", NO_KAFKA)


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
    await _send(kafka, 0, *map(wire_batch.encode, batches), b"no batch")
    for again in range(2):
        observe = observer(f"fd.name = {path}", kafka)
        task = asyncio.create_task(forward(sink, kafka, pace=QUICK, counters=counters, events=observe))
        await (eventually(lambda: counters.delivered == 50) if not again else asyncio.sleep(3))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert counters.delivered == 50
    assert len({one for call in sink.calls for one in call}) == 50


@pytest.mark.kafka
async def test_processes_that_began_before_are_known_from_the_stream(kafka: str) -> None:
    """As they were at the first event, though the stream has read further: later programs are not shown."""
    host = Host(id=uuid.uuid4().hex, name=uuid.uuid4().hex, boot=uuid.uuid4().hex)
    await create_topics(kafka, partitions=3)
    before = batch(execute(1, 10, "bash"), fork(2, 11, 10), execute(3, 11, "cat"), host=host)
    seen = batch(open_file(4, 11, "/etc/shadow"), host=host)
    after = batch(execute(5, 10, "later"), execute(6, 11, "changed"), host=host)
    await _keep(kafka, before, seen, after)
    observe = observer("fd.name = /etc/shadow", kafka)
    await observe.begin(1)
    (found,) = observe(wire_batch.encode(seen))
    assert (found.process and found.process.pid, [one.pid for one in found.ancestors]) == (11, [10])
    assert (found.process and found.process.name, found.ancestors[0].name) == (None, None)
    assert any(each.startswith("program and arguments") for each in found.missing)
    observe(wire_batch.encode(after))
    (again,) = observe(wire_batch.encode(batch(open_file(7, 11, "/etc/shadow"), host=host)))
    assert (again.process and again.process.name, again.ancestors[0].name) == ("changed", "later")

    await _keep(kafka, before)
    sink, counters = ScriptedSink(name=f"events-{uuid.uuid4().hex[:8]}"), Counters()
    await _send(kafka, 1, wire_batch.encode(seen))
    observe = observer(f"evt.hostname = {host.name} and proc.name = cat and proc.pname = bash", kafka)
    task = asyncio.create_task(forward(sink, kafka, pace=QUICK, counters=counters, events=observe))
    await eventually(lambda: counters.delivered == 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert sink.calls == [[found.id]]


async def _send(kafka: str, partition: int, *values: bytes, topic: str = topics.EVENTS) -> None:
    """Records of a topic."""
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all")
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait(topic, value, partition=partition)
    finally:
        await producer.stop()


async def _keep(kafka: str, *batches: Batch) -> None:
    """Let the stream have read these and no more."""
    engine = Engine(load_texts([]))
    for each in batches:
        engine.process(each)
    producer = AIOKafkaProducer(bootstrap_servers=kafka, acks="all")
    await producer.start()
    try:
        await checkpoint.store(producer, 1, 3, engine.hosts.values())
    finally:
        await producer.stop()


@pytest.mark.kafka
def test_a_program_is_told_what_became_of_the_detections(kafka: str, tmp_path: Path) -> None:
    """With --json the counters are an object on standard output."""
    asyncio.run(create_topics(kafka, partitions=3))
    asyncio.run(empty_topic(kafka, topics.DETECTIONS, 3))
    asyncio.run(_send(kafka, 0, wire_detection.encode(detection()), topic=topics.DETECTIONS))
    found = tmp_path / "found.jsonl"
    command = [sys.executable, "-m", "tracetide", "forward", "jsonl", "--kafka", kafka, "--json"]
    environment = os.environ | {"TRACETIDE_JSONL_PATH": str(found)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        for _ in range(600):
            if found.exists() and detection().id in found.read_text():
                break
            time.sleep(0.05)
        process.terminate()
        told = json.loads(process.communicate(timeout=30)[0])
    assert (told["sink"], told["dead"], told["shed"]) == ("jsonl", 0, 0)
    assert told["delivered"] == len(found.read_text().splitlines())
    assert told["latency_longest"] >= told["latency_mean"] > 0
