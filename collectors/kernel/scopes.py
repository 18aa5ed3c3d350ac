"""Tells the kernel's programs which control groups are containers' and which the host's own."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from collectors.kernel import libbpf
from wire.cgroup import containers
from wire.event import Exec

_CONTAINER, _HOST = 1, 2  # enum scope of bpf/events.h
_KEY = struct.Struct("=Q")
_VALUE = struct.Struct("=I")

# As many as the kernel's map has places for.
_MOST = 16384


@dataclass(slots=True)
class Scopes:
    """What the paths of control groups say, as the engine reads them. One not seen yet may be either."""

    map_fd: int
    _known: set[int] = field(default_factory=set)

    def learn(self, event: Exec) -> None:
        """Take over the control group of a process, if it is new."""
        if event.cgroup is None or event.cgroup_path is None or event.cgroup in self._known:
            return
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known.add(event.cgroup)
        scope = _CONTAINER if containers(event.cgroup_path) else _HOST
        libbpf.write_entry(self.map_fd, _KEY.pack(event.cgroup), _VALUE.pack(scope))
