"""``tracetide dead``: letters are listed, shown, and delivered after all, from a queue and from Kafka."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sinks.runner import Refusal
from sinks.store import Store
from tests.events import batch, execute
from tests.sinks.samples import detection
from tracetide.commands.dead import dead
from tracetide.kafka import create_topics
from wire import batch as wire_batch
from wire import detection as wire_detection
from wire import topics


def call(*arguments: object) -> Result:
    """Run the command as a user does."""
    return CliRunner().invoke(dead, [str(each) for each in arguments])


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A queue with two dead letters of the file sink, one of which no version can read."""
    path = tmp_path / "queue.sqlite"
    monkeypatch.setenv("TRACETIDE_JSONL_PATH", str(tmp_path / "found.jsonl"))
    monkeypatch.delenv("TRACETIDE_KAFKA", raising=False)

    async def fill() -> None:
        async with Store(path, ()) as store:
            for body in (wire_detection.encode(detection()), b'{"id": "\x1b[31m'):
                await store.run(store.bury, "jsonl", body, Refusal("odd", 3, 1.0, 2.0))

    asyncio.run(fill())
    return path


def test_letters_are_listed_with_reason_and_time(queue: Path) -> None:
    """For people a line each, for programs JSON."""
    listed = call("list", "--queue", queue)
    assert listed.exit_code == 0
    assert listed.stdout.splitlines()[0].split("\t")[:3] == ["1", "1970-01-01T00:00:02Z", "run jsonl"]
    (first, _) = json.loads(call("list", "--queue", queue, "--json").stdout)
    assert (first["sink"], first["reason"], first["attempts"]) == ("jsonl", "odd", 3)
    assert json.loads(call("list", "--queue", queue, "--json", "--sink", "webhook").stdout) == []


def test_a_letter_is_shown_whole_and_harmless(queue: Path) -> None:
    """What it holds is printed so that a terminal does not obey it."""
    assert detection().id in call("show", "1", "--queue", queue).stdout
    shown = call("show", "2", "--queue", queue).stdout
    assert "\x1b" not in shown
    assert r"\x1b[31m" in shown
    assert call("show", "77", "--queue", queue).exit_code == 1


def test_a_letter_is_delivered_after_all(queue: Path, tmp_path: Path) -> None:
    """What goes through is no dead letter any more; the rest stays, and the exit code says so."""
    replayed = call("replay", "--all", "--queue", queue)
    assert replayed.exit_code == 1
    assert "1\trun jsonl\tdelivered to jsonl" in replayed.stdout
    assert "2\trun jsonl\tstays: not a detection" in replayed.stdout
    assert wire_detection.decode((tmp_path / "found.jsonl").read_bytes()) == detection()
    assert [each["id"] for each in json.loads(call("list", "--queue", queue, "--json").stdout)] == ["2"]


def test_a_replay_needs_to_know_of_what(queue: Path) -> None:
    """Neither everything by accident nor nothing at all."""
    assert call("replay", "--queue", queue).exit_code == 2
    assert call("replay", "1", "--all", "--queue", queue).exit_code == 2


@pytest.mark.kafka
def test_letters_in_kafka_go_back_where_they_belong(
    kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sink's is delivered to that sink, a batch goes back to its partition, what nobody reads stays."""
    found = tmp_path / "found.jsonl"
    monkeypatch.setenv("TRACETIDE_JSONL_PATH", str(found))
    events = wire_batch.encode(batch(execute(1, 10, "sh")))
    letters = [
        (wire_detection.encode(detection()), topics.dead_headers(
            "forward jsonl", "odd", topics.DETECTIONS, 1, 5, sink="jsonl", attempts=2, first=1.5, last=2.5)),
        (events, topics.dead_headers("stream", "a batch of schema 2", topics.EVENTS, 2, 9)),
        (b"{}", topics.dead_headers("stream", "not an event batch", topics.EVENTS, 0, 3)),
    ]  # fmt: skip
    places = asyncio.run(_bury(kafka, letters))
    before = asyncio.run(_end(kafka, 2))
    replayed = call("replay", *places, "--kafka", kafka)
    said = dict(line.split("\t", 1) for line in replayed.stdout.splitlines())
    assert replayed.exit_code == 1
    assert said[places[0]] == "forward jsonl\tdelivered to jsonl"
    assert said[places[1]] == f"stream\tsent back to where it came from, {topics.EVENTS}:2"
    assert said[places[2]].startswith("stream\tstays: not an event batch")
    assert asyncio.run(_end(kafka, 2)) == before + 1
    assert wire_detection.decode(found.read_bytes()) == detection()
    listed = {each["id"]: each for each in json.loads(call("list", "--kafka", kafka, "--json").stdout)}
    assert set(places) & set(listed) == {places[2]}
    shown = call("show", places[2], "--kafka", kafka).stdout
    assert f"{topics.EVENTS}:0:3" in shown


async def _bury(bootstrap: str, letters: list[tuple[bytes, topics.Headers]]) -> list[str]:
    from aiokafka import AIOKafkaProducer  # noqa: PLC0415  # only where there is a Kafka

    await create_topics(bootstrap, partitions=3)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    try:
        sent = [
            await producer.send_and_wait(topics.DEAD, value, headers=headers) for value, headers in letters
        ]
        return [f"{place.partition}:{place.offset}" for place in sent]
    finally:
        await producer.stop()


async def _end(bootstrap: str, partition: int) -> int:
    from aiokafka import AIOKafkaConsumer, TopicPartition  # noqa: PLC0415  # the same

    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        place = TopicPartition(topics.EVENTS, partition)
        ends: dict[TopicPartition, int] = await consumer.end_offsets([place])
        return ends[place]
    finally:
        await consumer.stop()
