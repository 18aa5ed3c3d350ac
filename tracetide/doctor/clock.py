"""Whether this host's clock can be compared with others'."""

from __future__ import annotations

import ctypes
from collections.abc import AsyncIterator

from tracetide.doctor.contract import Asked, Finding, note

# From include/uapi/linux/timex.h.
_STA_UNSYNC = 0x40


class _Timex(ctypes.Structure):
    """The beginning of struct timex; the kernel writes 208 bytes."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 160),
    )


async def look(_asked: Asked) -> AsyncIterator[Finding]:
    """What the kernel thinks of its own clock."""
    timex = _Timex()
    ctypes.CDLL(None).adjtimex(ctypes.byref(timex))
    if timex.status & _STA_UNSYNC:
        yield note(
            "clock",
            "nobody keeps it right; times may not fit with those of other hosts",
            "run chrony or systemd-timesyncd, or have the machine's host do it",
        )
    else:
        yield Finding("clock", f"synchronised, wrong by at most {timex.maxerror / 1000:.0f} ms")
