"""The processes that already run, from ``/proc``: what an exec would have told, as far as it can be seen."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from collectors.kernel.cgroups import Hierarchies
from collectors.kernel.decode import Context, text
from collectors.kernel.descriptors import file_descriptor
from collectors.kernel.executables import environment, writable
from collectors.kernel.layout import ANCESTORS, STDIO
from collectors.kernel.process import arguments
from collectors.kernel.sockets import Sockets
from wire.event import Ancestor, Descriptor, Snapshot

_TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_ARGS_SIZE = 8192
_UNSET = 0xFFFFFFFF


class _Stat(NamedTuple):
    """What is used of /proc/PID/stat."""

    pid: int
    parent: int
    comm: str
    pgid: int
    sid: int
    tty: int
    start: int


@dataclass(frozen=True, slots=True)
class _Tables:
    """What many processes refer to and is read once."""

    stats: dict[int, _Stat]
    groups: Hierarchies = field(default_factory=Hierarchies)
    sockets: Sockets = field(default_factory=Sockets)


def snapshot(context: Context, seq: int) -> Iterator[Snapshot]:
    """Every process, parents before children, numbered from ``seq`` on, without those that end meanwhile."""
    tables = _Tables({found.pid: found for found in map(_stat, _pids()) if found})
    for found in _parents_first(tables.stats):
        try:
            event = _read(context, tables, found, seq)
        except (FileNotFoundError, ProcessLookupError):
            continue
        yield event
        seq += 1


def _pids() -> list[int]:
    return sorted(int(entry.name) for entry in os.scandir("/proc") if entry.name.isdigit())


def _stat(pid: int) -> _Stat | None:
    """The name stands in parentheses and may itself contain some."""
    try:
        line = Path(f"/proc/{pid}/stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    comm = line[line.index(b"(") + 1 : line.rindex(b")")]
    fields = line[line.rindex(b")") + 2 :].split()
    parent, pgid, sid, tty = map(int, fields[1:5])
    return _Stat(pid, parent, text(comm), pgid, sid, tty, int(fields[19]) * _TICK)


def _parents_first(stats: dict[int, _Stat]) -> Iterator[_Stat]:
    done: set[int] = set()
    for found in stats.values():
        chain: list[_Stat] = []
        above: _Stat | None = found
        while above and above.pid not in done:
            done.add(above.pid)
            chain.append(above)
            above = stats.get(above.parent)
        yield from reversed(chain)


def _read(context: Context, tables: _Tables, found: _Stat, seq: int) -> Snapshot:
    proc = Path(f"/proc/{found.pid}")
    status = _status(proc)
    uid, euid, suid, _ = map(int, status["Uid"].split())
    gid, egid, sgid, _ = map(int, status["Gid"].split())
    exepath = _target(proc / "exe")
    exe = _exe(proc)
    login = _loginuid(proc)
    command = (proc / "cmdline").read_bytes()
    mnt_ns = _namespace(proc, "mnt")
    group = tables.groups.of(proc)
    named_in = context.named_in(mnt_ns, group.path)
    return Snapshot(
        seq=seq,
        time=context.began + context.epoch,
        pid=found.pid,
        tid=found.pid,
        start=found.start,
        comm=found.comm,
        uid=uid,
        cgroup=group.id,
        filename="",
        exepath=exepath,
        args=arguments(command[:_ARGS_SIZE]),
        args_lost=max(0, len(command) - _ARGS_SIZE),
        cwd=_target(proc / "cwd"),
        parents=_ancestors(tables.stats, found),
        stdio=[_descriptor(context, tables.sockets, proc, fd) for fd in range(STDIO)],
        gid=gid,
        euid=euid,
        egid=egid,
        suid=suid,
        sgid=sgid,
        user=context.user(uid, named_in),
        loginuid=login,
        cap_permitted=int(status["CapPrm"], 16),
        cap_effective=int(status["CapEff"], 16),
        cap_inheritable=int(status["CapInh"], 16),
        tty=found.tty,
        vpid=int(status["NSpid"].split()[-1]),
        pgid=found.pgid,
        sid=found.sid,
        pid_ns=_namespace(proc, "pid"),
        mnt_ns=mnt_ns,
        exe_inode=exe and exe.st_ino,
        exe_ctime=exe and exe.st_ctime_ns,
        exe_mtime=exe and exe.st_mtime_ns,
        exe_writable=exe
        and writable(exe.st_mode, (exe.st_uid, exe.st_gid), (euid, egid), int(status["CapEff"], 16)),
        env=_environment(proc),
        group=context.group(gid, named_in),
        loginname=None if login < 0 else context.user(login, named_in),
        memfd=bool(exepath and exepath.startswith("/memfd:")),
        cgroup_path=group.path,
    )


def _status(proc: Path) -> dict[str, str]:
    lines = (proc / "status").read_bytes().decode(errors="replace").splitlines()
    return {name: value for name, _, value in (line.partition(":\t") for line in lines)}


def _target(link: Path) -> str | None:
    """Where a link of /proc leads, without the note that the file is gone; ``None`` if it leads nowhere."""
    try:
        return text(os.fsencode(link.readlink())).removesuffix(" (deleted)")
    except (FileNotFoundError, PermissionError):
        return None


def _exe(proc: Path) -> os.stat_result | None:
    try:
        return (proc / "exe").stat()
    except OSError:
        return None


def _environment(proc: Path) -> list[str]:
    try:
        return environment((proc / "environ").read_bytes())
    except OSError:  # a process that is ending
        return []


def _namespace(proc: Path, kind: str) -> int | None:
    try:
        return (proc / "ns" / kind).stat().st_ino
    except (FileNotFoundError, PermissionError):
        return None


def _loginuid(proc: Path) -> int:
    """-1 if nobody logged in, or if the kernel does not keep count of that."""
    try:
        loginuid = int((proc / "loginuid").read_text())
    except FileNotFoundError:
        return -1
    return -1 if loginuid == _UNSET else loginuid


def _ancestors(stats: dict[int, _Stat], found: _Stat) -> list[Ancestor]:
    above: list[Ancestor] = []
    parent = stats.get(found.parent)
    while parent and len(above) < ANCESTORS:
        above.append(Ancestor(parent.pid, parent.start, parent.comm))
        parent = stats.get(parent.parent)
    return above


def _descriptor(context: Context, sockets: Sockets, proc: Path, fd: int) -> Descriptor | None:
    link = proc / f"fd/{fd}"
    target = _target(link)
    try:
        status = link.stat()
    except OSError:
        return None
    if target is None:
        return None
    if stat.S_ISSOCK(status.st_mode):
        return sockets.find(proc, status.st_ino)
    device = os.major(status.st_rdev), os.minor(status.st_rdev)
    return file_descriptor(context, status.st_ino, status.st_mode, device, _name(target))


def _name(target: str) -> str:
    """The name that the kernel's side would give to the target of a link in /proc/PID/fd."""
    if target.startswith("pipe:["):
        return ""
    return target.removeprefix("anon_inode:").removeprefix("/" if target.startswith("/memfd:") else "")
