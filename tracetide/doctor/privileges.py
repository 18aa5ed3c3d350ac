"""Whether this process may do what the collector has to."""

from __future__ import annotations

from collections.abc import AsyncIterator

from tracetide.doctor.contract import Asked, Finding, bad


async def look(_asked: Asked) -> AsyncIterator[Finding]:
    """All capabilities in one line, or each one that is missing."""
    from collectors.kernel.privileges import NEEDED, missing  # noqa: PLC0415  # only on Linux

    lacking = missing()
    if not lacking:
        yield Finding("capabilities", ", ".join(capability.name for capability in NEEDED))
    for capability in lacking:
        yield bad(
            capability.name,
            f"missing; it is needed to {capability.purpose}",
            "run as root, or grant it as deploy/systemd and deploy/kubernetes do",
        )
