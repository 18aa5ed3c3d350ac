"""Puts the BPF programs into the kernel, attaches them, and takes them out again."""

from __future__ import annotations

import os
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Lock

from collectors.kernel import libbpf, tracepoint, ways
from collectors.kernel.hooks import HOOKS, RING
from collectors.kernel.layout import LOSSES_SIZE, MOVES, compiled
from collectors.kernel.libbpf import Program
from collectors.kernel.needs import encoded, wanted
from collectors.kernel.settings import Settings
from wire.event_types import EVENT_TYPES
from wire.needs import Needs

_TRACEPOINT = "tp/"

_SHARED = (
    "events",
    "losses",
    "config",
    "records",
    "filters",
    "scopes",
    "buckets",
    "limited",
    "moves",
    "known",
    "remembered",
)

# The source whose programs are always wanted.
_FIRST = "process"

# The program that counts moves, and what it counts from: 0 would say that nobody does.
_MOVES = ("move", "on_move")
_COUNTED = compiled(MOVES).pack(1, 1)
_NOT_COUNTED = compiled(MOVES).pack(0, 0)

Key = tuple[str, str]  # a program's source and name
Keys = set[Key]


@dataclass(slots=True)
class Loaded:
    """Programs at work. ``absent`` are the tracepoints that this kernel does not have.

    ``want`` and ``step`` take a while and may be called in another thread than the rest.
    """

    settings: Settings
    maps: dict[str, int] = field(default_factory=dict)
    absent: list[str] = field(default_factory=list)
    _wanted: Keys = field(default_factory=set)
    _active: int = 0
    _programs: dict[Key, Program] = field(default_factory=dict)
    _links: dict[Key, int | None] = field(default_factory=dict)
    _objects: ExitStack = field(default_factory=ExitStack)
    _lock: Lock = field(default_factory=Lock)
    _closed: bool = False

    def want(self, needs: Needs) -> None:
        """From now on let pass what is needed and nothing else; ``step`` attaches and detaches programs."""
        filter_ = encoded(needs)
        with self._lock:
            if self._closed:
                return
            events = wanted(needs)
            self._wanted = _programs(events)
            if not self.maps:
                self._load(_FIRST)
            self._active += 1
            libbpf.write_element(self.maps["filters"], filter_, self._active & 1)
            libbpf.write_element(self.maps["config"], self.settings.packed(_operations(events), self._active))

    @property
    def settled(self) -> bool:
        """Whether there is nothing to do for ``step``."""
        return self._wanted == self._links.keys()

    def step(self) -> bool:
        """Attach what is wanted of one source, or else detach a program that is not; false if all is done.

        Raises:
            BpfError: libbpf or the kernel refused.
            TracepointError: the tracepoints of system calls cannot be had.
        """
        with self._lock:
            if self._closed:
                return False
            if missing := self._wanted - self._links.keys():
                self._load(min(missing)[0])
                self._attach(missing)
            elif surplus := self._links.keys() - self._wanted:
                self._detach(min(surplus))
            else:
                return False
            return True

    def losses(self) -> bytes:
        """The struct losses of bpf/common.bpf.h of each CPU in turn."""
        return libbpf.read_element(self.maps["losses"], LOSSES_SIZE * libbpf.possible_cpus())

    def close(self) -> None:
        """Detach everything and give back what it took in the kernel."""
        with self._lock:
            self._closed = True
            for program in list(self._links):
                self._detach(program)
            self._objects.close()

    def _load(self, source: str) -> None:
        """Load what is wanted of a source. The first object makes the shared maps, the others use them."""
        names = {name for each, name in self._wanted - self._programs.keys() if each == source}
        for part in ways.parts(source, names) if names else ():
            loaded = part.open()
            self._objects.callback(loaded.close)
            shared = [name for name in _SHARED if name in loaded.maps]
            for name in shared:
                if name in self.maps:
                    libbpf.share(loaded.maps[name], self.maps[name])
            if not self.maps:
                libbpf.resize(loaded.maps["events"], self.settings.ring_bytes)
                libbpf.resize(loaded.maps["records"], libbpf.possible_cpus())
            programs = part.load(loaded, self._objects)
            for name in shared:
                self.maps.setdefault(name, libbpf.map_fd(loaded.maps[name]))
            self._programs |= {(source, ways.called(name)): each for name, each in programs.items()}

    def _attach(self, programs: Keys) -> None:
        """Attach those of the programs that are loaded."""
        with tracepoint.tracefs() as root:
            for each in sorted(programs & self._programs.keys()):
                self._links[each] = self._attached(self._programs[each], root)
                if each == _MOVES:
                    libbpf.write_element(self.maps["moves"], _COUNTED)

    def _attached(self, program: Program, tracefs: int) -> int | None:
        if not program.section.startswith(_TRACEPOINT):
            return libbpf.attach_if_there(program)  # other kernels have another name for the tracepoint
        name = program.section.removeprefix(_TRACEPOINT)
        number = tracepoint.identifier(tracefs, name)
        if number is None:
            self.absent.append(name)
            return None
        return tracepoint.attach(number, program.fd)

    def _detach(self, program: Key) -> None:
        link = self._links.pop(program)
        if link is not None:
            os.close(link)
        if program == _MOVES:
            libbpf.write_element(self.maps["moves"], _NOT_COUNTED)


def _programs(events: Collection[str]) -> Keys:
    """What reports these event types."""
    hooks = [HOOKS[event] for event in events]
    found = {(hook.source, hook.program) for hook in hooks}
    if any(hook.ring for hook in hooks):
        found |= RING
    if any(EVENT_TYPES[event].kind == "open" for event in events) and ways.moves_are_told():
        found.add(_MOVES)
    return {key for key in found if ways.has(key[0])}


def _operations(events: Collection[str]) -> int:
    """The operations of io_uring that do the same, a bit for each."""
    return sum(1 << operation for event in events for operation in HOOKS[event].ring)


def load(needs: Needs, settings: Settings) -> Loaded:
    """Load and attach what these needs take; raises as ``Loaded.step`` does."""
    loaded = Loaded(settings)
    try:
        loaded.want(needs)
        while loaded.step():
            pass
    except BaseException:
        loaded.close()
        raise
    return loaded
