"""The fleet's runtime on a real broker: nothing lost, nothing different from one process."""

import asyncio
import itertools
import json
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.structs import OffsetAndMetadata

import rules
from bench import workload
from stream.engine import Engine
from tests.events import batch, open_file
from tests.peers.server import Server
from tests.stream import fleet
from tracetide.kafka import create_topics
from wire import batch as wire_batch
from wire import detection as wire_detection
from wire import topics
from wire.batch import MAX_EVENTS, Batch, Host

pytestmark = pytest.mark.kafka

RULES = """
- rule: Health check
  desc: A health check runs wget.
  condition: evt.type in (execve, execveat) and proc.name = sh and proc.args contains healthz
  output: checked (cmd=%proc.cmdline parent=%proc.pname container=%container.id)
  priority: NOTICE
- rule: Cache written by a service's grandchild
  desc: One in sixteen files of the cache is written.
  condition: evt.type = openat and fd.name endswith 0.json and proc.aname = init and evt.rawres < 0
  output: written %fd.name by %proc.name
  priority: WARNING
"""


@pytest.fixture
async def bootstrap(kafka: str) -> str:
    """The broker, with the topics."""
    await create_topics(kafka, partitions=3)
    return kafka


@pytest.fixture
def rule_file(tmp_path: Path) -> Path:
    """Two rules that find something now and then."""
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return path


def recording(batches: int) -> list[Batch]:
    """Batches of a host of its own, so that tests on one broker do not see each other."""
    name = uuid.uuid4().hex
    host = Host(id=name, name="web", boot=name)
    events = workload.events()
    cut = [list(itertools.islice(events, MAX_EVENTS)) for _ in range(batches)]
    return [Batch(host=host, first=each[0].seq, last=each[-1].seq, events=each) for each in cut]


def locally(batches: list[Batch], rule_file: Path) -> list[bytes]:
    """What one process finds."""
    engine = Engine(rules.load([rule_file], library=False))
    return [wire_detection.encode(found) for each in batches for found in engine.process(each)]


def at_least(number: int) -> Callable[[list[bytes]], bool]:
    """Whether that many different detections were found."""
    return lambda found: len(set(found)) >= number


def ids(found: list[bytes]) -> list[str]:
    """The detections' ids."""
    return [json.loads(each)["id"] for each in found]


async def test_both_runtimes_find_the_same_bytes(bootstrap: str, rule_file: Path, tmp_path: Path) -> None:
    """One recording, alone and over Kafka: byte-identical detections."""
    batches = recording(20)
    expected = locally(batches, rule_file)
    with fleet.worker(bootstrap, batches[0].host.id, rule_file, tmp_path / "log"):
        await fleet.send(bootstrap, batches)
        found = await fleet.detections(bootstrap, batches[0].host.id, at_least(len(expected)))
    assert len(expected) > 50
    assert set(found) == set(expected)


async def test_a_killed_worker_loses_nothing(bootstrap: str, rule_file: Path, tmp_path: Path) -> None:
    """SIGKILL in the middle, twice: the ids are those of the undisturbed run."""
    batches = recording(1500)
    expected = locally(batches, rule_file)
    host = batches[0].host.id
    await fleet.send(bootstrap, batches)
    for share in (10, 3):
        with fleet.worker(bootstrap, host, rule_file, tmp_path / "log") as process:
            await fleet.detections(bootstrap, host, at_least(len(expected) // share))
            process.kill()
    before = ids(await fleet.detections(bootstrap, host, at_least(0)))
    assert len(set(before)) < len(expected), "the workers were killed too late to show anything"
    with fleet.worker(bootstrap, host, rule_file, tmp_path / "log"):
        found = await fleet.detections(bootstrap, host, at_least(len(expected)))
    assert set(ids(found)) == set(ids(expected))
    assert set(found) == set(expected)


async def test_poison_is_set_aside_and_the_next_record_processed(
    bootstrap: str, rule_file: Path, tmp_path: Path
) -> None:
    """Nothing that arrives stops the stream; each bad record is a dead letter with its reason."""
    batches = recording(2)
    good = wire_batch.encode(batches[0])
    bad_event = wire_batch.encode(batches[1]).replace(b'"comm":"service"', b'"comm":17', 1)
    host = batches[0].host.id
    other = b'{"schema":99,"host":{"id":"x","name":"x","boot":"x"},"first":1,"last":1,"events":[]}'
    poison = [good[: len(good) // 2], b"\xff\xfe", b"{}", b"[]", None, other]
    await fleet.send_raw(bootstrap, host.encode(), [*poison, good, bad_event])
    expected = locally(batches, rule_file)
    with fleet.worker(bootstrap, host, rule_file, tmp_path / "log"):
        found = await fleet.detections(bootstrap, host, at_least(len(expected)))
    assert set(found) == set(expected)
    everyone = await fleet.records(bootstrap, topics.DEAD)
    dead = [record for record in everyone if dict(record.headers)["stage"] == b"stream"]
    # A rebalance may have had a record processed twice; its dead letters are the same then.
    told = {(dict(record.headers)["offset"], dict(record.headers)["reason"].decode()) for record in dead}
    reasons = [reason for _, reason in told]
    assert len([reason for reason in reasons if "$.comm" in reason]) == 1
    assert len([reason for reason in reasons if "not an event batch" in reason]) == len(poison) - 1
    assert len([reason for reason in reasons if "schema 99" in reason]) == 1
    assert {dict(record.headers)["topic"].decode() for record in dead} == {topics.EVENTS}
    assert poison[1] in [record.value for record in dead]


async def test_offsets_committed_too_far_are_read_again(
    bootstrap: str, rule_file: Path, tmp_path: Path
) -> None:
    """If the commits run ahead of the state, the state is believed."""
    batches = recording(60)
    host, half = batches[0].host.id, 30
    expected = locally(batches, rule_file)
    await fleet.send(bootstrap, batches[:half])
    first = locally(batches[:half], rule_file)
    with fleet.worker(bootstrap, host, rule_file, tmp_path / "log"):
        await fleet.detections(bootstrap, host, lambda found: len(found) >= len(first))
    await fleet.send(bootstrap, batches[half:])
    await commit_to_the_end(bootstrap, host)
    await fleet.send(bootstrap, [after(batches[-1])])
    with fleet.worker(bootstrap, host, rule_file, tmp_path / "log"):
        found = await fleet.detections(bootstrap, host, at_least(len(expected)))
    assert set(ids(found)) == set(ids(expected))


async def test_a_second_worker_takes_over_partitions(bootstrap: str, rule_file: Path, tmp_path: Path) -> None:
    """One joins in the middle, the other is killed: every host's detections are complete."""
    hosts = [recording(150) for _ in range(6)]
    expected = {found for batches in hosts for found in locally(batches, rule_file)}
    group = hosts[0][0].host.id
    await asyncio.gather(*(fleet.send(bootstrap, batches) for batches in hosts))
    with fleet.worker(bootstrap, group, rule_file, tmp_path / "one") as one:
        await fleet.detections(bootstrap, group, at_least(1))
        with fleet.worker(bootstrap, group, rule_file, tmp_path / "two"):
            await asyncio.sleep(4)
            one.kill()
            found: set[bytes] = set()
            for batches in hosts:
                name = batches[0].host.id
                enough = len(locally(batches, rule_file))
                found.update(await fleet.detections(bootstrap, name, at_least(enough)))
    assert found == expected


async def test_a_broker_that_restarts_loses_nothing(
    bootstrap: str, broker: Server, rule_file: Path, tmp_path: Path
) -> None:
    """The collector's batches wait, the worker goes on where it was, and the detections are complete."""
    if bootstrap != f"127.0.0.1:{broker.port}":
        pytest.skip("KAFKA_BOOTSTRAP names a broker that is not ours to stop")
    batches = recording(300)
    host = batches[0].host.id
    expected = locally(batches, rule_file)
    with fleet.worker(bootstrap, host, rule_file, tmp_path / "log"):
        sending = asyncio.create_task(fleet.send(bootstrap, batches))
        await fleet.detections(bootstrap, host, at_least(1))
        # Not in a thread: the kernel ends the broker together with the thread that started it.
        broker.kill()
        await asyncio.sleep(3)
        broker.start()
        await sending
        found = await fleet.detections(bootstrap, host, at_least(len(expected)))
    assert set(found) == set(expected)


async def test_a_running_worker_takes_over_new_rules(bootstrap: str, rule_file: Path, tmp_path: Path) -> None:
    """Broken ones are refused; good ones judge what comes next, with all that is known of the processes."""
    batches = recording(60)
    host, half = batches[0].host.id, 30
    engine = Engine(rules.load([rule_file], library=False))
    expected = [wire_detection.encode(each) for batch in batches[:half] for each in engine.process(batch)]
    log = tmp_path / "log"
    with fleet.worker(bootstrap, host, rule_file, log):
        await fleet.send(bootstrap, batches[:half])
        await fleet.detections(bootstrap, host, at_least(len(expected)))
        rewrite(rule_file, "- rule: [")
        await said(log, "those before stay in use")
        rewrite(rule_file, RULES.replace("Health check", "Health checked"))
        await said(log, "1 added (Health checked); 1 removed (Health check)")
        engine.rules = rules.load([rule_file], library=False)
        expected += [
            wire_detection.encode(each) for batch in batches[half:] for each in engine.process(batch)
        ]
        await fleet.send(bootstrap, batches[half:])
        found = await fleet.detections(bootstrap, host, at_least(len(expected)))
    assert set(found) == set(expected)


def rewrite(file: Path, text: str) -> None:
    """As an editor that writes into the file."""
    file.write_text(text)


async def said(log: Path, text: str) -> None:
    """Wait until a worker has written something to its log."""
    async with asyncio.timeout(fleet.PATIENCE):
        while text not in written(log):  # noqa: ASYNC110  # another process writes it
            await asyncio.sleep(0.1)


def written(log: Path) -> str:
    """What is in a log by now."""
    return log.read_text()


def after(last: Batch) -> Batch:
    """One more batch of the same host, in which nothing is found."""
    return batch(open_file(last.last + 1, 5, "/nothing"), host=last.host)


async def commit_to_the_end(bootstrap: str, group: str) -> None:
    """Claim in the group's name that everything has been read."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(topics.EVENTS, number) for number in range(3)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        await consumer.commit({each: OffsetAndMetadata(ends[each], "") for each in partitions})
    finally:
        await consumer.stop()


async def test_a_worker_says_what_collectors_leave_out(
    bootstrap: str, rule_file: Path, tmp_path: Path
) -> None:
    """It comes with the records, and is about the rules that this worker has."""
    batches, log = recording(3), tmp_path / "log"
    with fleet.worker(bootstrap, batches[0].host.id, rule_file, log):
        await fleet.send(bootstrap, batches, topics.gap_headers({"execveat", "sendto"}, None))
        await fleet.detections(bootstrap, batches[0].host.id, at_least(len(set(locally(batches, rule_file)))))
    said = log.read_text()
    assert said.count("leave out execveat, which rules here can match (Health check)") == 1
