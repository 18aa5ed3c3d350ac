"""What a running command counts, for Prometheus and everything else that reads its format.

To add something: a function that gives families, and its call where a command serves them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tracetide.errors import CommandError

if TYPE_CHECKING:
    from collectors.backlog import Backlog
    from collectors.kernel.losses import Counts
    from sinks.counters import Counters as SinkCounters
    from stream.engine import Counters as EngineCounters

_PATIENCE = 5.0

Families = Callable[[], Iterable[Metric]]


@asynccontextmanager
async def served(address: str | None, *families: Families) -> AsyncIterator[None]:
    """Answer at ``[HOST:]PORT``, by default on loopback, while the block runs; without an address nowhere."""
    if address is None:
        yield
        return
    host, _, port = address.rpartition(":")
    registry = CollectorRegistry()
    registry.register(_Asked(asyncio.get_running_loop(), families))
    try:
        server, thread = start_http_server(int(port), host or "127.0.0.1", registry)
    except (OSError, ValueError, OverflowError) as error:
        raise CommandError(f"--metrics {address}: cannot listen there ({error}); name a free port") from error
    try:
        yield
    finally:
        await asyncio.to_thread(server.shutdown)
        server.server_close()
        thread.join()


class _Asked(Collector):
    """Asks in the loop that does the work, so that nothing is read while it changes."""

    def __init__(self, loop: asyncio.AbstractEventLoop, families: Sequence[Families]) -> None:
        self._loop = loop
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """All families, as they are now."""
        return asyncio.run_coroutine_threadsafe(self._all(), self._loop).result(_PATIENCE)

    def describe(self) -> Iterable[Metric]:
        """Nothing: the families are known when they are asked for."""
        return ()

    async def _all(self) -> list[Metric]:
        return [family for families in self._families for family in families()]


def _counts(name: str, meaning: str, labels: Mapping[Any, float], *names: str) -> Metric:
    """A family of counters; ``labels`` are tuples with a value for each of ``names``."""
    family = CounterMetricFamily(f"tracetide_{name}", meaning, labels=names)
    for values, count in labels.items():
        family.add_metric(values, count)
    return family


def of_kernel(count: Callable[[], Counts | None]) -> Families:
    """What became of the kernel's events, by type."""

    def families() -> Iterator[Metric]:
        counts = count()
        if counts is None:
            return
        losses = counts.losses
        lost = {("ring", name): float(sum(cpus)) for name, cpus in losses.full.items()}
        lost |= {("rate", name): float(number) for name, number in losses.limited.items()}
        delivered = {(name,): float(number) for name, number in counts.delivered.items()}
        unneeded = {(name,): float(number) for name, number in losses.unneeded.items()}
        truncated = {(name,): float(number) for name, number in counts.truncated.items()}
        yield _counts("events", "Events that left the kernel.", delivered, "type")
        yield _counts("events_lost", "Events lost to a full buffer or over a rate.", lost, "where", "type")
        yield _counts("events_unneeded", "Events that no rule needs, left out.", unneeded, "type")
        yield _counts("events_truncated", "Events of which a part is missing.", truncated, "type")
        yield _counts(
            "buffer_refusing_seconds",
            "How long the kernel's buffer had no room for some events.",
            {(): losses.refusing / 1e9},
        )

    return families


def of_backlog(backlog: Backlog) -> Families:
    """What waits for Kafka, and what was shed because it could not."""

    def families() -> Iterator[Metric]:
        shed = {(name,): float(number) for name, number in backlog.shed.items()}
        yield _counts("events_shed", "Events that found no room while Kafka was away.", shed, "type")
        yield GaugeMetricFamily("tracetide_spill_bytes", "Bytes on disk that wait for Kafka.", backlog.stored)

    return families


def of_engine(counters: EngineCounters) -> Families:
    """What went through the engine."""

    def families() -> Iterator[Metric]:
        errors = {(name,): float(number) for name, number in counters.errors.items()}
        yield _counts("engine_events", "Events that rules were asked about.", {(): float(counters.events)})
        yield _counts("detections", "Detections.", {(): float(counters.detections)})
        yield _counts("rule_errors", "Exceptions in rules.", errors, "rule")

    return families


def of_sinks(counters: Callable[[], Mapping[str, SinkCounters]]) -> Families:
    """What became of the detections, by sink."""

    def families() -> Iterator[Metric]:
        now = time.time()
        found = {name: each.as_json(now) for name, each in counters().items()}
        for name, meaning in _OF_SINKS.items():
            values = {(sink,): float(each[name] or 0) for sink, each in found.items()}
            yield _counts(f"sink_{name}", meaning, values, "sink")
        for name, meaning in _GAUGES_OF_SINKS.items():
            family = GaugeMetricFamily(f"tracetide_sink_{name}_seconds", meaning, labels=("sink",))
            for sink, each in found.items():
                family.add_metric((sink,), each[name] or 0.0)
            yield family

    return families


_OF_SINKS = {
    "delivered": "Detections that the destination acknowledged.",
    "duplicates": "Detections that the destination had already.",
    "retries": "Detections that had to be tried again.",
    "dead": "Detections that the destination refuses for good.",
    "shed": "Detections that a full queue could not take.",
}
_GAUGES_OF_SINKS = {
    "latency_mean": "Time from the queue to the acknowledgement.",
    "latency_longest": "The longest of those times.",
    "oldest_undelivered": "Age of the oldest event that is on its way.",
}
