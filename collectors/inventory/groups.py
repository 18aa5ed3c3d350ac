"""Which container each control group on this host belongs to, and whether it still exists."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from collectors.kernel.cgroups import Hierarchies
from wire.event import AnyEvent, Exec

# Control groups kept at most; the oldest are forgotten, and found again when they are seen again.
_KEPT = 1 << 16


# The first control group namespace, as include/linux/proc_ns.h has it: a constant of the kernel.
_FIRST_NAMESPACE = 0xEFFFFFFB


def _sees_all() -> bool:
    """Whether paths of control groups are here what they are for the kernel."""
    try:
        return Path("/proc/self/ns/cgroup").stat().st_ino == _FIRST_NAMESPACE
    except OSError:
        return False


@dataclass
class Groups:
    """Paths of control groups by the kernel's number, from execs that name them and from ``/proc``."""

    proc: Path = Path("/proc")
    _visible: bool = field(default_factory=_sees_all)
    _hierarchies: Hierarchies = field(default_factory=Hierarchies)
    _paths: dict[int, str] = field(default_factory=dict)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def read(self, events: Sequence[AnyEvent]) -> None:
        """Note what execs and ``/proc`` say; to be called as soon as the events are there."""
        unnamed: dict[int, list[int]] = {}
        for event in events:
            number = event.cgroup
            if number is None or number in self._paths:
                continue
            if isinstance(event, Exec) and event.cgroup_path:
                self._note(number, event.cgroup_path)
            else:
                unnamed.setdefault(number, []).append(event.pid)
        for number, pids in unnamed.items():
            # Those that did something last are most likely to be there still.
            for pid in dict.fromkeys(reversed(pids)):
                if number not in self._paths:
                    self._look(number, pid)

    async def path(self, number: int, patience: float) -> str | None:
        """The path of a group; it may have to wait for an exec in it."""
        deadline = asyncio.get_running_loop().time() + patience
        while number not in self._paths:
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                return None
            self._news.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), left)
        return self._paths[number]

    def exists(self, path: str, otherwise: bool) -> bool:
        """Whether there still is such a group; ``otherwise`` if it cannot be seen from here."""
        return self._hierarchies.has(path) if self._visible else otherwise

    def _look(self, number: int, pid: int) -> None:
        try:
            group = self._hierarchies.of(self.proc / str(pid))
        except (OSError, ValueError):
            return
        if group.id == number and group.path:
            self._note(number, group.path)

    def _note(self, number: int, path: str) -> None:
        self._paths[number] = path
        if len(self._paths) > _KEPT:
            del self._paths[next(iter(self._paths))]
        self._news.set()
