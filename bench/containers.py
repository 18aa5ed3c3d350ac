"""Containers that come and go, four a second: whether every event is attributed, and what memory it takes.

``TRACETIDE_BENCH_SECONDS`` says for how long: 20 by default, and 600 for ten minutes.
"""

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from bench.table import Row
from collectors.inventory import DescribedSource, Sources
from collectors.inventory.settings import Where
from collectors.kernel import KernelSource, why_not
from stream import tree
from stream.tree import Tree
from tests.peers.engines import IMAGE, Engine, podman_engine
from wire.batch import Batch
from wire.cgroup import containers
from wire.event import Container, Exec, Loss

SECONDS = float(os.environ.get("TRACETIDE_BENCH_SECONDS", "20"))
RATE = 4


@dataclass
class _Seen:
    """Events by control group: how many, and of how many the engine knew the container's name."""

    tree: Tree = field(default_factory=Tree)
    events: dict[int, int] = field(default_factory=dict)
    named: dict[int, int] = field(default_factory=dict)
    paths: dict[int, str] = field(default_factory=dict)
    lost: int = 0
    undescribed: Counter[str] = field(default_factory=Counter)

    def take(self, batch: Batch) -> None:
        """What the engine does with a batch, without the rules."""
        for event in batch.events:
            process = tree.apply(self.tree, event)
            if isinstance(event, Loss):
                self.lost += sum(event.counts.values())
            if isinstance(event, Container) and event.why:
                self.undescribed[event.why] += 1
            if event.cgroup is None or event.type == "container":
                continue
            self.events[event.cgroup] = self.events.get(event.cgroup, 0) + 1
            if process.container.about.name:
                self.named[event.cgroup] = self.named.get(event.cgroup, 0) + 1
            if isinstance(event, Exec) and event.cgroup_path:
                self.paths[event.cgroup] = event.cgroup_path

    def totals(self) -> tuple[int, int, int]:
        """Containers of podman's that were seen, their events, and those attributed."""
        named = {group: containers(path)[-1:] for group, path in self.paths.items()}
        inside = [group for group, found in named.items() if any(each.runtime == "podman" for each in found)]
        ids = {named[group][0].id for group in inside}
        events = sum(self.events.get(group, 0) for group in inside)
        return len(ids), events, sum(self.named.get(group, 0) for group in inside)


def rows(_folder: Path) -> Iterator[Row]:
    """With podman, which does not need a network; nothing if it cannot be had."""
    if reason := why_not():
        print(reason, file=sys.stderr)
        return
    try:
        with podman_engine() as engine:
            seen, started, early, late = asyncio.run(_watch(engine))
    except pytest.skip.Exception as skipped:
        print(skipped, file=sys.stderr)
        return
    found, events, named = seen.totals()
    yield Row("containers: started", started, "in all", started / SECONDS / RATE, f"{RATE} a second")
    yield Row("containers: seen", found, "in all", found / max(started, 1))
    yield Row("containers: events in them", events, "events")
    yield Row("containers: events attributed", 100 * named / max(events, 1), "%", None, "100 %")
    yield Row("containers: events lost", seen.lost, "events", None, "0")
    for why, times in seen.undescribed.items():
        yield Row(f"containers: not described ({why})", times, "times", None, "0")
    yield Row("containers: still remembered", len(seen.tree.places.containers), "in all")
    yield Row("containers: memory after a third of the time", early, "MB")
    yield Row("containers: memory at the end", late, "MB", late / early, "flat")


async def _watch(engine: Engine) -> tuple[_Seen, int, float, float]:
    source = DescribedSource(KernelSource(), Sources(Where({"podman": (str(engine.socket),)})))
    seen, early = _Seen(), 0.0
    batches = cast("Any", source.batches())
    async with aclosing(batches):
        seen.take(await anext(batches))
        churn = asyncio.create_task(asyncio.to_thread(_churn, engine))
        began = time.monotonic()
        ended = None
        async for batch in batches:
            seen.take(batch)
            now = time.monotonic()
            if not early and now - began > SECONDS / 3:
                early = _resident()
            if churn.done() and ended is None:
                ended = now
            if ended is not None and now - ended > 1:
                break
    return seen, await churn, early, _resident()


def _churn(engine: Engine) -> int:
    """Start containers at a steady rate; how many did run."""
    turn = time.monotonic()
    end = turn + SECONDS
    with ThreadPoolExecutor(8) as threads:
        runs = []
        while turn < end:
            runs.append(threads.submit(_run, engine))
            turn += 1 / RATE
            time.sleep(max(0.0, turn - time.monotonic()))
        return sum(run.result() for run in runs)


def _run(engine: Engine) -> bool:
    command = [*engine.command, "run", "--rm", "--network", "none", IMAGE, "/bin/true"]
    done = subprocess.run(command, env=os.environ | engine.environment, capture_output=True, check=False)
    return done.returncode == 0


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
