"""Decodes the records of ``process.bpf.c``: fork, exec, exit."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

import msgspec

from collectors.kernel import descriptors
from collectors.kernel.decode import TICK, Context, after, path_at, text
from collectors.kernel.executables import environment, writable
from collectors.kernel.layout import (
    ANCESTOR,
    ANCESTORS,
    EXEC,
    EXEC_LOWER_LAYER,
    EXEC_MEMFD,
    EXEC_UPPER_LAYER,
    EXIT,
    FORK,
    STDIO,
    compiled,
)
from wire.event import Ancestor, Exec, Exit, Fork

_FORK = compiled(FORK)
_EXIT = compiled(EXIT)
_EXEC = compiled(EXEC)
_ANCESTOR = compiled(ANCESTOR)

_ANCESTORS_AT = _EXEC.size
_STDIO_AT = _ANCESTORS_AT + ANCESTORS * _ANCESTOR.size
_REST_AT = _STDIO_AT + STDIO * descriptors.LAYOUT.size

_UNSET = 0xFFFFFFFF

# Siblings have the same ancestors.
_PARENTS_KEPT = 512


def fork(context: Context, _name: str, seq: int, data: bytes, at: int, _end: int) -> Fork:
    """A fork; threads are left out by the kernel's side."""
    time, start, cgroup, pid, tid, uid, _, comm, parent_start, parent, vpid = _FORK.unpack_from(data, at)
    return Fork(
        seq=seq,
        time=time + context.epoch,
        pid=pid,
        tid=tid,
        start=start - start % TICK,
        comm=context.comm(comm),
        uid=uid,
        cgroup=cgroup,
        parent=parent,
        parent_start=parent_start - parent_start % TICK,
        vpid=vpid,
    )


def leave(context: Context, _name: str, seq: int, data: bytes, at: int, _end: int) -> Exit:
    """The end of a process; the status is taken apart as wait(2) says."""
    time, start, cgroup, pid, tid, uid, _, comm, status = _EXIT.unpack_from(data, at)
    return Exit(
        seq=seq,
        time=time + context.epoch,
        pid=pid,
        tid=tid,
        start=start - start % TICK,
        comm=context.comm(comm),
        uid=uid,
        cgroup=cgroup,
        code=status >> 8 & 0xFF,
        signal=status & 0x7F,
    )


def execute(
    context: Context, name: Literal["execve", "execveat"], seq: int, data: bytes, at: int, end: int
) -> Exec:
    """A new program, with everything that the kernel knew of it."""
    (
        time, start, cgroup, pid, tid, uid, _, comm,
        cap_inheritable, cap_permitted, cap_effective, exe_inode, exe_mtime, exe_ctime,
        exe_mode, exe_uid, exe_gid,
        gid, euid, egid, suid, sgid, loginuid, tty, vpid, pgid, sid, pid_ns, mnt_ns,
        flags, args_lost, ancestors,
        filename_size, exe_size, cwd_size, cgroup_size, args_size, env_size,
    ) = _EXEC.unpack_from(data, at)  # fmt: skip
    filename_at = at + _REST_AT
    exe_at = filename_at + filename_size
    cwd_at = after(exe_at, exe_size)
    cgroup_at = after(cwd_at, cwd_size)
    args_at = after(cgroup_at, cgroup_size)
    env_at = args_at + args_size
    stdio_at = env_at + env_size
    ancestors_at = at + _ANCESTORS_AT
    cgroup_path = path_at(data, cgroup_at, cgroup_size)
    named_in = context.named_in(mnt_ns, cgroup_path)
    event = Exec(
        type=name,
        seq=seq,
        time=time + context.epoch,
        pid=pid,
        tid=tid,
        start=start - start % TICK,
        comm=context.comm(comm),
        uid=uid,
        cgroup=cgroup,
        filename=text(data[filename_at : exe_at - 1]) if filename_size else "",
        exepath=path_at(data, exe_at, exe_size),
        args=arguments(data[args_at:env_at]),
        args_lost=args_lost,
        cwd=path_at(data, cwd_at, cwd_size),
        cgroup_path=cgroup_path,
    )
    event = msgspec.structs.replace(
        event,
        parents=_parents(context, data[ancestors_at : ancestors_at + ancestors * _ANCESTOR.size]),
        stdio=descriptors.decode_all(context, data[at + _STDIO_AT : at + _REST_AT] + data[stdio_at:end]),
        gid=gid,
        euid=euid,
        egid=egid,
        suid=suid,
        sgid=sgid,
        user=context.user(uid, named_in),
        loginuid=-1 if loginuid == _UNSET else loginuid,
        cap_permitted=cap_permitted,
        cap_effective=cap_effective,
        cap_inheritable=cap_inheritable,
        env=environment(data[env_at:stdio_at]),
        group=context.group(gid, named_in),
    )
    return msgspec.structs.replace(
        event,
        tty=tty,
        vpid=vpid,
        pgid=pgid,
        sid=sid,
        pid_ns=pid_ns,
        mnt_ns=mnt_ns,
        upper_layer=bool(flags & EXEC_UPPER_LAYER),
        lower_layer=bool(flags & EXEC_LOWER_LAYER),
        memfd=bool(flags & EXEC_MEMFD),
        exe_inode=exe_inode,
        exe_ctime=exe_ctime,
        exe_mtime=exe_mtime,
        exe_writable=writable(exe_mode, (exe_uid, exe_gid), (euid, egid), cap_effective),
        loginname=None if loginuid == _UNSET else context.user(loginuid, named_in),
    )


def arguments(data: bytes) -> list[str]:
    """The arguments, each of which ends in a zero byte unless the last was cut off."""
    if not data:
        return []
    return text(data[:-1] if data[-1] == 0 else data).split("\0")


@lru_cache(_PARENTS_KEPT)
def _parents(context: Context, data: bytes) -> list[Ancestor]:
    return [
        Ancestor(pid, start - start % TICK, context.comm(comm))
        for start, pid, comm in _ANCESTOR.iter_unpack(data)
    ]
