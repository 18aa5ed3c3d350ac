"""Puts the BPF programs into the kernel, attaches them, and takes them out again."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass, field

from collectors.kernel import libbpf, tracepoint, ways
from collectors.kernel.hooks import HOOKS, RING
from collectors.kernel.layout import CONFIG, KINDS, compiled
from collectors.kernel.libbpf import Handle

_TRACEPOINT = "tp/"

Programs = set[tuple[str, str]]  # source and name

_SHARED = ("events", "losses", "config", "records")
_CONFIG = compiled(CONFIG)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the programs are told. ``ring_bytes`` is a power of two; ``skip`` as in enum skip of events.h."""

    ring_bytes: int
    skip: int
    own_tgid: int = field(default_factory=os.getpid)


@dataclass(slots=True)
class Loaded:
    """Programs at work. ``absent`` are the tracepoints that this kernel does not have."""

    maps: dict[str, int]
    absent: list[str]
    _settings: Settings
    _events: set[str]
    _programs: Programs
    _losses: ctypes.Array[ctypes.c_char]
    _cleanup: ExitStack

    def attach(self, events: Collection[str]) -> None:
        """Load and attach what these event types need besides; raises as ``load`` does."""
        self._events |= set(events)
        further = _programs(self._events) - self._programs
        if further:
            self._programs |= further
            programs = _load_all(self._cleanup, further, self.maps, {})
            _configure(self.maps, self._settings, self._events)
            self.absent += _attach_all(self._cleanup, programs)

    def losses(self) -> bytes:
        """For each CPU in turn, ``KINDS`` 64-bit counts of records that found the ring buffer full."""
        libbpf.read_element(self.maps["losses"], self._losses)
        return self._losses.raw

    def close(self) -> None:
        """Detach everything and give back what it took in the kernel."""
        self._cleanup.close()


def load(events: Collection[str], settings: Settings) -> Loaded:
    """Load and attach what is needed for these event types.

    Raises:
        BpfError: libbpf or the kernel refused.
        TracepointError: the tracepoints of system calls cannot be had.
    """
    wanted = _programs(events)
    with ExitStack() as stack:
        cpus = libbpf.possible_cpus()
        maps: dict[str, int] = {}
        programs = _load_all(stack, wanted, maps, {"events": settings.ring_bytes, "records": cpus})
        _configure(maps, settings, events)
        absent = _attach_all(stack, programs)
        buffer = ctypes.create_string_buffer(8 * KINDS * cpus)
        return Loaded(maps, absent, settings, set(events), wanted, buffer, stack.pop_all())


def _programs(events: Collection[str]) -> Programs:
    """What reports these event types."""
    hooks = [HOOKS[event] for event in events]
    found = {(hook.source, hook.program) for hook in hooks}
    return found | RING if any(hook.ring for hook in hooks) else found


def _configure(maps: dict[str, int], settings: Settings, events: Collection[str]) -> None:
    ring = sum(1 << operation for event in events for operation in HOOKS[event].ring)
    values = settings.own_tgid, settings.ring_bytes // 4, settings.skip, ring
    libbpf.write_element(maps["config"], _CONFIG.pack(*values))


def _load_all(
    stack: ExitStack, programs: Programs, maps: dict[str, int], sizes: dict[str, int]
) -> list[Handle]:
    loaded: list[Handle] = []
    for source in sorted({source for source, _ in programs}):
        wanted = {name for each, name in programs if each == source}
        loaded += _load_object(stack, source, wanted, maps, sizes)
    return loaded


def _load_object(
    stack: ExitStack, source: str, wanted: Collection[str], maps: dict[str, int], sizes: dict[str, int]
) -> list[Handle]:
    """Load the wanted programs of one source. The first object makes the shared maps, the others use them."""
    programs: list[Handle] = []
    for part in ways.parts(source, wanted):
        loaded = part.open()
        stack.callback(loaded.close)
        for name in _SHARED:
            if name in maps:
                libbpf.share(loaded.maps[name], maps[name])
            elif name in sizes:
                libbpf.resize(loaded.maps[name], sizes[name])
        part.load(loaded)
        for name in _SHARED:
            maps.setdefault(name, libbpf.map_fd(loaded.maps[name]))
        programs += [loaded.programs[name] for name in part.programs]
    return programs


def _attach_all(stack: ExitStack, programs: Collection[Handle]) -> list[str]:
    absent = []
    with tracepoint.tracefs() as root:
        for program in programs:
            section = libbpf.section(program)
            if not section.startswith(_TRACEPOINT):
                link = libbpf.attach_if_there(program)
                if link is not None:  # a name of the tracepoint that other kernels have
                    stack.callback(libbpf.detach, link)
                continue
            name = section.removeprefix(_TRACEPOINT)
            number = tracepoint.identifier(root, name)
            if number is None:
                absent.append(name)
                continue
            event = tracepoint.open_event(number)
            try:
                link = libbpf.attach_perf_event(program, event)
            except libbpf.BpfError:
                os.close(event)
                raise
            stack.callback(libbpf.detach, link)
    return absent
