"""Batches of one, for destinations that cannot tell: a kill doubles at most one detection, and loses none.

The worst moment is chosen for each kill: a detection has arrived and is not acknowledged yet.
"""

import asyncio
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web

from sinks.store import Store
from tests.peers.otel import TOKEN, Otel
from tests.sinks.samples import detections
from tests.sinks.storm import PROGRAM, ROOT, Storm
from tests.sinks.test_forwarder import eventually, ids, nothing_left, prepare, send
from wire import detection as wire_detection

# After how many arrivals in all the process is killed, each time.
MOMENTS = (1, 2, 50, 51, 130)


@dataclass
class Receiver:
    """Counts what comes; at each of the moments it does not answer, and says so."""

    url: str = ""
    found: Counter[str] = field(default_factory=Counter)
    silent: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.BaseRequest) -> web.Response:
        """Take one detection."""
        self.found[request.headers["Idempotency-Key"]] += 1
        if self.found.total() in MOMENTS:
            self.silent.set()
            await asyncio.sleep(60)
        return web.Response()


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    """One that listens."""
    made = Receiver()
    runner = web.ServerRunner(web.Server(made.take), shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = site.name
    try:
        yield made
    finally:
        await runner.cleanup()


async def killed_at_each_moment(command: list[str], settings: Mapping[str, str], to: Receiver) -> None:
    """Run it as often as there are moments, each time until one has come."""
    for _ in MOMENTS:
        to.silent.clear()
        environment = {**os.environ, **settings, "PYTHONPATH": str(ROOT)}
        process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=subprocess.DEVNULL)
        try:
            async with asyncio.timeout(60):
                await to.silent.wait()
        finally:
            process.kill()
            await process.wait()


def judge(found: Counter[str], sent: set[str], kills: int) -> None:
    """All are there, and no more of them twice than there were kills."""
    assert set(found) == sent
    assert found.total() - len(found) == kills
    assert max(found.values()) <= 1 + kills


async def test_from_the_queue_of_this_host(tmp_path: Path) -> None:
    """Each kill of a process that delivers from its file doubles one; all are there."""
    path, sent = tmp_path / "queue.sqlite", detections(200)
    async with Store(path, ()) as store:
        await store.run(store.add, "webhook", map(wire_detection.encode, sent))
    command = [sys.executable, "-c", PROGRAM, str(path), "webhook", "1"]
    async with receiver() as to:
        settings = {"TRACETIDE_WEBHOOK_URL": to.url}
        await killed_at_each_moment(command, settings, to)
        last = await asyncio.create_subprocess_exec(
            *command, env={**os.environ, **settings, "PYTHONPATH": str(ROOT)}, stdout=subprocess.DEVNULL
        )
        assert await last.wait() == 0
    judge(to.found, ids(sent), len(MOMENTS))


@pytest.mark.slow
@pytest.mark.kafka
async def test_from_kafka(kafka: str) -> None:
    """Each kill of a forwarder doubles one; all are there."""
    sent = detections(200)
    await prepare(kafka, "webhook")
    await send(kafka, sent)
    command = [sys.executable, "-m", "tracetide", "forward", "webhook", "--kafka", kafka, "--batch", "1"]
    async with receiver() as to:
        settings = {"TRACETIDE_WEBHOOK_URL": to.url}
        await killed_at_each_moment(command, settings, to)
        last = await asyncio.create_subprocess_exec(
            *command, env={**os.environ, **settings, "PYTHONPATH": str(ROOT)}
        )
        await eventually(lambda: nothing_left(kafka, "webhook"))
        last.terminate()
        assert await last.wait() == 0
    judge(to.found, ids(sent), len(MOMENTS))


@pytest.mark.slow
async def test_to_a_splunk_that_acknowledges(otel: Otel, tmp_path: Path) -> None:
    """The collector of OpenTelemetry has each, and for each kill one twice at most."""
    sent = Storm(tmp_path / "queue.sqlite", "splunk", count=60, batch=1, rounds=8, longest=2.0)
    kills = await sent.rage({"TRACETIDE_SPLUNK_URL": otel.url, "TRACETIDE_SPLUNK_TOKEN": TOKEN})
    await asyncio.to_thread(otel.server.stop)
    named = re.compile(rb'"key":"detection_id","value":\{"stringValue":"([0-9a-f]{32})"')
    found = Counter(each.decode() for each in named.findall(otel.file.read_bytes()))
    assert set(found) == sent.ids()
    assert found.total() - len(found) <= kills
