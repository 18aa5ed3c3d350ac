"""Whether the kernel can be watched at all, and what in its settings makes that dearer."""

from __future__ import annotations

import platform
from collections.abc import AsyncIterator
from pathlib import Path

from tracetide.doctor.contract import Asked, Finding, bad, note

_JIT = Path("/proc/sys/net/core/bpf_jit_enable")
_LOCKDOWN = Path("/sys/kernel/security/lockdown")


async def look(_asked: Asked) -> AsyncIterator[Finding]:
    """The kernel, then what it does to programs."""
    from collectors.kernel import why_not  # noqa: PLC0415  # it may not be importable elsewhere than on Linux

    name = f"Linux {platform.release()} on {platform.machine()}"
    reason = why_not()
    if reason:
        sentence, _, remedy = reason.partition(": ")[2].partition(": ")
        yield bad("kernel", f"{name}: {sentence}", remedy or "run the collector on another host")
    else:
        yield Finding("kernel", f"{name} can be watched")
    if _read(_JIT) == "0":
        yield note(
            "BPF compiler",
            "off: programs are interpreted, several times slower",
            "sysctl net.core.bpf_jit_enable=1",
        )
    if "[confidentiality]" in _read(_LOCKDOWN):
        yield bad(
            "kernel lockdown",
            "confidentiality: programs may not read the kernel's memory",
            "boot with lockdown=integrity or without lockdown",
        )


def _read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""
