"""Alerts from Kafka into Elasticsearch by one forwarder, beside bare bulk requests; what a backlog costs."""

import asyncio
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import httpx
import orjson
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench.broker import broker
from bench.table import Row
from sinks.ecs import document
from sinks.elastic_setup import Keep, set_up
from sinks.elasticsearch import ElasticsearchSink, Settings
from tests.peers.java import libraries
from tests.peers.search import prepare_elasticsearch
from tests.peers.server import Server, free_port
from tests.sinks.samples import detection
from wire import detection as wire_detection
from wire import topics

# The backlog that waits: as many as a destination misses in two minutes at the live rate that is aimed at.
ALERTS = 60_000
LIVE = 500
BULK = 500

# Passes over half as many, after which a server is as fast as it gets.
WARMING = 12

_BARE = "logs-tracetide.alerts.bare"
_GROUP = "tracetide-forward-elasticsearch"


def rows(folder: Path) -> Iterator[Row]:
    """The bare loop first, on the same server and with the same documents."""
    with search() as server, broker() as bootstrap:
        url = f"http://127.0.0.1:{server.port}"
        asyncio.run(set_up(Settings(url=url), Keep()))
        bare, busy = _bare(url, server)
        yield Row("Elasticsearch: bare bulk requests of made documents", bare, "alerts/s", 1.0)
        yield Row("Elasticsearch: the same, per second of its processor time", busy, "alerts/s")
        nowhere = f"http://127.0.0.1:{free_port()}"
        idle = asyncio.run(_memory(bootstrap, nowhere))
        asyncio.run(_fill(bootstrap))
        waiting = asyncio.run(_memory(bootstrap, nowhere))
        yield Row("forward: memory with nothing to deliver", idle, "MiB", 1.0)
        yield Row(f"forward: memory while {ALERTS:,} wait", waiting, "MiB", waiting / idle, "≤ 2 × idle")
        full, own = asyncio.run(_forward(bootstrap, url))
        yield Row("forward: Kafka to Elasticsearch", full, "alerts/s", full / bare, "≥ 5,000 alerts/s")
        yield Row(
            "forward: the same, per second of its processor time", own, "alerts/s", goal="≥ 5,000 alerts/s"
        )
        live = full / LIVE
        yield Row(f"forward: catching up, in times a live rate of {LIVE}/s", live, "×", goal="≥ 10 ×")


@contextmanager
def search() -> Iterator[Server]:
    """An Elasticsearch that has nothing in it."""
    folder = Path(tempfile.mkdtemp())
    server = prepare_elasticsearch(libraries("elasticsearch"), folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


def _bare(url: str, server: Server) -> tuple[float, float]:
    """Alerts a second, and per second of the server's processor time, of a client that does nothing but post.

    It posts as many batches at once as the forwarder. Told is the last pass of several: a server that was
    just started compiles itself while it works, which takes more than the work.
    """
    now = datetime.now(UTC)
    bodies = []
    for first in range(1, ALERTS // 2, BULK):
        lines: list[bytes] = []
        for number in range(first, first + BULK):
            one = detection(number)
            lines += orjson.dumps({"create": {"_id": one.id}}), document(one, now)
        bodies.append(b"\n".join(lines) + b"\n")
    headers = {"Content-Type": "application/x-ndjson"}
    with (
        httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) as client,
        ThreadPoolExecutor(ElasticsearchSink.at_once) as threads,
    ):
        for _ in range(WARMING):
            began, busy = time.perf_counter(), _processor(server)
            list(threads.map(partial(_post, client), bodies))
            seconds, busy = time.perf_counter() - began, _processor(server) - busy
            client.delete(f"/{_BARE}").raise_for_status()
    posted = BULK * len(bodies)
    return posted / seconds, posted / busy


def _post(client: httpx.Client, body: bytes) -> None:
    answer = client.post(f"/{_BARE}/_bulk", params={"filter_path": "errors"}, content=body)
    answer.raise_for_status()


async def _fill(bootstrap: str) -> None:
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", compression_type="zstd", linger_ms=20
    )
    await producer.start()
    try:
        for number in range(1, ALERTS + 1):
            await producer.send(topics.DETECTIONS, wire_detection.encode(detection(number)))
        await producer.flush()
    finally:
        await producer.stop()


@contextmanager
def _forwarder(bootstrap: str, url: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "tracetide", "forward", "elasticsearch", "--kafka", bootstrap]
    with subprocess.Popen(command, env=os.environ | {"TRACETIDE_ELASTICSEARCH_URL": url}) as process:
        try:
            yield process
        finally:
            process.terminate()


def _processor(server: Server | subprocess.Popen[bytes]) -> float:
    """Seconds of processor time that a process has used (``utime`` and ``stime`` of proc(5))."""
    process = server.process if isinstance(server, Server) else server
    fields = Path(f"/proc/{process.pid if process else 'self'}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _memory(bootstrap: str, nowhere: str) -> float:
    """MiB of a forwarder whose destination has been away for some seconds."""
    with _forwarder(bootstrap, nowhere) as process:
        await asyncio.sleep(15)
        pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


async def _forward(bootstrap: str, url: str) -> tuple[float, float]:
    """Alerts a second, and per second of its processor time, between a forwarder's first commit and last."""
    partition = TopicPartition(topics.DETECTIONS, 0)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=_GROUP, enable_auto_commit=False)
    await consumer.start()
    try:
        consumer.assign([partition])
        with _forwarder(bootstrap, url) as process:
            while not (first := await consumer.committed(partition) or 0):
                await asyncio.sleep(0.02)
            began, busy = time.perf_counter(), _processor(process)
            while (await consumer.committed(partition) or 0) < ALERTS:
                await asyncio.sleep(0.2)  # seldom: the broker that is asked works for the forwarder too
            delivered = ALERTS - first
            return delivered / (time.perf_counter() - began), delivered / (_processor(process) - busy)
    finally:
        await consumer.stop()
