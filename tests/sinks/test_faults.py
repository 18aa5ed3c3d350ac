"""Bad networks and kills together: what was detected is at the destination, as often as the docs promise.

``TRACETIDE_FAULT_ROUNDS`` (kills) and ``TRACETIDE_FAULT_SEED`` make it longer and different.
"""

import asyncio
import os
import subprocess
import sys
import time
import uuid
from collections import Counter
from pathlib import Path
from random import Random

import pytest
from elasticsearch import AsyncElasticsearch

from sinks.store import Store
from tests.peers.faults import USUAL, faulty
from tests.peers.hec import TOKEN, HecPeer
from tests.peers.http import HttpPeer
from tests.sinks.samples import detections
from wire import detection as wire_detection

ROOT = Path(__file__).parent.parent.parent
ROUNDS = int(os.environ.get("TRACETIDE_FAULT_ROUNDS", "3"))
SEED = int(os.environ.get("TRACETIDE_FAULT_SEED", "20261125"))
COUNT = 800

# What `tracetide run` does with its queue, without a kernel to watch; ends when nothing waits.
PROGRAM = """
import asyncio, sys
from pathlib import Path
from sinks import open_sink
from sinks.embedded import delivering
from sinks.runner import Pace
from sinks.store import Store

async def main(path, name):
    sink = open_sink(name)
    pace = Pace(count=100, age=0.05, first_wait=0.05, longest_wait=0.3, timeout=20)
    async with Store(path, [name]) as store:
        async with delivering([sink], None, pace, store) as deliver:
            print("started", flush=True)
    await sink.close()
    print(deliver.runners[0].counters)

asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
"""


async def fill(path: Path, sink: str) -> None:
    """Put detections into a queue."""
    async with Store(path, ()) as store:
        await store.run(store.add, sink, [wire_detection.encode(one) for one in detections(COUNT)])


async def deliver_with_kills(path: Path, sink: str, settings: dict[str, str], random: Random) -> int:
    """Start and kill the program ``ROUNDS`` times at random, then let it finish; how many kills hit."""
    hits = 0
    for number in range(ROUNDS + 1):
        last = number == ROUNDS
        wait = None if last else random.uniform(0.05, 0.8)
        code = await asyncio.to_thread(_run, [str(path), sink], settings, wait)
        hits += code != 0
        assert not last or code == 0
    return hits


def _run(arguments: list[str], settings: dict[str, str], wait: float | None) -> int:
    """Its exit code; killed ``wait`` seconds after it began to deliver."""
    environment = os.environ | settings | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", PROGRAM, *arguments]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"started\n"
        if wait is not None:
            time.sleep(wait)
            process.kill()
        return process.wait(120)


@pytest.mark.elasticsearch
async def test_elasticsearch_has_each_alert_once(elasticsearch: str, tmp_path: Path) -> None:
    """Connections break, answers are lost, the server is busy, the process is killed: none is missing."""
    index = f"logs-faults-{uuid.uuid4().hex[:8]}"
    path = tmp_path / "queue.sqlite"
    await fill(path, "elasticsearch")
    async with faulty(int(elasticsearch.rpartition(":")[2]), SEED) as faults:
        settings = {
            "TRACETIDE_ELASTICSEARCH_URL": f"http://127.0.0.1:{faults.port}",
            "TRACETIDE_ELASTICSEARCH_INDEX": index,
        }
        await deliver_with_kills(path, "elasticsearch", settings, Random(SEED))  # noqa: S311  # seeded
    async with AsyncElasticsearch(elasticsearch) as client:
        await client.indices.refresh(index=f"{index}.*")
        hits = (await client.search(index=f"{index}.*", size=10_000, source=False))["hits"]["hits"]
        for month in await client.indices.get(index=f"{index}.*"):
            await client.indices.delete(index=month)
    assert Counter(hit["_id"] for hit in hits) == Counter(one.id for one in detections(COUNT)), SEED
    assert faults.happened.total() > faults.happened["none"]


async def test_splunk_has_each_alert_and_as_many_more_as_there_were_doubts(
    hec: HecPeer, tmp_path: Path
) -> None:
    """Splunk cannot tell duplicates apart: a kill, or an answer that is lost, may double a batch once."""
    path = tmp_path / "queue.sqlite"
    hec.ack_after = 0.05
    await fill(path, "splunk")
    chances = {**USUAL, "no_news": 20}
    async with faulty(int(hec.url.rpartition(":")[2]), SEED, chances) as faults:
        settings = {
            "TRACETIDE_SPLUNK_URL": f"http://127.0.0.1:{faults.port}",
            "TRACETIDE_SPLUNK_TOKEN": TOKEN,
        }
        kills = await deliver_with_kills(path, "splunk", settings, Random(SEED))  # noqa: S311  # seeded
    found = Counter(event["event"]["id"] for event in hec.index)
    assert set(found) == {one.id for one in detections(COUNT)}, SEED
    doubts = kills + faults.happened["lost"]
    assert found.total() - COUNT <= 100 * doubts
    assert max(found.values()) <= 1 + doubts
    assert faults.happened["no_news"] > 0


async def test_the_proxy_does_what_its_seed_says(http_peer: HttpPeer) -> None:
    """The same seed brings the same faults in the same order."""
    seen = []
    for _ in range(2):
        async with faulty(int(http_peer.url.rpartition(":")[2]), SEED) as faults:
            seen.append([faults._choose(b"POST / HTTP/1.1") for _ in range(200)])
    assert seen[0] == seen[1]
    assert set(seen[0]) == set(USUAL)
