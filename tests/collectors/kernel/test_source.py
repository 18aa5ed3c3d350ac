"""The source as a whole: what it leaves behind, what it says of losses, what it refuses."""

import asyncio
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from collectors.contract import CollectorError
from collectors.kernel import KernelSource, loader, requirements, tracepoint, ways, why_not
from collectors.kernel.hooks import HOOKS
from collectors.kernel.needs import everything
from collectors.kernel.settings import Settings
from tests.collectors.kernel.watching import lost, until, watching
from wire.event import Change, Exec, Exit, Fork, Loss, Open, Snapshot, Socket


def held() -> list[str]:
    """What of BPF and perf this process has open or mapped."""
    links = [link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    objects = [
        str(link) for link in links if "bpf" in str(link) or "perf" in str(link) or "tracing" in str(link)
    ]
    return objects + [line for line in Path("/proc/self/maps").read_text().splitlines() if "bpf" in line]


@pytest.mark.kernel
def test_nothing_is_left(kernel: None) -> None:
    """When the reader is cancelled, programs, links, maps and perf events are gone."""
    before = held()
    with watching(KernelSource()) as watch:
        assert len(held()) > len(before) + len(HOOKS)
        watch.settle()
    assert held() == before


@pytest.mark.kernel
async def test_nothing_is_left_after_break(kernel: None) -> None:
    """The same when the reader just stops, and when it fails."""
    before = held()
    batches = KernelSource(events=()).batches()
    async for _ in batches:
        break
    await batches.aclose()  # type: ignore[attr-defined]  # an asynchronous generator
    assert held() == before
    with pytest.raises(ZeroDivisionError):
        await _fail(KernelSource(events=()))
    await asyncio.get_running_loop().shutdown_asyncgens()
    assert held() == before


async def _fail(source: KernelSource) -> None:
    async for _ in source.batches():
        raise ZeroDivisionError


@pytest.mark.kernel
def test_two_at_once(kernel: None) -> None:
    """Two sources do not get in each other's way."""
    with watching(KernelSource(["openat"])) as one, watching(KernelSource(["openat"])) as two:
        pid = one.run("/bin/true")
        two.settle()
    assert one.of(pid, Exec)[0].args == two.of(pid, Exec)[0].args == ["/bin/true"]
    assert one.events[-1].seq < two.events[0].seq or two.events[-1].seq > one.events[0].seq


@pytest.mark.kernel
def test_losses_are_exact(kernel: None) -> None:
    """With a ring buffer that is far too small, what was seen and what was lost make up everything."""
    if os.uname().machine != "x86_64":
        pytest.skip("only x86-64 has creat, which nobody else uses meanwhile")
    calls = 20_000
    script = f"""
import ctypes
call = ctypes.CDLL(None).syscall
for _ in range({calls}):
    call(85, b'/nonexistent/file', 0)
"""
    with watching(KernelSource(["creat"], ring_bytes=4096)) as watch:
        watch.python(script)
        watch.settle()
        watch.settle()  # losses are told after what came between them
    seen = sum(isinstance(event, Open) and event.type == "creat" for event in watch.events)
    losses = [event for event in watch.events if isinstance(event, Loss)]
    assert lost(watch, "creat") > 0
    assert seen > 0
    assert seen + lost(watch, "creat") == calls
    assert {loss.where for loss in losses} == {"ring"}
    numbers = [event.seq for event in watch.events]
    assert numbers == sorted(set(numbers))
    assert all(later.first == earlier.last + 1 for earlier, later in pairwise(watch.batches))


@pytest.mark.kernel
def test_ring_buffer_goes_round(kernel: None) -> None:
    """Records that run over the end of the buffer come out whole and in order."""
    if os.uname().machine != "x86_64":
        pytest.skip("only x86-64 has creat, which nobody else uses meanwhile")
    calls, size = 3000, 1 << 16
    script = f"""
import ctypes, time
call = ctypes.CDLL(None).syscall
for number in range({calls}):
    call(85, b'/nonexistent/' + b'x' * (number % 97) + b'/' + str(number).encode(), 0)
    if number % 20 == 0: time.sleep(0.001)
"""
    with watching(KernelSource(["creat"], ring_bytes=size)) as watch:
        pid = watch.python(script)
    seen = [event.raw or event.path for event in watch.of(pid, Open) if event.type == "creat"]
    numbers = [int(path.rpartition("/")[2]) for path in seen]
    assert seen == [f"/nonexistent/{'x' * (number % 97)}/{number}" for number in numbers]
    assert numbers == sorted(numbers)
    assert len(seen) + lost(watch, "creat") == calls
    assert sum(map(len, seen)) > 2 * size


@pytest.mark.kernel
def test_what_is_asked_for_later(kernel: None, tmp_path: Path) -> None:
    """A type of event that is wanted only after a while is seen from then on, in the same stream."""
    wanted = [everything(["connect"])]
    source = KernelSource(needs=lambda: wanted[-1])
    with watching(source) as watch:
        before = watch.run("mkdir", str(tmp_path / "a"))
        wanted.append(everything(["connect", "mkdir", "mkdirat"]))
        until(lambda: source.settled)
        after = watch.run("mkdir", str(tmp_path / "b"))
    assert not watch.of(before, Change)
    assert [event.path for event in watch.of(after, Change)] == [f"{tmp_path}/b"]
    sequence = [event.seq for event in watch.events]
    assert sequence == sorted(set(sequence))


@pytest.mark.kernel
def test_only_what_is_asked_for(kernel: None) -> None:
    """Event types that nobody needs are not collected; the process tree always is."""
    script = "import socket\nopen('/dev/null')\nsocket.socket().connect_ex(('127.0.0.1', 1))"
    with watching(KernelSource(events=["connect"])) as watch:
        pid = watch.python(script)
    assert {type(event) for event in watch.events} - {Loss} == {Snapshot, Fork, Exec, Exit, Socket}
    assert watch.of(pid, Socket)[0].remote_port == 1


@pytest.mark.kernel
async def test_unknown_event_type(kernel: None) -> None:
    """Asking for what does not exist fails with its name."""
    with pytest.raises(CollectorError, match="no event type teleport"):
        await anext(KernelSource(events=["teleport"]).batches())


@pytest.mark.kernel
def test_absent_tracepoints_are_skipped(kernel: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system call that the architecture does not have costs its event, not the others."""
    monkeypatch.setattr(ways, "way", lambda: ways.Way("a test wants tracepoints"))
    real = tracepoint.identifier
    monkeypatch.setattr(
        tracepoint,
        "identifier",
        lambda root, name: None if name.endswith("_creat") else real(root, name),
    )
    loaded = loader.load(everything(["creat", "openat"]), Settings(ring_bytes=4096, skip=0))
    try:
        assert loaded.absent == ["syscalls/sys_exit_creat"]
    finally:
        loaded.close()


@pytest.mark.kernel
def test_refusal_by_the_kernel(kernel: None) -> None:
    """What the kernel refuses is told in a sentence, with libbpf's last words."""
    script = """
import os
from collectors.kernel import libbpf, loader
from collectors.kernel.needs import everything
from collectors.kernel.settings import Settings
os.setuid(65534)
try:
    loader.load(everything(['fork']), Settings(ring_bytes=4096, skip=0))
except libbpf.BpfError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    first, *rest = done.stdout.splitlines()
    assert first == "the kernel did not accept process.bpf.o: Operation not permitted"
    assert rest
    assert all(line.startswith("  libbpf: ") for line in rest)


@pytest.mark.kernel
@pytest.mark.parametrize("size", [0, 100, 4095, 12288, 1 << 32])
async def test_impossible_buffer(kernel: None, size: int) -> None:
    """A ring buffer has a size that the kernel can give it."""
    with pytest.raises(CollectorError, match=f"{size} bytes.*power of two"):
        await anext(KernelSource(ring_bytes=size).batches())


def test_without_privileges() -> None:
    """An ordinary user is told what is missing."""
    script = "import os\nfrom collectors.kernel import why_not\nos.setuid(65534)\nprint(why_not())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    if "CAP_BPF" not in done.stdout:
        pytest.skip(done.stdout)
    assert (
        "CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH are missing: run it as root" in done.stdout
    )


def test_missing_objects(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Programs that were not compiled are named, with what to do."""
    for check in ("_kernel", "_capabilities", "_namespace", "_libbpf"):
        monkeypatch.setattr(requirements, check, lambda: None)
    monkeypatch.setattr(ways, "OBJECTS", tmp_path)
    assert "change.bpf.c is not compiled" in (why_not() or "")
    assert "python -m bpf.build" in (why_not() or "")
