"""Finds out whether the collector has a control group to itself, so that all in it can be left out."""

from __future__ import annotations

import os
from pathlib import Path

from collectors.kernel.cgroups import Hierarchies


def own_cgroup() -> int:
    """The number of this process's control group if it shares it with nobody but its descendants, else 0.

    So it is in a unit of systemd and in a container; with a shell that it was started from it shares it.
    """
    groups = Hierarchies()
    mine = groups.of(Path("/proc/self")).id
    if mine is None:
        return 0
    parents: dict[int, int] = {}
    members = []
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            parents[int(entry.name)] = _parent(Path(entry.path))
            if groups.of(Path(entry.path)).id == mine:
                members.append(int(entry.name))
        except OSError:
            continue
    return mine if all(_descends(pid, os.getpid(), parents) for pid in members) else 0


def _parent(process: Path) -> int:
    line = (process / "stat").read_bytes()
    return int(line[line.rindex(b")") + 2 :].split()[1])


def _descends(pid: int, ancestor: int, parents: dict[int, int]) -> bool:
    while pid > 1 and pid != ancestor:
        pid = parents.get(pid, 0)
    return pid == ancestor
