"""What the programs are told when they are loaded: the struct config of bpf/events.h."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field

from collectors.kernel.cgroups import unified
from collectors.kernel.layout import CONFIG, compiled

# Shares of the ring buffer up to which events of a class are taken: forks and exits, execs, others, frequent.
_ROOM = (1.0, 1.0, 0.9, 0.75)

# A rate is one of events of any kind. Of forks and execs there can be as many in that time as cost the same.
_SHARES = (0.25, 0.25, 1.0, 1.0)

# What one process may have of the rate of its control group.
_PROCESS_SHARE = 0.5

_BURST = 1.0
_SECOND = 10**9
_CONFIG = compiled(CONFIG)


@dataclass(frozen=True, slots=True)
class Settings:
    """``ring_bytes`` is a power of two; ``skip`` as in enum skip of events.h.

    ``rate`` is how many events a second a control group may have on each CPU, 0 for any number; a quarter of
    it in forks and in execs, half of it in one process; for a second it may be twice as many. What the
    process ``own_tgid`` and the control group ``own_cgroup`` do is left out, but for forks, execs and exits.
    """

    ring_bytes: int
    skip: int
    rate: int = 0
    own_tgid: int = field(default_factory=os.getpid)
    own_cgroup: int = 0
    seed: int = field(default_factory=lambda: secrets.randbits(64))
    unified: bool = field(default_factory=unified)

    def packed(self, ring: int, active: int) -> bytes:
        """The struct, with the wanted operations of io_uring, and how many filters there were before."""
        costs = [round(_SECOND / (self.rate * share)) if self.rate else 0 for share in _SHARES]
        return _CONFIG.pack(
            self.own_tgid,
            self.ring_bytes // 4,
            self.skip,
            ring,
            self.own_cgroup,
            self.seed,
            *(int(self.ring_bytes * share) for share in _ROOM),
            *costs,
            *(round(cost / _PROCESS_SHARE) for cost in costs),
            round(_BURST * _SECOND),
            active,
            self.unified,
        )
