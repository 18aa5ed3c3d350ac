"""What a hooked system call costs the others: a loop of one-byte reads while another call is hooked."""

import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import bpf
from bench.table import Row
from bpf.build import ARCHITECTURES
from collectors.kernel import libbpf, tracepoint, ways, why_not

HERE = Path(__file__).parent
TIMES = 300_000
ROUNDS = 9


def rows(folder: Path) -> Iterator[Row]:
    """Alternating runs; medians of the ratios. Where functions cannot be hooked, it says so."""
    if reason := why_not():
        print(reason, file=sys.stderr)
        return
    loop = folder / "read_loop"
    subprocess.run(["gcc", "-O2", "-o", str(loop), str(HERE / "read_loop.c")], check=True)
    hooked: dict[str, Callable[[], AbstractContextManager[None]]] = {
        "nothing hooked": nullcontext,
        "openat's tracepoint hooked": lambda: _tracepoint(folder),
    }
    if problem := ways.way().problem:
        print(problem, file=sys.stderr)
    else:
        hooked["umask's function hooked"] = _function
    measured: dict[str, list[float]] = {name: [] for name in hooked}
    for _ in range(ROUNDS):
        for name, hooking in hooked.items():
            with hooking():
                done = subprocess.run([loop, str(TIMES)], check=True, capture_output=True)
            measured[name].append(float(done.stdout))
    bare = measured["nothing hooked"]
    for name, values in measured.items():
        ratio = statistics.median(mine / other for mine, other in zip(values, bare, strict=True))
        yield Row(f"one-byte read, {name}", statistics.median(values), "ns", ratio)


@contextmanager
def _tracepoint(folder: Path) -> Iterator[None]:
    target = f"-D__TARGET_ARCH_{ARCHITECTURES[platform.machine()]}"
    program = folder / "empty.bpf.o"
    clang = ["clang", "-target", "bpf", "-g", "-O2", target, "-I", str(Path(bpf.__file__).parent)]
    subprocess.run([*clang, "-c", str(HERE / "empty.bpf.c"), "-o", str(program)], check=True)
    with tracepoint.tracefs() as root:
        number = tracepoint.identifier(root, "syscalls/sys_exit_openat")
    if number is None:
        raise SystemExit("this kernel has no tracepoint syscalls/sys_exit_openat")
    with _loaded(libbpf.BpfObject(program), "empty") as empty:
        link = tracepoint.attach(number, empty.fd)
        try:
            yield
        finally:
            os.close(link)


@contextmanager
def _function() -> Iterator[None]:
    with _loaded(ways.open_object("probe"), "probe") as probe:
        link = libbpf.attach(probe)
        try:
            yield
        finally:
            os.close(link)


@contextmanager
def _loaded(found: libbpf.BpfObject, name: str) -> Iterator[libbpf.Program]:
    try:
        found.load()
        yield libbpf.loaded(found.programs[name])
    finally:
        found.close()
