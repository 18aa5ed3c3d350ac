"""Decodes the records of calls that a few numbers tell: ``identity``, ``kernel``, ``other`` and more."""

from __future__ import annotations

from typing import Any

from collectors.kernel import descriptors
from collectors.kernel.decode import TICK, Context, text
from collectors.kernel.layout import CALL, HEADER, NUMBERS, compiled
from wire.event import Call, Identity

_CALL = compiled(CALL)

_NUMBERS_AT = len(HEADER) + 1
_FILE_AT = compiled(CALL[: _NUMBERS_AT + NUMBERS]).size
_AFTER_FILE = len(CALL) - 3
_NO_FD = -1
_UNSET = 0xFFFFFFFF
_OF_GROUPS = frozenset({"setgid", "setregid", "setresgid", "setfsgid"})


def told(context: Context, name: Any, seq: int, data: bytes, at: int, _end: int) -> Call:  # noqa: ANN401  # one of Call's types
    """A system call, successful or not."""
    values = _CALL.unpack_from(data, at)
    time, start, cgroup, pid, tid, uid, _, comm, result = values[:_NUMBERS_AT]
    fd, _, count, text_size = values[-4:]
    text_at = at + _CALL.size
    name_at = text_at + text_size
    return Call(
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
        args=list(values[_NUMBERS_AT : _NUMBERS_AT + count]),
        text=text(data[text_at : name_at - 1]) if text_size else None,
        fd=None if fd == _NO_FD else fd,
        file=descriptors.decode(context, data, at + _FILE_AT, name_at),
    )


def became(context: Context, name: Any, seq: int, data: bytes, at: int, _end: int) -> Identity:  # noqa: ANN401  # one of Identity's
    """A change of users or groups, successful or not."""
    values = _CALL.unpack_from(data, at)
    time, start, cgroup, pid, tid, uid, _, comm, result = values[:_NUMBERS_AT]
    mnt_ns, count = values[-3:-1]
    ids = list(values[_NUMBERS_AT : _NUMBERS_AT + count])
    known = context.group if name in _OF_GROUPS else context.user
    return Identity(
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
        ids=ids,
        names=[None if each == _UNSET else known(each, mnt_ns) for each in ids],
    )
