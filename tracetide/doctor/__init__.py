"""What this host can do for tracetide, what is missing, and how to get it: a module for each thing to see.

To add one: a module with a ``look``, and its line here. Each is imported when its turn comes, so that a
package that one of them needs can be missing without harm to the others.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from importlib import import_module

from tracetide.doctor.contract import Asked, Finding

LOOKS = (
    "kernel",
    "privileges",
    "hooks",
    "groups",
    "runtimes",
    "buffers",
    "clock",
    "running",
    "library",
    "broker",
    "destinations",
)


async def examine(asked: Asked) -> AsyncIterator[Finding]:
    """Everything that is found, as it is found."""
    for name in LOOKS:
        async for finding in import_module(f"tracetide.doctor.{name}").look(asked):
            yield finding
