"""Watches as a collector does, as a process of its own, and says at its end what that took.

``python -m tracetide.overhead.watcher [--costs] [--everything | --rules PATH… --no-library]`` prints a line
when it watches, and a JSON object when SIGTERM ends it. Events are those that the rules need, or all that
``tracetide collect`` publishes; they are encoded and compressed as for Kafka, and then thrown away.
"""

import argparse
import asyncio
import json
import resource
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import zstandard

from collectors.kernel import KernelSource, libbpf
from rules.needs import needed
from tracetide.live import until_stopped
from tracetide.loading import load_rules
from wire import batch as wire_batch
from wire.batch import Batch
from wire.event import Loss, Snapshot

READY = "watching"


async def watch(found: dict[str, Any], source: KernelSource, *, costs: bool) -> None:
    """Fill ``found`` until cancelled: processor time in seconds, events, losses, run times of programs.

    ``unneeded`` are those that did not leave the kernel.
    """
    found |= {"seconds": 0.0, "events": Counter(), "lost": Counter(), "unneeded": {}, "programs": {}}
    compressor = zstandard.ZstdCompressor()
    began = None
    if costs:
        libbpf.count_run_time()
    before = Counter[str]()
    async for batch in source.batches():
        compressor.compress(wire_batch.encode(batch))
        if isinstance(batch.events[0], Snapshot):
            continue
        counts = source.counts()
        assert counts is not None  # noqa: S101  # there was a batch
        if began is None:
            before = counts.losses.unneeded
            began = _processor_time()
            print(READY, flush=True)  # noqa: T201  # whoever started this waits for it
        _count(batch, found)
        found["seconds"] = _processor_time() - began
        found["unneeded"] = counts.losses.unneeded - before
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
    parser = argparse.ArgumentParser(prog="watcher")
    parser.add_argument("--costs", action="store_true")
    parser.add_argument("--everything", action="store_true")
    parser.add_argument("--rules", action="append", default=[], type=Path)
    parser.add_argument("--no-library", action="store_true")
    options = parser.parse_args()
    source = KernelSource()
    if not options.everything:
        wanted = needed(load_rules(options.rules, library=not options.no_library))
        source.needs = lambda: wanted
    found: dict[str, Any] = {}
    asyncio.run(until_stopped(watch(found, source, costs=options.costs)))
    sys.stdout.write(json.dumps(found | {"resident": _resident()}) + "\n")


if __name__ == "__main__":
    main()
