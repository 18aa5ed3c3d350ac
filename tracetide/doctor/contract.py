"""What every look at a host is asked with, and what it finds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Level = Literal["good", "note", "bad"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user wants looked at besides the host itself."""

    spill: Path
    kafka: str | None = None
    metrics: str | None = None
    sinks: tuple[str, ...] = ()
    inventory: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. A note works but says less than it could; what is bad does not work.

    ``state`` is how it is, ``remedy`` what to do about it; what is good has none.
    """

    what: str
    state: str
    level: Level = "good"
    remedy: str | None = None


Look = Callable[[Asked], AsyncIterator[Finding]]


def note(what: str, state: str, remedy: str) -> Finding:
    """Something that works less well than it could."""
    return Finding(what, state, "note", remedy)


def bad(what: str, state: str, remedy: str) -> Finding:
    """Something that does not work."""
    return Finding(what, state, "bad", remedy)
