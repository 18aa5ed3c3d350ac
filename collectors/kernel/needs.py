"""Puts what rules need into the form that the kernel's programs read: the filter of bpf/events.h."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from itertools import chain

from collectors.kernel import layout
from collectors.kernel.automaton import Automaton, automaton
from collectors.kernel.hooks import ALWAYS, HOOKS
from collectors.kernel.layout import ALTERNATIVES, CELLS, KINDS, LIMITS, RANGES, SEEN, STATES, compiled
from wire.needs import ANY, Limits, Needs, Paths, Range

# Only the paths of opens are looked at in the kernel; other limits of paths are no limits there.
_OPENS = frozenset({"open", "openat", "openat2", "creat"})

# Sets of paths that have a bit of their own; the highest bit is for paths that are not resolved.
_SETS = 31
_UNRESOLVED = 1 << _SETS

_RESULTS = {"success": 1, "failure": 2}
_SCOPES = {"container": 1, "host": 2}
_FAMILIES = {"ipv4": 1, "ipv6": 2, "unix": 4}
_PROTOCOLS = {"tcp": 1, "udp": 2, "icmp": 4, "raw": 8}
_ANY = 0xFF
_BOTH = 3

_HEAD = compiled(layout.FILTER)
_TYPE = compiled(layout.TYPE_LIMITS)
_LIMIT = compiled(layout.LIMIT)

# Types of the process tree are collected whatever the rules say.
_UNLIMITED: tuple[Limits, ...] = (ANY,)


def everything(events: Collection[str]) -> Needs:
    """All events of some types."""
    return Needs(types=dict.fromkeys(events, _UNLIMITED))


def wanted(needs: Needs) -> set[str]:
    """The event types that must leave the kernel, as far as it can tell of them."""
    return (needs.types.keys() & HOOKS.keys()) | ALWAYS


@dataclass(slots=True)
class _Writer:
    """Collects limits and sets of paths; what there is no room for becomes no limit, or a wider set."""

    sets: list[Paths] = field(default_factory=list)
    packed: list[bytes] = field(default_factory=list)
    known: dict[tuple[Limits, ...], tuple[int, int]] = field(default_factory=dict)

    def place(self, alternatives: tuple[Limits, ...], *, is_open: bool) -> tuple[int, int]:
        """Where the limits of a type are, and how many; none at all is no limit."""
        reduced = tuple(_as_seen(limits, is_open=is_open) for limits in alternatives)
        if len(reduced) > ALTERNATIVES or ANY in reduced:
            return 0, 0
        if reduced not in self.known:
            if len(self.packed) + len(reduced) > LIMITS:
                return 0, 0
            self.known[reduced] = len(self.packed), len(reduced)
            self.packed += [self._pack(limits) for limits in reduced]
        return self.known[reduced]

    def _pack(self, limits: Limits) -> bytes:
        local, remote = limits.local_ports or (), limits.remote_ports or ()
        return _LIMIT.pack(
            0 if limits.path is None else self._bit(limits.path),
            limits.flags,
            _access(limits),
            _RESULTS[limits.result] if limits.result else _BOTH,
            _SCOPES[limits.scope] if limits.scope else _BOTH,
            _ANY if limits.families is None else _bits(_FAMILIES.get(each, 0) for each in limits.families),
            _ANY if limits.protocols is None else _bits(_PROTOCOLS.get(each, 0) for each in limits.protocols),
            len(local),
            len(remote),
            *_ranges(local),
            *_ranges(remote),
        )

    def _bit(self, paths: Paths) -> int:
        if paths not in self.sets:
            if len(self.sets) < _SETS:
                self.sets.append(paths)
            else:
                return 0
        return 1 << self.sets.index(paths)


def _as_seen(limits: Limits, *, is_open: bool) -> Limits:
    """Without what the kernel's programs do not look at."""
    return Limits(
        path=limits.path if is_open else None,
        access=limits.access if is_open else None,
        flags=limits.flags if is_open else 0,
        result=limits.result,
        scope=limits.scope,
        families=limits.families,
        protocols=limits.protocols,
        local_ports=_few(limits.local_ports),
        remote_ports=_few(limits.remote_ports),
    )


def _access(limits: Limits) -> int:
    return _ANY if limits.access is None else _bits(1 << mode for mode in limits.access)


def _few(ranges: tuple[Range, ...] | None) -> tuple[Range, ...] | None:
    return ranges if ranges and len(ranges) <= RANGES else None


def _bits(values: Iterable[int]) -> int:
    found = 0
    for value in values:
        found |= value
    return found


def _ranges(ranges: tuple[Range, ...]) -> Iterable[int]:
    return chain.from_iterable((*ranges, *((0, 0),) * (RANGES - len(ranges))))


def encoded(needs: Needs) -> bytes:
    """The struct filter. An event that it leaves out is admitted by none of the needs."""
    writer = _Writer()
    types = [bytes(_TYPE.size)] * KINDS
    for name in sorted(wanted(needs), key=lambda name: HOOKS[name].kind):
        alternatives = _UNLIMITED if name in ALWAYS else needs.types[name]
        first, count = writer.place(alternatives, is_open=name in _OPENS)
        types[HOOKS[name].kind] = _TYPE.pack(
            first,
            count,
            1,
            _bits(_RESULTS[each.result] if each.result else _BOTH for each in alternatives),
            _bits(_SCOPES[each.scope] if each.scope else _BOTH for each in alternatives),
            any(each.scope for each in alternatives),
            _bits(_access(each) for each in alternatives),
        )
    return b"".join(_paths(writer.sets, types, writer.packed))


def _paths(sets: list[Paths], types: list[bytes], packed: list[bytes]) -> Iterable[bytes]:
    """The parts of the filter in their order. With an automaton that is too large, any path may pass."""
    known = automaton(sets, _UNRESOLVED)
    if len(known.seen) > STATES or len(known.table) > CELLS:
        known = _undecided()
    yield _HEAD.pack(known.start, known.width, known.classes)
    yield from types
    yield b"".join(packed).ljust(_LIMIT.size * LIMITS, b"\0")
    for states in (known.seen, known.ends):
        yield array("I", states).tobytes().ljust(4 * STATES, b"\0")
    cells = array("H", (state | SEEN if known.seen[state] else state for state in known.table))
    yield cells.tobytes().ljust(2 * CELLS, b"\0")


def _undecided() -> Automaton:
    """One that cannot tell a single letter, so that every path is let through."""
    return Automaton(bytes([layout.NO_CLASS]) * 256, 1, 0, array("H", [0]), [0], [0])
