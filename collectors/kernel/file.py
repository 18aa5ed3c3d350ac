"""Decodes the records of ``file.bpf.c``: the open family."""

from __future__ import annotations

from typing import Literal

from collectors.kernel.decode import TICK, Context, absolute, path_at, text
from collectors.kernel.layout import OPEN, compiled
from wire.event import Open

_OPEN = compiled(OPEN)


def opened(
    context: Context, name: Literal["open", "openat", "openat2", "creat"], seq: int, data: bytes, at: int
) -> Open:
    """A file opened, or not."""
    time, start, cgroup, pid, tid, uid, _, comm, result, flags, mode, path_size, base_size = (
        _OPEN.unpack_from(data, at)
    )
    path_at_ = at + _OPEN.size
    base_at = path_at_ + path_size
    raw = text(data[path_at_ : base_at - 1]) if path_size else ""
    path = absolute(raw, path_at(data, base_at, base_size))
    return Open(
        type=name,
        seq=seq,
        time=time + context.epoch,
        pid=pid,
        tid=tid,
        start=start - start % TICK,
        comm=context.comm(comm),
        uid=uid,
        cgroup=cgroup,
        result=result,
        path=path,
        raw=None if raw == path else raw,
        flags=flags,
        mode=mode,
    )
