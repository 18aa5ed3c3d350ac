"""Batches to a real Kafka that goes away and comes back."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from collectors.backlog import Backlog
from collectors.publish import publish
from tests.events import batch, open_file
from tests.peers.server import Server
from tests.stream import fleet
from tracetide.kafka import create_topics
from wire import batch as wire_batch
from wire import topics
from wire.batch import Batch, Host

pytestmark = pytest.mark.kafka

# As many as a busy host gives in the time that a broker takes to come back.
NUMBER = 1500
PAUSE = 0.005


@pytest.fixture
async def bootstrap(kafka: str) -> str:
    """The broker, with the topics."""
    await create_topics(kafka, partitions=3)
    return kafka


@pytest.fixture
def batches() -> list[Batch]:
    """Batches of a host of its own."""
    name = uuid.uuid4().hex
    host = Host(id=name, name="web", boot=name)
    return [batch(open_file(seq, 5, f"/srv/{seq}"), host=host) for seq in range(1, NUMBER + 1)]


async def steadily(batches: list[Batch]) -> AsyncIterator[Batch]:
    """As a kernel gives them, which waits for nobody."""
    for each in batches:
        yield each
        await asyncio.sleep(PAUSE)


async def arrived(bootstrap: str, host: str) -> list[Batch]:
    """A host's batches in the topic; one that was sent again right away counts once."""
    records = await fleet.records(bootstrap, topics.EVENTS)
    found = [wire_batch.decode(each.value or b"")[0] for each in records]
    mine = [each for each in found if each.host.id == host]
    return [each for number, each in enumerate(mine) if number == 0 or each != mine[number - 1]]


async def test_a_broker_that_goes_away(
    bootstrap: str, broker: Server, batches: list[Batch], tmp_path: Path
) -> None:
    """What comes meanwhile waits in files, and then all of it arrives, in order."""
    if bootstrap != f"127.0.0.1:{broker.port}":
        pytest.skip("KAFKA_BOOTSTRAP names a broker that is not ours to stop")
    backlog = Backlog(tmp_path / "spill", memory=4)
    publishing = asyncio.create_task(publish(steadily(batches), bootstrap, backlog=backlog))
    await asyncio.sleep(1)
    broker.kill()
    await asyncio.sleep(3)
    waited = list((tmp_path / "spill").iterdir())
    broker.start()
    await publishing
    assert waited
    assert await arrived(bootstrap, batches[0].host.id) == batches
    assert list((tmp_path / "spill").iterdir()) == []


async def test_stopped_before_everything_is_out(bootstrap: str, batches: list[Batch], tmp_path: Path) -> None:
    """A run that is stopped keeps what waits; the next one delivers it before its own."""
    half = NUMBER // 2
    backlog = Backlog(tmp_path, memory=4)
    unreachable = asyncio.create_task(publish(steadily(batches[:half]), "127.0.0.1:9", backlog=backlog))
    await asyncio.sleep(half * PAUSE * 2)
    unreachable.cancel()
    with pytest.raises(asyncio.CancelledError):
        await unreachable
    await publish(steadily(batches[half:]), bootstrap, backlog=Backlog(tmp_path, memory=4))
    assert await arrived(bootstrap, batches[0].host.id) == batches
