"""Limits in words, for the author who wants to know what a rule costs."""

from collections.abc import Iterator, Sequence

from rules.catalogue.flags import OPEN_FLAGS
from wire.needs import Limits, Paths, Range

# Of a longer list of values the rest is counted.
_FEW = 4

_ACCESS = {
    (0,): "opened for reading only",
    (1,): "opened for writing only",
    (1, 2): "opened for writing",
    (0, 2): "opened for reading",
    (0, 1, 2): "opened for reading or writing",
    (0, 3): "not opened for writing",
    (1, 3): "not opened for reading",
}


def described(limits: Limits) -> str:
    """One sentence part; ``everything`` where there is no limit."""
    return ", ".join(_parts(limits)) or "everything"


def _parts(limits: Limits) -> Iterator[str]:
    if limits.result:
        yield f"{limits.result} only"
    if limits.scope:
        yield "in containers" if limits.scope == "container" else "on the host itself"
    if limits.access is not None:
        yield _ACCESS.get(limits.access, f"opened with access mode {_several(list(map(str, limits.access)))}")
    if limits.flags:
        yield f"with {'|'.join(name for bit, name in OPEN_FLAGS.items() if limits.flags & bit)}"
    for values in (limits.families, limits.protocols):
        if values is not None:
            yield _several(list(values))
    for what, paths in (("path", limits.path), ("program", limits.exe)):
        if paths is not None:
            yield f"{what} {_paths(paths)}"
    for side, ranges, nets in (
        ("local", limits.local_ports, limits.local_nets),
        ("remote", limits.remote_ports, limits.remote_nets),
    ):
        if ranges is not None:
            yield f"{side} port {_several(list(map(_range, ranges)))}"
        if nets is not None:
            yield f"{side} address in {_several(list(nets))}"


def _paths(paths: Paths) -> str:
    texts = [
        *paths.exact,
        *(f"{each}…" for each in paths.prefixes),
        *(f"…{each}" for each in paths.suffixes),
        *(f"…/{each}" for each in paths.names),
        *(f"…{each}…" for each in paths.parts),
    ]
    return _several(texts)


def _range(ports: Range) -> str:
    low, high = ports
    return str(low) if low == high else f"{low}-{high}"


def _several(texts: Sequence[str]) -> str:
    if len(texts) > _FEW:
        return f"{', '.join(texts[:_FEW])} or {len(texts) - _FEW} more"
    return " or ".join(texts)
