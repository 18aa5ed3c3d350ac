"""What a hooked system call costs the others: a loop of one-byte reads while another call is hooked."""

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench import watching
from bench.table import Row
from bench.watching import EMPTY, UNWATCHED, Watching
from collectors.kernel import libbpf, why_not
from collectors.kernel import ways as kernel_ways

TIMES = 300_000
ROUNDS = 9

_NAMES = {UNWATCHED: "nothing hooked", EMPTY: "openat's tracepoint hooked"}


def rows(folder: Path) -> Iterator[Row]:
    """Alternating runs; medians of the ratios. Where functions cannot be hooked, it says so."""
    if reason := why_not():
        print(reason, file=sys.stderr)
        return
    loops = watching.loops(folder)
    ways = watching.ways(folder)
    hooked: dict[str, Watching] = {_NAMES[name]: ways[name] for name in _NAMES}
    if problem := kernel_ways.way().problem:
        print(problem, file=sys.stderr)
    else:
        hooked["umask's function hooked"] = _function
    measured: dict[str, list[float]] = {name: [] for name in hooked}
    for _ in range(ROUNDS):
        for name, hooking in hooked.items():
            with hooking():
                done = subprocess.run([loops, "read", str(TIMES)], check=True, capture_output=True)
            measured[name].append(float(done.stdout))
    bare = measured[_NAMES[UNWATCHED]]
    for name, values in measured.items():
        ratio = statistics.median(mine / other for mine, other in zip(values, bare, strict=True))
        yield Row(f"one-byte read, {name}", statistics.median(values), "ns", ratio)


@contextmanager
def _function() -> Iterator[None]:
    with watching.loaded(kernel_ways.open_object("probe"), "probe") as probe:
        link = libbpf.attach(probe)
        try:
            yield
        finally:
            os.close(link)
