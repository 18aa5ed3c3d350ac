"""Ways to be watched while something is measured: not at all, by the least that there is, by tracetide."""

import os
import platform
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import bpf
from bpf.build import ARCHITECTURES
from collectors.kernel import libbpf, tracepoint
from tracetide.overhead.pairs import watcher

UNWATCHED, EMPTY, WATCHED = "unwatched", "an empty program", "tracetide"

Watching = Callable[[], AbstractContextManager[Any]]

_HERE = Path(__file__).parent


def ways(folder: Path) -> dict[str, Watching]:
    """The three by their names; what they need is compiled first."""
    program = folder / "empty.bpf.o"
    target = f"-D__TARGET_ARCH_{ARCHITECTURES[platform.machine()]}"
    clang = ["clang", "-target", "bpf", "-g", "-O2", target, "-I", str(Path(bpf.__file__).parent)]
    subprocess.run([*clang, "-c", str(_HERE / "empty.bpf.c"), "-o", str(program)], check=True)
    return {UNWATCHED: nullcontext, EMPTY: lambda: _empty(program), WATCHED: watcher}


def loops(folder: Path) -> Path:
    """The program that does one thing again and again: see loops.c."""
    program = folder / "loops"
    subprocess.run(["gcc", "-O2", "-o", str(program), str(_HERE / "loops.c")], check=True)
    return program


@contextmanager
def loaded(found: libbpf.BpfObject, name: str) -> Iterator[libbpf.Program]:
    """A program of an object in the kernel."""
    try:
        found.load()
        yield libbpf.loaded(found.programs[name])
    finally:
        found.close()


@contextmanager
def _empty(program: Path) -> Iterator[None]:
    """On the tracepoint of a system call: the least that watching one by its tracepoint costs all calls."""
    with tracepoint.tracefs() as root:
        number = tracepoint.identifier(root, "syscalls/sys_exit_openat")
        if number is None:
            raise SystemExit("this kernel has no tracepoint syscalls/sys_exit_openat")
        with loaded(libbpf.BpfObject(program), "empty") as empty:
            link = tracepoint.attach(number, empty.fd)
            try:
                yield
            finally:
                os.close(link)
