"""Bad networks and kills together: what was detected is at the destination, as often as the docs promise.

``TRACETIDE_FAULT_ROUNDS`` (kills) and ``TRACETIDE_FAULT_SEED`` make it longer and different;
``test_storm.py`` tries every destination, with many more detections.
"""

import uuid
from collections import Counter
from pathlib import Path

import pytest
from elasticsearch import AsyncElasticsearch

from tests.peers.faults import ALL, USUAL, faulty
from tests.peers.hec import TOKEN, HecPeer
from tests.peers.http import HttpPeer
from tests.sinks.storm import SEED, Storm

COUNT = 800


@pytest.mark.elasticsearch
async def test_elasticsearch_has_each_alert_once(elasticsearch: str, tmp_path: Path) -> None:
    """Connections break, answers are lost, the server is busy, the process is killed: none is missing."""
    index = f"logs-faults-{uuid.uuid4().hex[:8]}"
    storm = Storm(tmp_path / "queue.sqlite", "elasticsearch", COUNT)
    async with faulty(int(elasticsearch.rpartition(":")[2]), SEED) as faults:
        settings = {
            "TRACETIDE_ELASTICSEARCH_URL": f"http://127.0.0.1:{faults.port}",
            "TRACETIDE_ELASTICSEARCH_INDEX": index,
        }
        await storm.rage(settings)
    async with AsyncElasticsearch(elasticsearch) as client:
        await client.indices.refresh(index=f"{index}.*")
        hits = (await client.search(index=f"{index}.*", size=10_000, source=False))["hits"]["hits"]
        for month in await client.indices.get(index=f"{index}.*"):
            await client.indices.delete(index=month)
    assert Counter(hit["_id"] for hit in hits) == Counter(storm.ids()), SEED
    assert faults.happened.total() > faults.happened["none"]


async def test_splunk_has_each_alert_and_as_many_more_as_there_were_doubts(
    hec: HecPeer, tmp_path: Path
) -> None:
    """Splunk cannot tell duplicates apart: a kill, or an answer that is lost, may double a batch once."""
    storm = Storm(tmp_path / "queue.sqlite", "splunk", COUNT)
    hec.ack_after = 0.05
    chances = {**USUAL, "half": 8, "no_news": 20}
    async with faulty(int(hec.url.rpartition(":")[2]), SEED, chances) as faults:
        settings = {
            "TRACETIDE_SPLUNK_URL": f"http://127.0.0.1:{faults.port}",
            "TRACETIDE_SPLUNK_TOKEN": TOKEN,
            "TRACETIDE_SPLUNK_PATIENCE": "3",
        }
        kills = await storm.rage(settings)
    found = Counter(event["event"]["id"] for event in hec.index)
    assert set(found) == storm.ids(), SEED
    doubts = kills + faults.happened["lost"]
    assert found.total() - COUNT <= storm.batch * doubts
    assert max(found.values()) <= 1 + doubts
    assert faults.happened["no_news"] > 0


async def test_the_proxy_does_what_its_seed_says(http_peer: HttpPeer) -> None:
    """The same seed brings the same faults in the same order."""
    seen = []
    for _ in range(2):
        async with faulty(int(http_peer.url.rpartition(":")[2]), SEED, ALL) as faults:
            seen.append([faults._choose(b"POST /_bulk HTTP/1.1") for _ in range(200)])
            assert "half" not in {faults._choose(b"POST / HTTP/1.1") for _ in range(200)}
    assert seen[0] == seen[1]
    assert set(seen[0]) == set(ALL)
