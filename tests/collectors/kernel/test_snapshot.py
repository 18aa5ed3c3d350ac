"""The processes that were there before anybody watched."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from collectors.kernel import KernelSource
from tests.collectors.kernel.test_process import start_of
from tests.collectors.kernel.watching import Watch, watching
from tracetide.demo.container import Workshop, running
from wire.event import Exec, Exit, Snapshot

pytestmark = pytest.mark.kernel


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes to be killed after the test."""
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        process.kill()
        process.communicate()


def snapshot_of(watch: Watch, pid: int) -> Snapshot:
    """What the snapshot says of a process."""
    (event,) = watch.of(pid, Snapshot)
    return event


def test_same_as_exec(kernel: None, processes: list[subprocess.Popen[bytes]], tmp_path: Path) -> None:
    """A snapshot says of a process what its exec had said, as far as /proc shows it."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        # The surrogate stands for a byte that is no UTF-8.
        command = [sys.executable, "-I", "-c", "import sys; sys.stdin.readline()", "caf\udce9", "", "x y"]
        with watching(KernelSource(())) as before:
            process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=client.fileno(),
                stderr=subprocess.DEVNULL,
                cwd=tmp_path,
                start_new_session=True,
            )
            processes.append(process)
            before.settle()
        with watching(KernelSource(())) as after:
            pass
    (executed,) = before.of(process.pid, Exec)
    found = snapshot_of(after, process.pid)
    unlike = {"seq", "time", "type", "filename", "upper_layer", "lower_layer"}
    fields = [name for name in Exec.__struct_fields__ if name not in unlike]
    assert {name: getattr(found, name) for name in fields} == {
        name: getattr(executed, name) for name in fields
    }


def test_parents_come_first(kernel: None) -> None:
    """Whoever reads the snapshot knows the parent of every process before the process."""
    with watching(KernelSource(())) as watch:
        pass
    seen: set[int] = set()
    snapshots = [event for event in watch.events if isinstance(event, Snapshot)]
    for event in snapshots:
        if event.parents:
            assert event.parents[0].pid in seen
        seen.add(event.pid)
    assert {os.getpid(), os.getppid(), 1} <= seen
    own = snapshot_of(watch, os.getpid())
    assert (own.start, own.parents[0].pid) == (start_of(os.getpid()), os.getppid())
    numbers = [event.seq for event in snapshots]
    assert numbers == sorted(set(numbers))


def test_keys_go_on_in_live_events(kernel: None, processes: list[subprocess.Popen[bytes]]) -> None:
    """The events of a process that was there before carry the same identity as its snapshot."""
    process = subprocess.Popen(["/bin/sh", "-c", "read x; exit 5"], stdin=subprocess.PIPE)
    processes.append(process)
    with watching(KernelSource(())) as watch:
        process.communicate(b"\n")
        watch.settle()
    (end,) = watch.of(process.pid, Exit)
    found = snapshot_of(watch, process.pid)
    assert (end.pid, end.start, end.cgroup, end.uid) == (found.pid, found.start, found.cgroup, found.uid)
    assert end.code == 5


def test_containers_in_the_snapshot(kernel: None, containers: Workshop) -> None:
    """A container that already runs is known by its control group, and so is what is started in it later."""
    with running(containers, "sleep", "30") as container, watching(KernelSource(())) as watch:
        container.execute("/bin/true", "later")
        watch.settle()
    found = snapshot_of(watch, container.pid)
    later = next(e for e in watch.events if type(e) is Exec and e.args == ["/bin/true", "later"])
    assert found.cgroup_path == later.cgroup_path
    assert (found.cgroup_path or "").endswith(container.id)
    assert found.cgroup == later.cgroup is not None
    assert (found.vpid, found.exepath, found.cwd) == (1, "/bin/sleep", "/")


def test_kernel_threads(kernel: None) -> None:
    """Threads of the kernel have a name, and nothing that could be executed."""
    with watching(KernelSource(())) as watch:
        pass
    thread = snapshot_of(watch, 2)
    assert (thread.comm, thread.exepath, thread.args) == ("kthreadd", None, [])


def test_deleted_and_memory_programs(
    kernel: None, processes: list[subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    """A program that was removed keeps its path; one that never was a file is marked."""
    gone = tmp_path / "gone"
    gone.write_bytes(Path("/bin/sleep").read_bytes())
    gone.chmod(0o755)
    memory = """
import os
fd = os.memfd_create('x')
os.write(fd, open('/bin/sleep', 'rb').read())
os.execve(fd, ['sleep', '30'], {})
"""
    with watching(KernelSource(())) as before:
        processes.append(subprocess.Popen([str(gone), "30"]))
        processes.append(subprocess.Popen([sys.executable, "-I", "-c", memory]))
        while len(before.of(processes[1].pid, Exec)) < 2:
            before.settle()
    gone.unlink()
    with watching(KernelSource(())) as watch:
        pass
    first, second = (snapshot_of(watch, process.pid) for process in processes)
    assert (first.exepath, first.memfd) == (str(gone), False)
    assert (second.exepath, second.memfd) == ("/memfd:x", True)
