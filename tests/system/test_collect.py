"""A collector that is told the rules of the processors behind it, on the real kernel, into a real Kafka."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from collectors.kernel import why_not
from collectors.kernel.host import identify
from tests.peers.server import free_port
from tests.rules.files import rule
from tests.stream import fleet
from tests.system.test_fleet import started
from tracetide.kafka import create_topics
from wire import batch as wire_batch
from wire import topics
from wire.event import AnyEvent, Exec, Open

PATIENCE = 90.0


class Collector:
    """Asks a running collector what it counts, and reads its log."""

    def __init__(self, port: int, log: Path) -> None:
        self._url = f"http://127.0.0.1:{port}/metrics"
        self._log = log

    def opens(self) -> float:
        """How many openat have left the kernel."""
        text = httpx.get(self._url, trust_env=False, timeout=PATIENCE).raise_for_status().text
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        return sum(
            each.value
            for each in samples
            if each.name == "tracetide_events_total" and each.labels["type"] == "openat"
        )

    def has_opens(self, number: int = 20) -> None:
        """Wait until so many more have come."""
        before: list[float] = []

        def came() -> bool:
            before.append(self.opens())
            return before[-1] >= before[0] + number

        until(came)

    def opens_within(self, seconds: float) -> float:
        """How many come in this time."""
        before = self.opens()
        time.sleep(seconds)
        return self.opens() - before

    def takes_over(self, path: Path, text: str) -> None:
        """Change a rule file, and wait a second from when the log says that the rules are in use."""
        before = self._log.read_text().count("rules were loaded again")
        path.write_text(text)
        until(lambda: self._log.read_text().count("rules were loaded again") > before)
        time.sleep(1)


def until(holds: Callable[[], bool]) -> None:
    """Wait for what nobody announces."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            if holds():
                return
        except httpx.HTTPError:
            pass  # it does not listen yet, or is still busy with loading
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


@contextmanager
def opening(folder: Path) -> Iterator[int]:
    """A process that opens two files again and again; its number."""
    script = (
        "import os, sys, time\n"
        "while True:\n"
        "    for name in ('yes', 'no'):\n"
        "        os.close(os.open(f'{sys.argv[1]}/{name}', os.O_CREAT, 0o600))\n"
        "    time.sleep(0.01)\n"
    )
    process = subprocess.Popen([sys.executable, "-I", "-c", script, str(folder)])
    try:
        yield process.pid
    finally:
        process.kill()
        process.wait()


async def collected(bootstrap: str) -> list[AnyEvent]:
    """All events of this host in Kafka; other tests leave there those of other hosts, and what is none."""
    records = await fleet.records(bootstrap, topics.EVENTS)
    mine = [each.value or b"" for each in records if each.key == identify().id.encode()]
    return [event for value in mine for event in wire_batch.decode(value)[0].events]


@pytest.mark.kernel
@pytest.mark.kafka
async def test_only_what_the_rules_need_is_collected_while_they_change(kafka: str, tmp_path: Path) -> None:
    """Rules that need no opens, some and all: within a second of their change Kafka gets just that."""
    if reason := why_not():
        pytest.skip(reason)
    await create_topics(kafka, partitions=3)
    folder, rules, log = tmp_path / "files", tmp_path / "rules.yaml", tmp_path / "log"
    folder.mkdir()
    both = rule(f"evt.type=openat and fd.name startswith {folder}/", "Both")
    one = rule(f"evt.type=openat and fd.name={folder}/yes", "One")
    none = rule("evt.type=connect and fd.sport=1", "None")
    rules.write_text(both)
    port = free_port()
    options = ("--rules", str(rules), "--no-library", "--metrics", str(port), "--spill", str(tmp_path / "s"))
    with started(log, "collect", "--kafka", kafka, *options), opening(folder) as pid:
        collector = Collector(port, log)
        collector.has_opens()
        collector.takes_over(rules, none)
        assert collector.opens_within(1) == 0
        collector.takes_over(rules, one)
        narrowed = time.time_ns()
        collector.has_opens()
        widened = time.time_ns()
        collector.takes_over(rules, both)
        again = time.time_ns()
        collector.has_opens()
    events = await collected(kafka)
    opens = [event for event in events if isinstance(event, Open) and event.pid == pid]
    assert {Path(event.path).name for event in opens if event.time < narrowed} == {"yes", "no"}
    assert {Path(event.path).name for event in opens if narrowed < event.time < widened} == {"yes"}
    assert {Path(event.path).name for event in opens if event.time > again} == {"yes", "no"}
    assert [event.pid for event in events if isinstance(event, Exec)].count(pid) >= 1
