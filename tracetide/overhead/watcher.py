"""Watches as a collector does, as a process of its own, and says at its end what that took.

``python -m tracetide.overhead.watcher [--costs]`` prints a line when it watches, and a JSON object when
SIGTERM ends it. Events are encoded and compressed as for Kafka, and then thrown away.
"""

import asyncio
import json
import resource
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import zstandard

from collectors.kernel import libbpf
from tracetide.live import kernel_source, until_stopped
from wire import batch as wire_batch
from wire.batch import Batch
from wire.event import Loss, Snapshot

READY = "watching"


async def watch(found: dict[str, Any], *, costs: bool) -> None:
    """Fill ``found`` until cancelled: processor time in seconds, events, losses, run times of programs."""
    found |= {"seconds": 0.0, "events": Counter(), "lost": Counter(), "programs": {}}
    compressor = zstandard.ZstdCompressor()
    began = None
    if costs:
        libbpf.count_run_time()
    async for batch in kernel_source().batches():
        compressor.compress(wire_batch.encode(batch))
        if isinstance(batch.events[0], Snapshot):
            continue
        if began is None:
            began = _processor_time()
            print(READY, flush=True)  # noqa: T201  # whoever started this waits for it
        _count(batch, found)
        found["seconds"] = _processor_time() - began
        found["programs"] = libbpf.run_times() if costs else {}


def _count(batch: Batch, found: dict[str, Any]) -> None:
    for event in batch.events:
        if isinstance(event, Loss):
            found["lost"].update(event.counts)
        else:
            found["events"][event.type] += 1


def _processor_time() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _resident() -> float:
    """Megabytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def main() -> None:
    """Watch until SIGTERM."""
    found: dict[str, Any] = {}
    asyncio.run(until_stopped(watch(found, costs="--costs" in sys.argv)))
    sys.stdout.write(json.dumps(found | {"resident": _resident()}) + "\n")


if __name__ == "__main__":
    main()
