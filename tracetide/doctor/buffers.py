"""Where events wait: the kernel's buffer, the memory that this process may use, and the disk."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from tracetide.doctor.contract import Asked, Finding, bad, note

_MIB = 1 << 20

# What the collector takes at 50,000 events a second, with its buffers.
_COLLECTOR = 150 * _MIB

_LIMITS = ("/sys/fs/cgroup/{}/memory.max", "/sys/fs/cgroup/memory/{}/memory.limit_in_bytes")


async def look(asked: Asked) -> AsyncIterator[Finding]:
    """Memory first, then what was left behind on the disk, then the room on it."""
    yield _memory()
    yield _spill(asked.spill)
    waiting = list(asked.spill.glob("*.jsonl.zst")) if os.access(asked.spill, os.R_OK | os.X_OK) else []
    if waiting:
        size = sum(path.stat().st_size for path in waiting)
        yield note(
            "undelivered events",
            f"{len(waiting)} files, {size / _MIB:.1f} MiB in {asked.spill}",
            "start tracetide collect with this folder: it delivers them first",
        )


def _memory() -> Finding:
    from collectors.kernel.source import KernelSource  # noqa: PLC0415  # only on Linux

    ring = KernelSource().ring_bytes
    limit = _limit()
    buffer = f"the kernel's buffer has {ring // _MIB} MiB"
    if limit is None:
        return Finding("memory", f"{buffer}; no limit is set")
    state = f"{buffer}; the limit is {limit // _MIB} MiB"
    if limit < _COLLECTOR:
        return bad("memory", state, f"allow the collector {_COLLECTOR // _MIB} MiB")
    return Finding("memory", state)


def _limit() -> int | None:
    """The smallest limit of this process's control group and those above it; ``None`` if there is none."""
    found = []
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, group = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        for folder in (Path(group), *Path(group).parents):
            for pattern in _LIMITS:
                found += _number(Path(pattern.format(str(folder).strip("/"))))
    return min(found, default=None)


def _number(path: Path) -> list[int]:
    try:
        text = path.read_text().strip()
    except OSError:
        return []
    # Version 1 says by a number that no machine has that there is no limit.
    return [int(text)] if text != "max" and int(text) < 1 << 60 else []


def _spill(folder: Path) -> Finding:
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        return bad(
            "spill", f"{folder} cannot be written to", f"chown {there} to the collector, or set --spill"
        )
    free = shutil.disk_usage(there).free
    state = f"{folder}, {free / (1 << 30):.1f} GiB free"
    from collectors.backlog import Backlog  # noqa: PLC0415  # only for its limit

    if free < Backlog.limit:
        return note("spill", state, f"make room for {Backlog.limit // _MIB} MiB, or set --spill-size")
    return Finding("spill", state)
