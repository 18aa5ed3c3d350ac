"""Fifty thousand events a second for a minute: is each delivered or counted, and what does it take.

``TRACETIDE_BENCH_SECONDS`` says for how long instead.
"""

import os
import platform
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from bench import watching
from bench.table import Row
from collectors.kernel import why_not
from tracetide.overhead.pairs import watcher

SECONDS = int(os.environ.get("TRACETIDE_BENCH_SECONDS", "60"))
RATE = 50_000
_PRODUCERS = 4
# Seconds in which what is still in the buffer is read, also by a collector that gets little of a processor.
_DRAIN = 5.0

_PROCESSES = ("fork", "execve", "procexit")


def rows(folder: Path) -> Iterator[Row]:
    """Opens that fail, which nobody else makes meanwhile, and some programs a second beside them."""
    if (reason := why_not()) or platform.machine() != "x86_64":
        print(reason or "only x86-64 has creat, which nobody else uses meanwhile", file=sys.stderr)
        return
    loops = watching.loops(folder)
    command = [str(loops), "create", str(RATE // _PRODUCERS), str(SECONDS)]
    with watcher("--everything") as said:
        producers = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(_PRODUCERS)]
        ran = 0
        while any(producer.poll() is None for producer in producers):
            subprocess.run([str(loops), "run", "10"], check=True, stdout=subprocess.DEVNULL)
            ran += 11
        produced = sum(int(producer.communicate()[0]) for producer in producers)
        time.sleep(_DRAIN)
    events, lost = Counter(said["events"]), Counter(said["lost"])
    delivered = events["creat"]
    yield Row("flood: produced", produced / SECONDS, "events/s", None, f"{RATE}")
    yield Row("flood: delivered", 100 * delivered / produced, "%")
    yield Row("flood: counted as lost", 100 * lost["creat"] / produced, "%")
    yield Row("flood: neither", produced - delivered - lost["creat"], "events", None, "0")
    yield Row("flood: programs run beside it", ran, "")
    yield Row("flood: events of processes lost", sum(lost[each] for each in _PROCESSES), "events", None, "0")
    yield Row("flood: resident memory", said["resident"], "MB", None, "< 150")
    yield Row("flood: share of a core", 100 * said["seconds"] / SECONDS, "%")
