"""What being watched costs where functions can be hooked: in a guest with Debian's kernels, in instructions.

The emulator counts instructions and the guest's clock goes by them, one for each nanosecond, so that the
figures do not depend on what else this machine is doing. Caches and guesses of a processor are not in them.
"""

import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import pytest

from bench import watching
from bench.overhead import workloads_in
from bench.table import Row
from bench.watching import EMPTY, UNWATCHED, WATCHED
from collectors.kernel import ways
from tests.peers.guest import Guest, kernel_of
from tracetide.overhead.pairs import watcher

AT_TRACEPOINTS = "tracetide at tracepoints"

# Of what is done where processors are real.
_SHARE = 0.02

# How often: once in a while something that was put off falls into one.
_TIMES = 3

_SECONDS = 3000

_GOALS = {"read": "as unwatched", "fork + exec": "≤ 1.10", "web request": "≤ 1.02", "compile": "≤ 1.02"}


def rows(_folder: Path) -> Iterator[Row]:
    """On the kernel of this release of Debian, and on the newest that this release can be had with."""
    for newest in (False, True):
        yield from _rows(newest=newest)


def _rows(*, newest: bool) -> Iterator[Row]:
    """Each workload unwatched, with the least that a tracepoint costs, and both ways to hook system calls."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            guest = Guest(kernel_of(newest=newest), "tcg", counting=True)
            said = guest.run("TMPDIR=/dev/shm .venv/bin/python -m bench.guest", Path(folder), _SECONDS)
        except (pytest.skip.Exception, pytest.fail.Exception) as error:
            print(error, file=sys.stderr)
            return
    found = json.loads(said.splitlines()[-1])
    for name, counted in found["counted"].items():
        for way, instructions in counted.items():
            what = f"{guest.release}: {name}, {found['way'] if way == WATCHED else way}"
            ratio = instructions / counted[UNWATCHED]
            goal = _GOALS.get(name, "") if way == WATCHED else ""
            yield Row(what, instructions / 1000, "thousand", ratio, goal)


def _measure(folder: Path) -> dict[str, dict[str, float]]:
    """Instructions for one of what each workload does, by how it is watched."""
    here = watching.ways(folder)
    here[AT_TRACEPOINTS] = lambda: watcher(module="bench.at_tracepoints")
    with ExitStack() as stack:
        workloads = dict(workloads_in(folder, stack, _SHARE))
        for workload in workloads.values():
            workload()  # what is read for the first time comes from the host
        counted: dict[str, dict[str, float]] = {name: {} for name in workloads}
        for way in (UNWATCHED, EMPTY, WATCHED, AT_TRACEPOINTS):
            with here[way]():
                for name, workload in workloads.items():
                    counted[name][way] = median(workload() for _ in range(_TIMES))
                    print(way, name, counted[name][way], flush=True)
    return counted


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        counted_ = _measure(Path(scratch))
    print(json.dumps({"way": f"tracetide, {ways.way()}", "counted": counted_}))
