"""The four capabilities that watching a kernel takes, and what each of them is for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_SYS_ADMIN = 21


@dataclass(frozen=True, slots=True)
class Capability:
    """``bit`` is its number in include/uapi/linux/capability.h."""

    name: str
    bit: int
    purpose: str


NEEDED = (
    Capability("CAP_BPF", 39, "load programs"),
    Capability("CAP_PERFMON", 38, "attach programs and read the kernel's memory"),
    Capability("CAP_SYS_PTRACE", 19, "read what /proc says of other users' processes"),
    Capability("CAP_DAC_READ_SEARCH", 2, "find the tracepoints and look at executables"),
)


def missing() -> list[Capability]:
    """Those that this process does not have; CAP_SYS_ADMIN contains the first two."""
    status = Path("/proc/self/status").read_text()
    effective = int(re.findall(r"^CapEff:\s*(\w+)", status, re.MULTILINE)[0], 16)
    held = effective | (1 << 39 | 1 << 38 if effective >> _SYS_ADMIN & 1 else 0)
    return [capability for capability in NEEDED if not held >> capability.bit & 1]
