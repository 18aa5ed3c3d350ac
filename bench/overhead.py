"""What being watched costs a program that opens and closes files as fast as it can: the worst case."""

import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path

import bpf
from bench.table import Row
from bpf.build import ARCHITECTURES
from collectors.kernel import libbpf, tracepoint, why_not

HERE = Path(__file__).parent
TIMES = 200_000
ROUNDS = 7

Watching = Callable[[], AbstractContextManager[None]]


def rows(folder: Path) -> Iterator[Row]:
    """Alternating runs: unwatched, with an empty program attached, and with ours; medians of the ratios."""
    if reason := why_not():
        print(reason, file=sys.stderr)
        return
    loop, program = folder / "open_loop", folder / "empty.bpf.o"
    include = str(Path(bpf.__file__).parent)
    target = f"-D__TARGET_ARCH_{ARCHITECTURES[platform.machine()]}"
    subprocess.run(["gcc", "-O2", "-o", str(loop), str(HERE / "open_loop.c")], check=True)
    clang = ["clang", "-target", "bpf", "-g", "-O2", target, "-I", include]
    subprocess.run([*clang, "-c", str(HERE / "empty.bpf.c"), "-o", str(program)], check=True)
    ways: dict[str, Watching] = {
        "unwatched": nullcontext,
        "an empty program attached": lambda: _empty(program),
        "tracetide attached": lambda: _tracetide(folder),
    }
    measured: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, watching in ways.items():
            with watching():
                measured[name].append(_nanoseconds(loop))
    bare = measured["unwatched"]
    for name, values in measured.items():
        ratio = statistics.median(mine / other for mine, other in zip(values, bare, strict=True))
        yield Row(f"open + close, {name}", statistics.median(values), "ns", ratio)


def _nanoseconds(loop: Path) -> float:
    return float(subprocess.run([loop, str(TIMES)], check=True, capture_output=True).stdout)


@contextmanager
def _empty(program: Path) -> Iterator[None]:
    with ExitStack() as stack:
        loaded = libbpf.BpfObject(program)
        stack.callback(loaded.close)
        loaded.load()
        with tracepoint.tracefs() as root:
            number = tracepoint.identifier(root, "syscalls/sys_exit_openat")
            if number is None:
                raise SystemExit("this kernel has no tracepoint syscalls/sys_exit_openat")
            event = tracepoint.open_event(number)
        link = libbpf.attach_perf_event(loaded.programs["empty"], event)
        stack.callback(libbpf.detach, link)
        yield


@contextmanager
def _tracetide(folder: Path) -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tracetide", "record", str(folder / "events")], stderr=subprocess.DEVNULL
    )
    time.sleep(2)
    try:
        yield
    finally:
        process.terminate()
        process.wait()
