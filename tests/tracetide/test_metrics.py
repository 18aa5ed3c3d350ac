"""What is counted, as Prometheus reads it, while the real things count."""

import json
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from collectors.backlog import Backlog
from collectors.kernel.losses import Counts, Losses
from sinks.counters import Counters
from stream.engine import Counters as EngineCounters
from tests.peers.server import free_port
from tests.tracetide.conftest import Call
from tracetide.errors import CommandError
from tracetide.metrics import Families, of_backlog, of_engine, of_kernel, of_sinks, served

COUNTS = Counts(
    Counter(openat=7),
    Counter(execve=1),
    Losses({"openat": [2, 3]}, Counter(fork=4), Counter(connect=5), 1_500_000_000),
)


def samples(text: str) -> dict[tuple[str, ...], float]:
    """Each sample by its name and the sorted values of its labels."""
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def scraped(*families: Families) -> dict[tuple[str, ...], float]:
    """What is told at an address while it is served."""
    port = free_port()
    async with served(str(port), *families), httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"http://127.0.0.1:{port}/metrics")
    return samples(answer.text)


async def test_what_became_of_the_kernels_events() -> None:
    """Delivered, lost in the buffer or over a rate, not needed, cut; how long there was no room."""
    assert await scraped(of_kernel(lambda: COUNTS)) == {
        ("tracetide_events_total", "openat"): 7,
        ("tracetide_events_lost_total", "openat", "ring"): 5,
        ("tracetide_events_lost_total", "fork", "rate"): 4,
        ("tracetide_events_unneeded_total", "connect"): 5,
        ("tracetide_events_truncated_total", "execve"): 1,
        ("tracetide_buffer_refusing_seconds_total",): 1.5,
    }
    assert await scraped(of_kernel(lambda: None)) == {}


async def test_what_waits_and_what_the_engine_and_sinks_did() -> None:
    """Each part by itself."""
    backlog = Backlog(shed=Counter(openat=3))
    engine = EngineCounters(events=10, detections=2, errors=Counter(Broken=1))
    sink = Counters(delivered=2, retries=1)
    found = await scraped(of_backlog(backlog), of_engine(engine), of_sinks(lambda: {"splunk": sink}))
    assert found["tracetide_events_shed_total", "openat"] == 3
    assert found["tracetide_spill_bytes",] == 0
    assert found["tracetide_detections_total",] == 2
    assert found["tracetide_rule_errors_total", "Broken"] == 1
    assert found["tracetide_sink_delivered_total", "splunk"] == 2
    assert found["tracetide_sink_oldest_undelivered_seconds", "splunk"] == 0


async def test_without_an_address_nobody_listens() -> None:
    """And nothing runs beside the work."""
    before = set(threading.enumerate())
    async with served(None):
        assert set(threading.enumerate()) == before


@pytest.mark.parametrize("address", ["port", "127.0.0.1:99999", "192.0.2.1:9000"])
async def test_an_address_that_cannot_be_had_is_told(address: str) -> None:
    """With the option to mend."""
    with pytest.raises(CommandError, match=f"--metrics {re.escape(address)}: cannot listen there"):
        async with served(address):
            pass


@pytest.mark.kernel
def test_a_running_collector_is_asked_by_the_doctor(kernel: None, call: Call, tmp_path: Path) -> None:
    """Its events are counted while it watches; nothing is listened at afterwards."""
    port = free_port()
    command = [sys.executable, "-m", "tracetide", "run", "--sink", "jsonl", "--metrics", str(port)]
    queue = ("--queue", str(tmp_path / "queue"), "--inventory", "none", "--seconds", "30")
    settings = {"TRACETIDE_JSONL_PATH": str(tmp_path / "found.jsonl"), "PATH": "/usr/bin:/bin"}
    with subprocess.Popen([*command, *queue], env=settings, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            assert any("watching this host" in line for line in process.stderr)
            subprocess.run(["/bin/true"], check=True)
            time.sleep(0.5)
            _, out, _ = call(
                "doctor", "--json", "--metrics", port, "--spill", tmp_path, "--inventory", "none"
            )
        finally:
            process.terminate()
    (told,) = [each for each in json.loads(out) if each["what"] == "collector"]
    assert re.match(r"[1-9][\d,]* events, ", told["state"])
    code, out, _ = call("doctor", "--metrics", port, "--spill", tmp_path, "--inventory", "none")
    assert code == 1
    assert "✗ collector: it does not answer" in out
