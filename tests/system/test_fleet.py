"""The whole fleet: a recording over Kafka into a search server, with kills on the way."""

import asyncio
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import AsyncElasticsearch

from collectors.kernel import why_not
from tests.stream import fleet
from tests.stream.test_fleet import RULES, ids, locally, recording
from tracetide.demo.container import Workshop, run_once
from tracetide.kafka import create_topics
from wire import topics

pytestmark = [pytest.mark.kafka, pytest.mark.elasticsearch]

PATIENCE = 90.0
INDEX = "logs-tracetide.alerts*"


async def test_kills_on_the_way_change_nothing_in_the_search_server(
    kafka: str, elasticsearch: str, tmp_path: Path
) -> None:
    """Worker and forwarder are killed in the middle: the ids there are those of the undisturbed run."""
    await create_topics(kafka, partitions=3)
    rule_file = tmp_path / "rules.yaml"
    rule_file.write_text(RULES)
    batches = recording(800)
    host = batches[0].host.id
    expected = set(ids(locally(batches, rule_file)))
    await fleet.send(kafka, batches)
    with fleet.worker(kafka, host, rule_file, tmp_path / "stream.log") as worker:
        await fleet.detections(kafka, host, lambda found: len(found) > len(expected) // 4)
        worker.kill()
    forward = ("forward", "elasticsearch", "--kafka", kafka)
    with fleet.worker(kafka, host, rule_file, tmp_path / "stream.log"):
        with started(tmp_path / "forward.log", *forward, elasticsearch=elasticsearch) as forwarder:
            await stored(elasticsearch, host, len(expected) // 2)
            forwarder.kill()
        with started(tmp_path / "forward.log", *forward, elasticsearch=elasticsearch):
            there = await stored(elasticsearch, host, len(expected))
    assert len(there) == len(set(there)), "one was stored twice"
    assert set(there) == expected


@pytest.mark.kernel
@pytest.mark.containers
async def test_an_attack_in_a_container_becomes_an_alert_in_the_search_server(
    kafka: str, elasticsearch: str, containers: Workshop, tmp_path: Path
) -> None:
    """From the kernel through all parts of a fleet: the alert names program, container and rule."""
    if reason := why_not():
        pytest.skip(reason)
    await create_topics(kafka, partitions=3)
    log = tmp_path / "log"
    with (
        started(log, "collect", "--kafka", kafka),
        started(log, "stream", "--kafka", kafka, "--group", uuid.uuid4().hex),
        started(log, "forward", "elasticsearch", "--kafka", kafka, elasticsearch=elasticsearch),
    ):
        await collecting(kafka)
        name = f"dropped-{uuid.uuid4().hex[:6]}"
        run_once(containers, "/bin/sh", "-c", f"cp /bin/busybox /tmp/{name} && /tmp/{name} true; exit 0")
        alert = await alert_of(elasticsearch, name, "Dropped program run in a container")
    assert alert["process"]["executable"] == f"/tmp/{name}"
    assert alert["process"]["parent"]["name"] == "sh"
    assert len(alert["container"]["id"]) == 64
    assert alert["event"]["kind"] == "alert"


async def collecting(kafka: str) -> None:
    """Wait until a collector's first batches are in Kafka."""
    deadline = time.monotonic() + PATIENCE
    before = len(await fleet.records(kafka, topics.EVENTS))
    while len(await fleet.records(kafka, topics.EVENTS)) == before:
        assert time.monotonic() < deadline, "the collector publishes nothing"
        await asyncio.sleep(0.2)


async def alert_of(url: str, program: str, rule: str) -> dict[str, Any]:
    """The alert of a rule about a program, whether the index splits the names of rules into words or not."""
    deadline = time.monotonic() + PATIENCE
    client = AsyncElasticsearch(url)
    query = {"match_phrase": {"message": program}}
    try:
        while True:
            await client.indices.refresh(index=INDEX, ignore_unavailable=True)
            answer = await client.search(index=INDEX, query=query, ignore_unavailable=True)
            found: list[dict[str, Any]] = [hit["_source"] for hit in answer["hits"]["hits"]]
            of_rule = [alert for alert in found if alert["rule"]["name"] == rule]
            if of_rule:
                return of_rule[0]
            others = [alert["rule"]["name"] for alert in found]
            assert time.monotonic() < deadline, f"the alert never arrived, only {others}"
            await asyncio.sleep(0.5)
    finally:
        await client.close()


@contextmanager
def started(log: Path, *arguments: str, elasticsearch: str = "") -> Iterator[subprocess.Popen[bytes]]:
    """A command of tracetide as a process of its own, until the end of the block."""
    environment = os.environ | {"TRACETIDE_ELASTICSEARCH_URL": elasticsearch}
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tracetide", *arguments], stdout=output, stderr=output, env=environment
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def stored(url: str, host: str, enough: int) -> list[str]:
    """The ids of a host's alerts in the server, as soon as there are ``enough`` or patience ends."""
    client = AsyncElasticsearch(url)
    deadline = time.monotonic() + PATIENCE
    try:
        while True:
            found = await _search(client, host)
            if len(found) >= enough or time.monotonic() > deadline:
                return found
            await asyncio.sleep(0.5)
    finally:
        await client.close()


async def _search(client: AsyncElasticsearch, host: str) -> list[str]:
    await client.indices.refresh(index=INDEX, ignore_unavailable=True)
    query = {"match_phrase": {"host.id": host}}
    answer = await client.search(index=INDEX, query=query, size=10_000, source=False, ignore_unavailable=True)
    return [hit["_id"] for hit in answer["hits"]["hits"]]
