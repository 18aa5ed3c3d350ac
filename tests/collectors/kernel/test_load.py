"""Ten thousand short-lived processes, which is what a busy shell script looks like."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from collectors.kernel import KernelSource
from tests.collectors.kernel.watching import lost, watching
from wire.event import Exec, Exit, Fork, Snapshot

pytestmark = pytest.mark.kernel

TOTAL = 10_000
REMEMBERED = 5_000


def make(shells: int, total: int = TOTAL) -> list[int]:
    """So many runs of /bin/true, shared by so many shells at once; the process numbers of the shells."""
    loop = f"i=0; while [ $i -lt {total // shells} ]; do /bin/true run; i=$((i+1)); done"
    running = [subprocess.Popen(["/bin/sh", "-c", loop]) for _ in range(shells)]
    for shell in running:
        assert shell.wait() == 0
    return [shell.pid for shell in running]


@pytest.mark.parametrize("shells", [1, 4])
def test_every_program_is_accounted_for(kernel: None, shells: int) -> None:
    """Each exec is seen or counted as lost, and its parent is known."""
    with watching(KernelSource(())) as watch:
        parents = make(shells)
        watch.settle()
    runs = [event for event in watch.events if isinstance(event, Exec) and event.args == ["/bin/true", "run"]]
    assert len(runs) <= TOTAL <= len(runs) + lost(watch, "execve")
    by_parent = Counter(event.parents[0].pid for event in runs)
    assert set(by_parent) == set(parents)
    if not lost(watch, "execve"):
        assert by_parent == dict.fromkeys(parents, TOTAL // shells)
    known = {(e.pid, e.start) for e in watch.events if isinstance(e, Fork | Exec | Snapshot)}
    assert all((event.parents[0].pid, event.parents[0].start) in known for event in runs)
    ended = {(event.pid, event.start) for event in watch.events if isinstance(event, Exit)}
    unseen = [event for event in runs if (event.pid, event.start) not in ended]
    assert len(unseen) <= lost(watch, "procexit")


def test_memory_stays_flat(kernel: None, tmp_path: Path) -> None:
    """A collector that has seen fifteen thousand processes holds no more than after five thousand.

    So many names as it remembers are there before, or those of whatever else runs here would count.
    """
    script = """
import asyncio, sys
from pathlib import Path
from collectors.kernel import KernelSource
from wire.event import Exec

def resident():
    return int(Path('/proc/self/statm').read_text().split()[1]) * 4

async def main():
    runs = 0
    async for batch in KernelSource().batches():
        for event in batch.events:
            runs += type(event) is Exec and event.args == ['/bin/true', 'run']
            if type(event) is Exec and event.args == ['/bin/true', 'mark']:
                print(resident(), flush=True)
            if type(event) is Exec and event.args == ['/bin/true', 'end']:
                return
        if batch.events[0].type == 'snapshot':
            print('ready', flush=True)
asyncio.run(main())
"""
    collector = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert collector.stdout
    try:
        assert collector.stdout.readline() == "ready\n"
        for number in range(REMEMBERED):
            (tmp_path / str(number)).touch()
        sizes = []
        for _ in range(3):
            make(4, TOTAL // 2)
            subprocess.run(["/bin/true", "mark"], check=True)
            line = collector.stdout.readline()
            while line == "ready\n":
                line = collector.stdout.readline()
            sizes.append(int(line))
        subprocess.run(["/bin/true", "end"], check=True)
        assert collector.wait(20) == 0
    finally:
        collector.kill()
        collector.communicate()
    assert sizes[-1] - sizes[0] < 1024, f"KiB resident after each five thousand: {sizes}"
    assert sizes[-1] < 60 * 1024
