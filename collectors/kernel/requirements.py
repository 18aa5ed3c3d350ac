"""Says in a sentence why the kernel of this machine cannot be watched, and what to do about it."""

from __future__ import annotations

import platform
import re
from pathlib import Path

from collectors.kernel import headers, libbpf, ways
from collectors.kernel.hooks import HOOKS

# Each capability with its number, and that of an older, larger one that includes it (capabilities(7)).
_NEEDED = {
    "CAP_BPF": (39, 21),
    "CAP_PERFMON": (38, 21),
    "CAP_SYS_PTRACE": (19, 19),
    "CAP_DAC_READ_SEARCH": (2, 1),
}
_OLDEST = (5, 15)

# The inode of the first pid namespace is part of the kernel's interface (include/linux/proc_ns.h).
_FIRST_PID_NAMESPACE = 0xEFFFFFFC


def why_not() -> str | None:
    """``None`` if everything is there that ``KernelSource`` needs."""
    for check in (_system, _kernel, _capabilities, _namespace, _libbpf, _objects):
        reason = check()
        if reason:
            return f"the kernel cannot be watched here: {reason}"
    return None


def _system() -> str | None:
    if platform.system() != "Linux":
        return f"this is {platform.system()}, not Linux"
    if platform.machine() not in ("x86_64", "aarch64"):
        return f"there are programs for x86_64 and aarch64, not for {platform.machine()}"
    return None


def _kernel() -> str | None:
    found = re.match(r"(\d+)\.(\d+)", platform.release())
    if found and (int(found[1]), int(found[2])) < _OLDEST:
        return f"Linux {platform.release()} is too old, 5.15 or newer is needed"
    if not ways.BTF.exists() and (reason := headers.why_not()):
        return f"this kernel has no type information ({ways.BTF}), and {reason}"
    return None


def _capabilities() -> str | None:
    status = Path("/proc/self/status").read_text()
    effective = int(re.findall(r"^CapEff:\s*(\w+)", status, re.MULTILINE)[0], 16)
    missing = [name for name, bits in _NEEDED.items() if not any(effective >> bit & 1 for bit in bits)]
    if missing:
        are = "is" if len(missing) == 1 else "are"
        return f"{', '.join(missing)} {are} missing: run it as root, or with {', '.join(_NEEDED)}"
    return None


def _namespace() -> str | None:
    if Path("/proc/self/ns/pid").stat().st_ino != _FIRST_PID_NAMESPACE:
        return "this is a container with process numbers of its own: start it in the host's pid namespace"
    return None


def _libbpf() -> str | None:
    try:
        libbpf.library()
    except libbpf.BpfError as error:
        return str(error)
    return None


def _objects() -> str | None:
    for source in sorted({hook.source for hook in HOOKS.values()} | {"probe"}):
        if not (ways.OBJECTS / f"{source}.bpf.o").exists():
            return f"{source}.bpf.c is not compiled for {platform.machine()}: run python -m bpf.build"
    return None
