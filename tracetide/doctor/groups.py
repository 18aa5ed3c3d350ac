"""How control groups are laid out here, since they are what tells containers apart."""

from __future__ import annotations

from collections.abc import AsyncIterator
from collections.abc import Set as AbstractSet
from pathlib import Path

from tracetide.doctor.contract import Asked, Finding, bad

_SYSTEMD = Path("/run/systemd/system")


async def look(_asked: Asked) -> AsyncIterator[Finding]:
    """Which hierarchies are mounted, which one is used, and who runs it."""
    from collectors.kernel.cgroups import Hierarchies  # noqa: PLC0415  # only on Linux

    hierarchies = Hierarchies()
    used = hierarchies.preferred()
    if used is None:
        yield bad(
            "control groups",
            "none is mounted here, so that containers cannot be told apart",
            "mount -t cgroup2 none /sys/fs/cgroup",
        )
        return
    chosen = f"version 1's {used}" if used else "the unified hierarchy"
    layout = _layout(hierarchies.mounts.keys())
    yield Finding("control groups", f"{layout}; containers are told apart by {chosen}")


def _layout(mounted: AbstractSet[str]) -> str:
    """Which versions there are, and who is likely to make groups."""
    versions = "version 1" if "" not in mounted else "versions 1 and 2" if len(mounted) > 1 else "version 2"
    return f"{versions}, driver {'systemd' if _SYSTEMD.is_dir() else 'cgroupfs'}"
