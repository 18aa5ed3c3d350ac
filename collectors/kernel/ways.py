"""Chooses for each system call the hook that costs least: the end of its function, else its tracepoint."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import bpf
from collectors.kernel import casts, headers, libbpf, tracepoint
from collectors.kernel.hooks import HOOKS
from collectors.kernel.libbpf import BpfError, BpfObject, Handle, Program

OBJECTS = Path(bpf.__file__).parent / "objects" / platform.machine()

BTF = Path("/sys/kernel/btf/vmlinux")

_SYMBOLS = Path("/proc/kallsyms")
_MOVE = "__d_move"

# Names of programs with the same body, by what they hang on, as in bpf/syscall.bpf.h.
_TRACEPOINT = "on_"
_FUNCTION = "at_"

# What the section of a program for the tracepoint of a system call begins with.
_OF_CALL = "tp/"

# The program of an object that others jump to, and the map to find it in.
_FINISH = "finish"
_FINISHING = "finishing"


@dataclass(frozen=True, slots=True)
class Way:
    """How programs get into this kernel; ``problem`` says why those of system calls do not hang on functions.

    ``typed`` is whether the kernel has type information; without, programs are compiled here.
    """

    problem: str | None = None
    typed: bool = True

    def __str__(self) -> str:
        """A phrase for whoever asks how this host is watched."""
        if not self.typed:
            return f"system calls at their tracepoints, by programs that BCC compiles here ({self.problem})"
        if self.problem:
            return f"system calls at their tracepoints, as functions cannot be hooked ({self.problem})"
        return "system calls at their functions (fexit)"


def has(source: str) -> bool:
    """Whether there are programs of this source for this kernel."""
    return way().typed or source not in headers.LEFT_OUT


def open_object(source: str) -> BpfObject:
    """The compiled ``bpf/<source>.bpf.c``."""
    typed = BTF.exists()
    return BpfObject(OBJECTS / f"{source}.bpf.o", casts.fitted if typed else bytes, typed=typed)


@cache
def way() -> Way:
    """Try it; that takes some hundredths of a second and leaves nothing behind."""
    if not BTF.exists():
        return Way("the kernel has no type information", typed=False)
    try:
        probe = open_object("probe")
        try:
            probe.load()
            os.close(libbpf.attach(libbpf.loaded(probe.programs["probe"])))
        finally:
            probe.close()
    except BpfError as error:
        return Way(str(error).partition("\n")[0])
    return Way()


@cache
def moves_are_told() -> bool:
    """Whether the kernel's function that moves names can be hooked, of which there must be no second copy."""
    if way().problem or not libbpf.kernel_functions([_MOVE]):
        return False
    with _SYMBOLS.open() as lines:
        names = {name for line in lines if (name := line.split()[2]).partition(".")[0] == _MOVE}
    return names == {_MOVE}


@dataclass(frozen=True, slots=True)
class Part:
    """Programs of a source that are loaded together; ``function`` is that of a system call, or ``None``.

    They hang on the same kind of hook, and functions among them have the same type: the kernel lets
    no others jump to one program.
    """

    source: str
    programs: frozenset[str]
    function: str | None

    def open(self) -> BpfObject:
        """The object, of which nothing else will be loaded."""
        found = open_object(self.source)
        mine = self.programs | {self._finish} if way().typed else frozenset()
        for name, program in found.programs.items():
            if name not in mine:
                libbpf.leave_out(program)
        if self.function and self._finish in found.programs:
            libbpf.set_function(found.programs[self._finish], self.function)
        return found

    def load(self, found: BpfObject, cleanup: ExitStack) -> dict[str, Program]:
        """The programs by their names, loaded until ``cleanup``; they find the one that they jump to."""
        found.load()
        names = (self.programs | {self._finish}) & found.programs.keys()
        if way().typed:
            programs = {name: libbpf.loaded(found.programs[name]) for name in names}
        else:
            sections = {name: libbpf.section(found.programs[name]) for name in names}
            maps = {name: libbpf.map_fd(handle) for name, handle in found.maps.items()}
            programs = headers.load(self.source, sections, maps, cleanup)
        if finish := programs.pop(self._finish, None):
            slot = finish.fd.to_bytes(4, sys.byteorder)
            libbpf.write_element(libbpf.map_fd(found.maps[_FINISHING]), slot)
        return programs

    @property
    def _finish(self) -> str:
        return (_FUNCTION if self.function else _TRACEPOINT) + _FINISH


def parts(source: str, wanted: Collection[str]) -> list[Part]:
    """What to load for the programs that are wanted by their names in ``HOOKS``."""
    looked_at = open_object(source)
    try:
        functions = _functions(looked_at.programs, wanted)
    finally:
        looked_at.close()
    types = libbpf.kernel_functions(functions.values()) if functions else {}
    at: dict[int, dict[str, str]] = {}
    for name, function in functions.items():
        if function in types:
            at.setdefault(types[function], {})[_FUNCTION + name.removeprefix(_TRACEPOINT)] = function
    rest = frozenset(name for name in wanted if functions.get(name) not in types)
    found = [Part(source, frozenset(each), min(each.values())) for each in at.values()]
    return [*found, Part(source, rest, None)] if rest else found


def absent() -> list[str]:
    """The event types that this kernel has no hook for; raises ``TracepointError`` if it does not tell."""
    places: dict[tuple[str, str], str] = {}
    for source in {hook.source for hook in HOOKS.values()}:
        found = open_object(source)
        places |= {(source, name): libbpf.section(program) for name, program in found.programs.items()}
        found.close()
    with tracepoint.tracefs() as root:
        return [
            event
            for event, hook in HOOKS.items()
            if (place := places[hook.source, hook.program]).startswith(_OF_CALL)
            and tracepoint.identifier(root, place.removeprefix(_OF_CALL)) is None
        ]


def called(name: str) -> str:
    """A program's name as ``HOOKS`` has it, whatever it hangs on."""
    return _TRACEPOINT + name.removeprefix(_FUNCTION) if name.startswith(_FUNCTION) else name


def _functions(programs: Mapping[str, Handle], wanted: Collection[str]) -> dict[str, str]:
    """For each wanted program the function that the other one with the same body hangs on, if one may."""
    others = {name: _FUNCTION + name.removeprefix(_TRACEPOINT) for name in wanted}
    if not set(others.values()) & programs.keys() or way().problem:
        return {}
    return {
        name: libbpf.section(programs[other]).partition("/")[2]
        for name, other in others.items()
        if other in programs
    }
