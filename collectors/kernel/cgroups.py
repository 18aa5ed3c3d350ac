"""Finds a process's control group in ``/proc``: the same one, with the same number, as the programs do."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

# Controllers whose version 1 hierarchy is preferred to the unified one, as in bpf/common.bpf.h.
_CONTROLLERS = ("memory", "pids")

_MOUNT = re.compile(
    r"^\S+ \S+ \S+ (?P<root>\S+) (?P<point>\S+) .* - (?P<type>cgroup2?) \S+ (?P<options>\S+)$"
)


def unified() -> bool:
    """Whether none of the controllers that may tell containers apart is in a hierarchy of version 1."""
    try:
        lines = Path("/proc/cgroups").read_text().splitlines()
    except OSError:
        return False
    return all(line.split()[1] == "0" for line in lines if line.split()[0] in _CONTROLLERS)


class Group(NamedTuple):
    """A control group: ``id`` is unique on the host, ``path`` begins at the root of its hierarchy."""

    id: int | None
    path: str | None


class _Mount(NamedTuple):
    """Where a hierarchy, or the part of it below ``root``, can be looked at."""

    root: str
    point: Path

    def at(self, path: str) -> Path:
        """The directory of a group."""
        below = path.removeprefix(self.root) if self.root != "/" else path
        return self.point / below.lstrip("/")


def _mounts() -> dict[str, _Mount]:
    mounts: dict[str, _Mount] = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        found = _MOUNT.match(line)
        if not found:
            continue
        mount = _Mount(found["root"], Path(found["point"]))
        for controller in found["options"].split(",") if found["type"] == "cgroup" else [""]:
            mounts.setdefault(controller, mount)
    return mounts


@dataclass(slots=True)
class Hierarchies:
    """The hierarchies that are mounted, by controller; the unified one is called ``""``."""

    mounts: dict[str, _Mount] = field(default_factory=_mounts)
    _known: dict[tuple[str, str], Group] = field(default_factory=dict)

    def of(self, process: Path) -> Group:
        """The control group of the process with this directory in ``/proc``."""
        chosen = _choose((process / "cgroup").read_text())
        if chosen is None:
            return Group(None, None)
        hierarchy, controller, path = chosen
        if (controller, path) not in self._known:
            self._known[controller, path] = Group(self._number(hierarchy, controller, path), path)
        return self._known[controller, path]

    def preferred(self) -> str | None:
        """The controller whose hierarchy tells containers apart, ``""`` for the unified one."""
        return next((each for each in (*_CONTROLLERS, "") if each in self.mounts), None)

    def has(self, path: str) -> bool:
        """Whether a group with this path exists in any hierarchy."""
        return any(mount.at(path).exists() for mount in self.mounts.values())

    def _number(self, hierarchy: int, controller: str, path: str) -> int | None:
        """The kernel's number of a group is the inode number of its directory."""
        mount = self.mounts.get(controller)
        if mount is None:
            return None
        try:
            return hierarchy << 48 | mount.at(path).stat().st_ino
        except OSError:
            return None


def _choose(lines: str) -> tuple[int, str, str] | None:
    """From /proc/PID/cgroup: number and controller of the hierarchy that tells containers apart; the path."""
    groups: dict[str, tuple[int, str]] = {}
    for line in lines.splitlines():
        number, controllers, path = line.split(":", 2)
        for controller in controllers.split(","):
            groups[controller] = int(number), path
    for controller in (*_CONTROLLERS, ""):
        if controller in groups:
            number_of, path = groups[controller]
            return number_of, controller, path
    return None
