"""One noisy process or container does not blind the host, and what is held back of it is told."""

import os
import subprocess
import sys
import time
from collections import Counter

import pytest

from collectors.kernel import KernelSource
from tests.collectors.kernel.watching import Watch, lost, watching
from tracetide.demo.container import Container, Workshop, running
from wire.event import Change, Exec, Exit, Fork, Loss, Open, Snapshot

pytestmark = pytest.mark.kernel

# Makes folders that cannot be made, which nobody else does meanwhile, as fast as it can.
NOISE = """
import os
for number in range({calls}):
    try:
        os.mkdir('/nowhere/noise')
    except OSError:
        pass
"""

# Children that end at once, at most fifty at a time.
BOMB = """
i=0
while [ $i -lt {forks} ]; do
    (:) &
    i=$((i + 1))
    [ $((i % 50)) = 0 ] && wait
done
wait
"""


def limited(watch: Watch) -> list[Loss]:
    """What is told of rates that were exceeded."""
    return [event for event in watch.events if isinstance(event, Loss) and event.where == "rate"]


def told_all(watch: Watch) -> None:
    """Wait until what was held back must have been told."""
    time.sleep(1.5)
    watch.settle()


def test_a_noisy_process_is_held_back_alone(kernel: None) -> None:
    """What it has too much of is counted to it exactly; another process of its group is heard."""
    if os.uname().machine != "x86_64":
        pytest.skip("arm64 has mkdirat only, which others use meanwhile")
    calls = 30_000
    with watching(KernelSource(["mkdir"], rate=2000)) as watch:
        noisy = subprocess.Popen([sys.executable, "-I", "-c", NOISE.format(calls=calls)])
        quiet = watch.python(NOISE.format(calls=20))
        noisy.wait()
        told_all(watch)
    held = Counter[tuple[int, str]]()
    for loss in limited(watch):
        held.update({(loss.pid, name): number for name, number in loss.counts.items()})
    assert len(watch.of(noisy.pid, Change)) + held[noisy.pid, "mkdir"] == calls
    assert held[noisy.pid, "mkdir"] > calls / 2
    assert len(watch.of(quiet, Change)) == 20
    (start,) = {loss.start for loss in limited(watch) if loss.pid == noisy.pid}
    assert start == watch.of(noisy.pid, Exec)[0].start


def test_a_fork_bomb_does_not_hide_the_others(kernel: None, containers: Workshop) -> None:
    """Beside a container whose processes do nothing but fork, another is seen whole, and the tree holds."""
    forks = 20_000
    with (
        running(containers, "sleep", "120") as bomb,
        running(containers, "sleep", "120") as other,
        watching(KernelSource(["open", "openat"], rate=1000)) as watch,
    ):
        command = containers.command("exec", bomb.id, "sh", "-c", BOMB.format(forks=forks))
        with subprocess.Popen(command, cwd="/") as exploding:
            work(other)
            slowest = max(seconds_of_true() for _ in range(20))
            exploding.wait()
        told_all(watch)
        groups = {event.cgroup for event in watch.events if _of(event, bomb)}
        others = {event.cgroup for event in watch.events if _of(event, other)}
    heard(watch, other)
    assert slowest < 2, "the host is not usable"
    held = [loss for loss in limited(watch) if loss.cgroup in groups]
    forked = sum(loss.counts.get("fork", 0) for loss in held)
    told = [event for event in watch.events if isinstance(event, Fork) and event.cgroup in groups]
    assert forked > 0
    assert not {loss.cgroup for loss in limited(watch)} & others
    assert len(told) + forked + lost_in_ring(watch, "fork") >= forks
    ended = {(event.pid, event.start) for event in watch.events if isinstance(event, Exit)}
    running_still = [event for event in told if (event.pid, event.start) not in ended]
    assert len(running_still) <= lost_in_ring(watch, "procexit")
    known = {(event.pid, event.start) for event in watch.events if isinstance(event, Fork | Exec | Snapshot)}
    exits = [event for event in watch.events if isinstance(event, Exit) and event.cgroup in groups]
    strangers = [event for event in exits if (event.pid, event.start) not in known]
    assert len(strangers) <= lost_in_ring(watch, "fork")


def _of(event: object, container: Container) -> bool:
    return isinstance(event, Exec) and container.id in (event.cgroup_path or "")


def work(container: Container) -> None:
    """Run a program in a container thirty times."""
    for number in range(30):
        assert container.execute("cat", "/etc/passwd", f"/nowhere/{number}").returncode == 1


def heard(watch: Watch, container: Container) -> None:
    """Check that all of that work arrived: each program and each file that it opened."""
    runs = [e for e in watch.events if isinstance(e, Exec) and _of(e, container) and e.args[:1] == ["cat"]]
    assert [event.args[-1] for event in runs] == [f"/nowhere/{number}" for number in range(30)]
    for event in runs:
        assert {opened.path for opened in watch.of(event.pid, Open)} >= {"/etc/passwd", event.args[-1]}


def seconds_of_true() -> float:
    """How long it takes to run a program that does nothing."""
    began = time.monotonic()
    subprocess.run(["/bin/true"], check=True)
    return time.monotonic() - began


def lost_in_ring(watch: Watch, kind: str) -> int:
    """How many events of a type found the buffer full."""
    return lost(watch, kind) - sum(loss.counts.get(kind, 0) for loss in limited(watch))


def test_frequent_events_are_lost_first(kernel: None) -> None:
    """While the buffer is too full for opens, processes are still told."""
    opens = "import os\nfor _ in range(100000):\n try: os.open('/nowhere/x', 0)\n except OSError: pass"
    with watching(KernelSource(["open", "openat"], ring_bytes=1 << 19)) as watch:
        busy = [subprocess.Popen([sys.executable, "-I", "-c", opens]) for _ in range(2)]
        for _ in range(100):
            subprocess.run(["/bin/true", "beside"], check=True, env={})
        for process in busy:
            process.wait()
        watch.settle()
        watch.settle()
    assert lost(watch, "openat") > 0
    runs = [event for event in watch.events if isinstance(event, Exec) and event.args[-1:] == ["beside"]]
    assert len(runs) == 100
    assert lost(watch, "execve") == lost(watch, "fork") == lost(watch, "procexit") == 0
    told = [event for event in watch.events if isinstance(event, Loss) and event.counts.get("openat")]
    assert all(sum(event.cpus["openat"]) == event.counts["openat"] for event in told)
    assert sum(event.refusing for event in told) > 0
