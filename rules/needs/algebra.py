"""Limits joined by and and or, always so that what either side means is still admitted."""

from collections.abc import Iterable
from functools import reduce
from ipaddress import ip_network
from math import prod
from typing import Any

from msgspec.structs import asdict, replace

from wire.needs import ANY, Limits, Paths, Range

# Any of these limits must be met; none at all is what no event can meet.
Alternatives = tuple[Limits, ...]

ANYTHING: Alternatives = (ANY,)
NOTHING: Alternatives = ()

# More alternatives than these become one that admits what any of them does.
MOST = 32

# The limits that hold a number of values, any of which is admitted.
_SETS = ("access", "families", "protocols", "local_ports", "remote_ports", "local_nets", "remote_nets")


def any_of(parts: Iterable[Alternatives]) -> Alternatives:
    """What one of the parts admits."""
    return _tidy([limits for part in parts for limits in part])


def all_of(parts: Iterable[Alternatives]) -> Alternatives:
    """What every one of the parts admits, and perhaps a little more."""
    return reduce(_both, sorted(parts, key=len), ANYTHING)


def _both(left: Alternatives, right: Alternatives) -> Alternatives:
    if len(left) * len(right) > MOST:
        return min(left, right, key=lambda part: sum(map(width, part)))
    joined = (_joined(one, other) for one in left for other in right)
    return _tidy([limits for limits in joined if limits is not None])


def _joined(one: Limits, other: Limits) -> Limits | None:
    """What meets both; ``None`` if nothing can."""
    for name in ("result", "scope"):
        values = {getattr(each, name) for each in (one, other)} - {None}
        if len(values) > 1:
            return None
    sets = {
        name: _common(name, getattr(one, name), getattr(other, name))
        for name in _SETS
        if getattr(one, name) is not None or getattr(other, name) is not None
    }
    paths = {name: _common_paths(getattr(one, name), getattr(other, name)) for name in ("path", "exe")}
    if not all(sets.values()) or Paths() in paths.values():
        return None
    return replace(
        one,
        **sets,
        **paths,
        flags=one.flags | other.flags,
        result=one.result or other.result,
        scope=one.scope or other.scope,
    )


def _common(
    name: str, one: tuple[object, ...] | None, other: tuple[object, ...] | None
) -> tuple[object, ...]:
    if one is None or other is None:
        return one or other or ()
    if name.endswith("ports"):
        return tuple(_common_ranges(one, other))  # type: ignore[arg-type]  # what ports are
    if name.endswith("nets"):
        nets = [ip_network(each) for each in other]  # type: ignore[arg-type]  # what nets are
        return tuple(each for each in one if any(_overlap(str(each), net) for net in nets))
    return tuple(each for each in one if each in other)


def _overlap(one: str, other: object) -> bool:
    net = ip_network(one)
    return net.version == other.version and net.overlaps(other)  # type: ignore[attr-defined, arg-type]  # a network


def _common_ranges(one: tuple[Range, ...], other: tuple[Range, ...]) -> Iterable[Range]:
    for low, high in one:
        for lower, higher in other:
            if max(low, lower) <= min(high, higher):
                yield max(low, lower), min(high, higher)


def _common_paths(one: Paths | None, other: Paths | None) -> Paths | None:
    """Exact paths can be looked at; of two other sets the smaller stands for what they have in common."""
    if one is None or other is None:
        return one or other
    for exact, limit in ((one, other), (other, one)):
        if exact == Paths(exact=exact.exact):
            return Paths(exact=tuple(path for path in exact.exact if limit.admits(path)))
    return min(one, other, key=_share)


def _tidy(alternatives: list[Limits]) -> Alternatives:
    """The same with fewer: one that another covers goes, and those that differ in one set become one."""
    kept: list[Limits] = []
    for limits in alternatives:
        candidate = limits
        merged = True
        while merged:
            merged = False
            for other in kept:
                union = _union(other, candidate)
                if union is not None:
                    kept.remove(other)
                    candidate, merged = union, True
                    break
        kept.append(candidate)
    return tuple(kept) if len(kept) <= MOST else (reduce(_widest, kept),)


def _union(one: Limits, other: Limits) -> Limits | None:
    """One limit that admits exactly what the two do, if that can be said."""
    different = [name for name in Limits.__struct_fields__ if getattr(one, name) != getattr(other, name)]
    if not different:
        return one
    if _covers(one, other):
        return one
    if _covers(other, one):
        return other
    return _widest(one, other) if len(different) == 1 and different != ["flags"] else None


def _covers(wide: Limits, narrow: Limits) -> bool:
    """Whether everything that meets the narrow limits meets the wide ones."""
    for name, value in asdict(wide).items():
        inner = getattr(narrow, name)
        if name == "flags":
            if value & ~inner:
                return False
        elif value not in (None, inner) and (
            inner is None or name not in _SETS or not set(value) >= set(inner)
        ):
            return False
    return True


def _widest(one: Limits, other: Limits) -> Limits:
    """One limit that admits what either does."""
    values: dict[str, object] = {"flags": one.flags & other.flags}
    for name in ("path", "exe"):
        values[name] = _either_path(getattr(one, name), getattr(other, name))
    for name in ("result", "scope"):
        values[name] = getattr(one, name) if getattr(one, name) == getattr(other, name) else None
    for name in _SETS:
        left, right = getattr(one, name), getattr(other, name)
        values[name] = None if left is None or right is None else tuple(sorted(_joined_values(left, right)))
    if values["access"] == (0, 1, 2, 3):
        values["access"] = None
    return Limits(**values)  # type: ignore[arg-type]  # each value comes from where it goes


def _joined_values(left: tuple[Any, ...], right: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys((*left, *right)))


def _either_path(one: Paths | None, other: Paths | None) -> Paths | None:
    if one is None or other is None:
        return None
    return Paths(**{name: _joined_values(value, getattr(other, name)) for name, value in asdict(one).items()})


def any_path(paths: Iterable[Paths]) -> Paths:
    """Everything that is in one of them."""
    return reduce(lambda one, other: _either_path(one, other) or one, paths, Paths())


def width(limits: Limits) -> float:
    """A guess at the share of events that limits admit, between 0 and 1. It decides the order only."""
    shares = [_share(limits.path), _share(limits.exe), 0.3 if limits.flags else 1.0]
    shares.append(
        1.0 if limits.access is None else len(limits.access) / 4 * (0.4 if 0 not in limits.access else 1)
    )
    shares.append({None: 1.0, "success": 0.7, "failure": 0.3}[limits.result])
    shares.append(1.0 if limits.scope is None else 0.5)
    shares += [1.0 if each is None else 0.5 for each in (limits.families, limits.protocols)]
    for ranges in (limits.local_ports, limits.remote_ports):
        shares.append(
            1.0 if ranges is None else min(0.9, 0.02 + sum(high - low for low, high in ranges) / 65536)
        )
    shares += [1.0 if nets is None else 0.1 for nets in (limits.local_nets, limits.remote_nets)]
    return prod(shares)


def _share(paths: Paths | None) -> float:
    if paths is None:
        return 1.0
    loose = sum(
        1 / (2 + len(each)) for each in (*paths.prefixes, *paths.suffixes, *paths.parts, *paths.parts)
    )
    return min(0.9, 0.0001 * len(paths.exact) + 0.002 * len(paths.names) + 0.1 * loose)


def unrestricted(limits: Limits) -> bool:
    """Whether neither a path, a program, a port nor an address is asked for."""
    told = (
        limits.path,
        limits.exe,
        limits.local_ports,
        limits.remote_ports,
        limits.local_nets,
        limits.remote_nets,
    )
    return all(each is None for each in told)
