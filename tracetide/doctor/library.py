"""What is looked for here."""

from __future__ import annotations

from collections.abc import AsyncIterator

from tracetide.doctor.contract import Asked, Finding


async def look(_asked: Asked) -> AsyncIterator[Finding]:
    """How many rules come with tracetide."""
    import rules  # noqa: PLC0415  # only to count them

    yield Finding("rule library", f"{len(rules.load([]).rules)} rules")
