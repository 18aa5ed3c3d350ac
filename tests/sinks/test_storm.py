"""Every destination under bad networks and kills at random: all ids arrive, and none twice but in doubt.

A doubt is a kill, or an answer that the destination gave and nobody heard: it may double one batch once,
where the destination cannot tell. ``TRACETIDE_STORM_COUNT`` says how many detections go to each;
``--log-cli-level=INFO`` shows what happened.
"""

import asyncio
import logging
import os
import re
import shutil
import ssl
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
import trustme
from aiohttp import web
from aiokafka import AIOKafkaConsumer, TopicPartition
from elasticsearch import AsyncElasticsearch
from elasticsearch.helpers import async_scan

from tests.peers.faults import ALL, Fault, faulty
from tests.peers.java import libraries
from tests.peers.kafka import create_topic, prepare
from tests.peers.otel import TOKEN, Otel
from tests.peers.relay import GENTLE, relayed
from tests.peers.rsyslog import Rsyslog
from tests.peers.server import free_port
from tests.sinks.storm import SEED, Storm

pytestmark = pytest.mark.slow  # each takes half a minute

_log = logging.getLogger(__name__)

COUNT = int(os.environ.get("TRACETIDE_STORM_COUNT", "10000"))


@dataclass(frozen=True)
class Certificates:
    """A server's certificate that the file ``authority`` vouches for, and one that nobody does."""

    authority: Path
    trusted: ssl.SSLContext
    stranger: ssl.SSLContext


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    """For localhost."""
    known, unknown = trustme.CA(), trustme.CA()
    known.cert_pem.write_to_path(str(tmp_path / "authority.pem"))
    contexts = []
    for authority in (known, unknown):
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("localhost").configure_cert(context)
        contexts.append(context)
    return Certificates(tmp_path / "authority.pem", *contexts)


def storm(folder: Path, sink: str, count: int = COUNT) -> Storm:
    """As many kills as ``ROUNDS`` says, spread over what the delivery takes about."""
    return Storm(folder / "queue.sqlite", sink, count, batch=500, longest=0.5 + COUNT / 5000)


def judge(
    sent: Storm, found: Mapping[str, int], doubts: int, happened: Mapping[Any, int], seconds: float
) -> None:
    """Nothing is missing, and nothing came more often than there were doubts."""
    twice = sum(found.values()) - len(found)
    _log.info(
        "%s: %d sent, %d present, %d more than once, %d doubts, %.0f s, %s",
        sent.sink, sent.count, len(found), twice, doubts, seconds, dict(happened),
    )  # fmt: skip
    missing, foreign = sent.ids() - set(found), set(found) - sent.ids()
    assert (len(missing), len(foreign)) == (0, 0), sent.seed
    assert twice <= sent.batch * doubts, sent.seed
    assert max(found.values()) <= 1 + doubts, sent.seed
    assert sum(happened.values()) > happened.get("none", 0)


@pytest.mark.elasticsearch
async def test_elasticsearch(elasticsearch: str, certificates: Certificates, tmp_path: Path) -> None:
    """Each alert is there exactly once, whatever happened."""
    index, sent = f"logs-storm-{uuid.uuid4().hex[:8]}", storm(tmp_path, "elasticsearch")
    began = time.monotonic()
    async with faulty(
        int(elasticsearch.rpartition(":")[2]),
        SEED,
        ALL,
        trusted=certificates.trusted,
        stranger=certificates.stranger,
    ) as faults:
        settings = {
            "TRACETIDE_ELASTICSEARCH_URL": f"https://localhost:{faults.port}",
            "TRACETIDE_ELASTICSEARCH_CA_CERTS": str(certificates.authority),
            "TRACETIDE_ELASTICSEARCH_INDEX": index,
        }
        await sent.rage(settings)
    seconds = time.monotonic() - began
    async with AsyncElasticsearch(elasticsearch, request_timeout=60) as client:
        await client.indices.refresh(index=f"{index}.*")
        found = Counter(
            [hit["_id"] async for hit in async_scan(client, index=f"{index}.*", size=5000, _source=False)]
        )
        for month in await client.indices.get(index=f"{index}.*"):
            await client.indices.delete(index=month)
    judge(sent, found, 0, faults.happened, seconds)


async def test_splunk(otel: Otel, certificates: Certificates, tmp_path: Path) -> None:
    """A collector that acknowledges has each alert, twice where nobody heard that it had it."""
    sent = storm(tmp_path, "splunk")
    chances: Mapping[Fault, int] = {**ALL, "no_news": 10}
    began = time.monotonic()
    async with faulty(
        otel.server.port, SEED, chances, trusted=certificates.trusted, stranger=certificates.stranger
    ) as faults:
        settings = {
            "TRACETIDE_SPLUNK_URL": f"https://localhost:{faults.port}",
            "TRACETIDE_SPLUNK_CA_CERTS": str(certificates.authority),
            "TRACETIDE_SPLUNK_TOKEN": TOKEN,
            "TRACETIDE_SPLUNK_PATIENCE": "2",
        }
        kills = await sent.rage(settings)
    seconds = time.monotonic() - began
    await asyncio.to_thread(otel.server.stop)
    named = re.compile(rb'"key":"detection_id","value":\{"stringValue":"([0-9a-f]{32})"')
    with otel.file.open("rb") as lines:
        found = Counter(each.decode() for line in lines for each in named.findall(line))
    judge(sent, found, kills + faults.happened["lost"], faults.happened, seconds)


async def test_webhook(certificates: Certificates, tmp_path: Path) -> None:
    """Each request is one alert: a doubt doubles those that were under way."""
    sent, found = storm(tmp_path, "webhook", COUNT // 4), Counter[str]()

    async def take(request: web.BaseRequest) -> web.Response:
        try:
            await request.read()
        except OSError:  # it was cut
            return web.Response(status=400)
        found[request.headers["Idempotency-Key"]] += 1
        return web.Response()

    # A request is one alert: fewer of them, and fewer faults, than where it is five hundred.
    chances: Mapping[Fault, int] = {**ALL, "none": 40 * sum(ALL.values())}
    runner, began = web.ServerRunner(web.Server(take)), time.monotonic()
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        async with faulty(
            int(site.name.rpartition(":")[2]),
            SEED,
            chances,
            trusted=certificates.trusted,
            stranger=certificates.stranger,
        ) as faults:
            settings = {
                "TRACETIDE_WEBHOOK_URL": f"https://localhost:{faults.port}/alerts",
                "TRACETIDE_WEBHOOK_CA_CERTS": str(certificates.authority),
            }
            kills = await sent.rage(settings)
    finally:
        await runner.cleanup()
    judge(sent, found, kills + faults.happened["lost"], faults.happened, time.monotonic() - began)


@pytest.mark.kafka
async def test_kafka(tmp_path: Path) -> None:
    """A broker behind a line that breaks has each alert, twice where its answer was lost."""
    sent, inner, outer = storm(tmp_path, "kafka"), free_port(), free_port()
    (tmp_path / "broker").mkdir()
    broker = prepare(libraries("kafka"), tmp_path / "broker", (inner, outer))
    await asyncio.to_thread(broker.start)
    try:
        await create_topic(f"127.0.0.1:{broker.port}", "alerts")
        began = time.monotonic()
        async with relayed(inner, SEED, port=outer) as relay:
            settings = {
                "TRACETIDE_KAFKA_SERVERS": f"127.0.0.1:{outer}",
                "TRACETIDE_KAFKA_TOPIC": "alerts",
                "TRACETIDE_KAFKA_TIMEOUT": "5",
            }
            kills = await sent.rage(settings)
        seconds = time.monotonic() - began
        found = await _keys(f"127.0.0.1:{broker.port}", "alerts")
    finally:
        broker.kill()
        shutil.rmtree(tmp_path / "broker", ignore_errors=True)
    doubts = kills + sum(relay.happened[each] for each in ("cut", "lost", "slow", "farewell"))
    judge(sent, found, doubts, relay.happened, seconds)


async def _keys(bootstrap: str, topic: str) -> Counter[str]:
    """How often each key is in the topic's one partition."""
    partition, found = TopicPartition(topic, 0), Counter[str]()
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        consumer.assign([partition])
        await consumer.seek_to_beginning(partition)
        end = (await consumer.end_offsets([partition]))[partition]
        while await consumer.position(partition) < end:
            for record in (await consumer.getmany(timeout_ms=1000)).get(partition, []):
                found[record.key.decode()] += 1
    finally:
        await consumer.stop()
    return found


async def test_syslog(rsyslog: Rsyslog, certificates: Certificates, tmp_path: Path) -> None:
    """A receiver that takes over what was sent has each alert, twice where it said goodbye meanwhile."""
    sent, strangers = storm(tmp_path, "syslog"), Counter[str]()

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        strangers["bytes"] += len(await reader.read())
        writer.close()

    stranger = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=certificates.stranger)
    elsewhere = stranger.sockets[0].getsockname()[1]
    began = time.monotonic()
    async with relayed(rsyslog.ports["tls"], SEED, GENTLE, elsewhere=elsewhere) as relay:
        settings = {
            "TRACETIDE_SYSLOG_HOST": "localhost",
            "TRACETIDE_SYSLOG_PORT": str(relay.port),
            "TRACETIDE_SYSLOG_CA_CERTS": str(rsyslog.folder / "ca.pem"),
        }
        kills = await sent.rage(settings)
    seconds = time.monotonic() - began
    stranger.close()
    await stranger.wait_closed()
    found = await asyncio.to_thread(_understood, rsyslog, sent)
    assert strangers["bytes"] == 0
    doubts = kills + relay.happened["farewell"] + relay.happened["slow"]
    judge(sent, found, doubts, relay.happened, seconds)


def _understood(rsyslog: Rsyslog, sent: Storm) -> Counter[str]:
    """How often each id was written down; a message that a kill tore is none."""
    file, found, size = rsyslog.folder / "found.jsonl", Counter[str](), -1
    while file.stat().st_size != size:  # it may still be writing
        size = file.stat().st_size
        time.sleep(1)
    with file.open("rb") as lines:
        for line in lines:
            try:
                found[orjson.loads(orjson.loads(line)["message"])["id"]] += 1
            except orjson.JSONDecodeError:
                _log.info("%s: torn by a kill: %s", sent.sink, line[-80:])
    return found
