"""Chooses for each system call the hook that costs least: the end of its function, else its tracepoint."""

from __future__ import annotations

import platform
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import bpf
from collectors.kernel import libbpf
from collectors.kernel.libbpf import BpfError, BpfObject, Handle

OBJECTS = Path(bpf.__file__).parent / "objects" / platform.machine()

# Names of programs with the same body, by what they hang on, as in bpf/syscall.bpf.h.
_TRACEPOINT = "on_"
_FUNCTION = "at_"

# The programs of an object that others jump to: they hang on nothing themselves. The map to find them in.
FINISHES = frozenset({"on_finish", "at_finish"})
_FINISHING = "finishing"


@dataclass(frozen=True, slots=True)
class Way:
    """What the programs of system calls hang on; ``problem`` says why it is not their functions."""

    problem: str | None = None

    def __str__(self) -> str:
        """A phrase for whoever asks how this host is watched."""
        if self.problem:
            return f"system calls at their tracepoints, as functions cannot be hooked ({self.problem})"
        return "system calls at their functions (fexit)"


def open_object(source: str) -> BpfObject:
    """The compiled ``bpf/<source>.bpf.c``."""
    return BpfObject(OBJECTS / f"{source}.bpf.o")


@cache
def way() -> Way:
    """Try it; that takes some hundredths of a second and leaves nothing behind."""
    try:
        probe = open_object("probe")
        try:
            probe.load()
            libbpf.detach(libbpf.attach(probe.programs["probe"]))
        finally:
            probe.close()
    except BpfError as error:
        return Way(str(error).partition("\n")[0])
    return Way()


def parts(source: str, wanted: Collection[str]) -> list[set[str]]:
    """The programs to load for those that are wanted by the names of their tracepoints.

    Programs that jump and the one that they jump to hang on the same kind of hook: hence parts, each
    of which takes an object of its own.
    """
    looked_at = open_object(source)
    try:
        at = _at_functions(looked_at.programs, wanted)
        both = {_FUNCTION + name.removeprefix(_TRACEPOINT) for name in at}, set(wanted) - at
        finishes = FINISHES & looked_at.programs.keys()
    finally:
        looked_at.close()
    return [
        names | {name for name in finishes if name.startswith(prefix)}
        for names, prefix in zip(both, (_FUNCTION, _TRACEPOINT), strict=True)
        if names
    ]


def join(loaded: BpfObject) -> None:
    """Let the programs that were loaded find the one that they jump to."""
    for name in FINISHES & loaded.programs.keys():
        fd = libbpf.program_fd(loaded.programs[name])
        if fd >= 0:
            libbpf.write_element(libbpf.map_fd(loaded.maps[_FINISHING]), fd.to_bytes(4, sys.byteorder))


def called(name: str) -> str:
    """A program's name as ``HOOKS`` has it, whatever it hangs on."""
    return _TRACEPOINT + name.removeprefix(_FUNCTION) if name.startswith(_FUNCTION) else name


def _at_functions(programs: Mapping[str, Handle], wanted: Collection[str]) -> set[str]:
    """Those of the wanted programs whose calls have a function that can be hooked."""
    functions = {
        libbpf.section(programs[other]).partition("/")[2]: name
        for name in wanted
        if (other := _FUNCTION + name.removeprefix(_TRACEPOINT)) in programs
    }
    if not functions or way().problem:
        return set()
    return {functions[name] for name in libbpf.kernel_functions(functions)}
