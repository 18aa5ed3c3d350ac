"""Forks and exits as the kernel reports them."""

import itertools
import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.collectors.kernel.watching import Watch
from wire.event import Exec, Exit, Fork

pytestmark = pytest.mark.kernel

EVENTS = ()


def start_of(pid: int) -> int:
    """Nanoseconds since boot from field 22 of /proc/PID/stat."""
    fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return int(fields[19]) * 10_000_000


def test_fork_names_child_and_parent(watch: Watch) -> None:
    """A fork is told with the same process numbers and start times that /proc shows."""
    with subprocess.Popen(["/bin/sleep", "30"]) as process:
        start = start_of(process.pid)
        watch.settle()
        process.kill()
    (fork,) = watch.of(process.pid, Fork)
    assert (fork.pid, fork.tid, fork.start) == (process.pid, process.pid, start)
    assert (fork.parent, fork.parent_start) == (os.getpid(), start_of(os.getpid()))
    assert (fork.vpid, fork.uid) == (process.pid, 0)


def test_threads_are_not_processes(watch: Watch) -> None:
    """A new thread is no fork, and its end is no exit."""
    script = "import threading\nfor _ in range(5):\n t = threading.Thread(target=print); t.start(); t.join()"
    pid = watch.python(script, stdout=subprocess.DEVNULL)
    assert len(watch.of(pid, Fork)) == 1
    assert len(watch.of(pid, Exit)) == 1


def test_exit_code(watch: Watch) -> None:
    """The code that a program ends with."""
    pid = watch.run("/bin/sh", "-c", "exit 7")
    (end,) = watch.of(pid, Exit)
    assert (end.code, end.signal) == (7, 0)


def test_exit_by_signal(watch: Watch) -> None:
    """The signal that killed a program."""
    pid = watch.run("/bin/sh", "-c", "kill -TERM $$")
    (end,) = watch.of(pid, Exit)
    assert (end.code, end.signal) == (0, signal.SIGTERM)


def test_exit_when_the_first_thread_left_earlier(watch: Watch) -> None:
    """A process ends with its last thread, and with the code of that thread's exit."""
    script = """
import ctypes, os, threading, time
def later():
    time.sleep(0.1)
    os._exit(9)
threading.Thread(target=later).start()
ctypes.CDLL(None).syscall(60 if os.uname().machine == 'x86_64' else 93, 0)  # exit of this thread only
"""
    pid = watch.python(script)
    (end,) = watch.of(pid, Exit)
    assert end.code == 9
    assert end.tid != pid


def test_threads_that_end_at_once_are_one_exit(watch: Watch) -> None:
    """However many threads die together, the process ends once."""
    script = """
import os, threading, time
for _ in range(30):
    threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
time.sleep(0.05)
os.kill(os.getpid(), 9)
"""
    pids = [watch.python(script) for _ in range(5)]
    assert [len(watch.of(pid, Exit)) for pid in pids] == [1] * 5
    assert {watch.of(pid, Exit)[0].signal for pid in pids} == {signal.SIGKILL}


def test_exec_by_a_thread_keeps_the_identity(watch: Watch) -> None:
    """A program started by a thread takes over the process, its number and its start."""
    script = "import os, threading\nthreading.Thread(target=os.execv, args=('/bin/true', ['true'])).start()"
    pid = watch.python(script)
    (fork,) = watch.of(pid, Fork)
    first, second = watch.of(pid, Exec)
    assert (second.comm, second.pid, second.start) == ("true", first.pid, fork.start)
    assert second.tid == pid


def test_double_fork_shows_the_parent_at_the_time(watch: Watch) -> None:
    """A process whose parent has gone is known by the parent that it had when it was born."""
    script = """
import os
if os.fork() == 0:
    if os.fork() == 0:
        os.execv('/bin/sleep', ['sleep', '0.2'])
    os._exit(0)
os.wait()
"""
    pid = watch.python(script)
    children = {event.pid: event.parent for event in watch.events if isinstance(event, Fork)}
    sleeper = next(e.pid for e in watch.events if isinstance(e, Exec) and e.args == ["sleep", "0.2"])
    assert children[children[sleeper]] == pid


def test_numbers_run_on_without_gaps(watch: Watch) -> None:
    """Batches cover all numbers; within one, numbers count every event. What is free is before the first."""
    for _ in range(20):
        watch.run("/bin/true")
    for batch in watch.batches:
        numbers = [event.seq for event in batch.events]
        assert numbers == list(range(batch.last - len(numbers) + 1, batch.last + 1))
        assert batch.first <= numbers[0]
    assert all(after.first == before.last + 1 for before, after in itertools.pairwise(watch.batches))


def test_time_is_wall_clock(watch: Watch) -> None:
    """Events carry the time at which they happened."""
    before = time.time_ns()
    pid = watch.run("/bin/true")
    after = time.time_ns()
    (end,) = watch.of(pid, Exit)
    assert before <= end.time <= after
