"""The processes of one host and how they descend from each other, rebuilt from their events."""

from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct, field

from stream.containers import Places, entered
from stream.names import Names
from stream.process import HOST, NOBODY, Process
from wire.event import (
    Ancestor,
    Answer,
    Call,
    Change,
    Container,
    Event,
    Exec,
    Exit,
    Fork,
    Identity,
    Loss,
    Open,
    Snapshot,
    Socket,
)

# How long an ended process can still be found by its key: events of other CPUs may follow its exit.
LINGER = 2 * 10**9

# Processes kept at most: those whose exit was lost must not pile up for ever. Falco's limit is the same.
LIMIT = 1 << 18

# Names of users kept at most.
USERS = 1 << 14

# Ancestors kept above a process; a daemon that forks itself anew for ever must not keep them all.
MAX_DEPTH = 64

Key = tuple[int, int]


class Tree(Struct, kw_only=True):
    """Processes by ``(pid, start)``, ended ones until ``LINGER`` is over, where they can be, names for the
    addresses that they connect to, and for the host's users.
    """

    processes: dict[Key, Process] = field(default_factory=dict)
    ended: deque[tuple[int, Key]] = field(default_factory=deque)
    places: Places = field(default_factory=Places)
    names: Names = field(default_factory=Names)
    users: dict[int, str] = field(default_factory=dict)


def apply(tree: Tree, event: Event) -> Process:
    """Bring the tree up to date with ``event``; returns the acting process, which may be all unknown."""
    return _APPLY[type(event)](tree, event)


def act(tree: Tree, event: Event) -> Process:
    """The process of an event that says nothing new of it but, perhaps, its user and control group."""
    process = tree.processes.get((event.pid, event.start))
    if process is None:
        process = _meet(tree, event.pid, event.start, event.comm or None)
    if event.uid != process.uid and event.uid is not None:
        _turn(tree, process, event.uid)
    if event.cgroup != process.cgroup and event.cgroup is not None:
        place = tree.places.cgroups.get(event.cgroup)
        # A group that nobody has named yet may be named later; until then it is asked for again.
        if place is not None:
            process.cgroup = event.cgroup
            process.container = place
            process.entered = entered(process)
    return process


def become(tree: Tree, event: Identity) -> Process:
    """The process as the user that it was when it called; from its next event on it is who it became."""
    process = tree.processes.get((event.pid, event.start))
    if process is None or event.result < 0:
        return act(tree, event)
    if process.becomes is not None:
        _turn(tree, process, process.becomes)
    if event.uid != process.uid:
        process.becomes = event.uid
    return process


def _turn(tree: Tree, process: Process, uid: int) -> None:
    """Make it another user's, whose name is known if a program of this user has run on the host."""
    process.uid = uid
    process.becomes = None
    process.user = "root" if uid == 0 else tree.users.get(uid) if process.container is HOST else None


def fork(tree: Tree, event: Fork) -> Process:
    """A child begins as a copy of its parent: same program, same arguments, same container."""
    parent = tree.processes.get((event.parent, event.parent_start))
    if parent is None:
        parent = _meet(tree, event.parent, event.parent_start, event.comm or None)
    child = tree.processes.get((event.pid, event.start))
    if child is None:
        child = msgspec.structs.replace(
            parent, pid=event.pid, start=event.start, vpid=event.vpid, executed=None, exited=None
        )
        child.parent = NOBODY
        _keep(tree.processes, (event.pid, event.start), child, LIMIT)
    _link(child, parent)
    return act(tree, event)


def execute(tree: Tree, event: Exec) -> Process:
    """A new program: everything about it is replaced by what the kernel says now."""
    process = act(tree, event)
    _load(tree, process, event)
    process.executed = event.time
    return process


def snapshot(tree: Tree, event: Snapshot) -> Process:
    """What ``/proc`` shows; a process that events have told more of already keeps what they told."""
    known = tree.processes.get((event.pid, event.start))
    if known is not None and known.exepath is not None:
        _ascend(tree, known, event.parents)
        return known
    process = act(tree, event)
    _load(tree, process, event)
    return process


def leave(tree: Tree, event: Exit) -> Process:
    """The process ended; those that ended long before are forgotten."""
    process = act(tree, event)
    process.exited = event.time
    tree.ended.append((event.time, (event.pid, event.start)))
    while tree.ended and tree.ended[0][0] < event.time - LINGER:
        tree.processes.pop(tree.ended.popleft()[1], None)
    return process


def _load(tree: Tree, process: Process, event: Exec) -> None:
    process.name = event.comm or None
    process.exe = event.args[0] if event.args else event.filename or None
    process.exepath = event.exepath
    process.args = event.args
    process.argline = " ".join(event.args[1:])
    process.cmdline = f"{event.comm} {process.argline}" if process.argline else event.comm
    process.cwd = event.cwd
    process.vpid = event.vpid
    process.pgid = event.pgid
    process.sid = event.sid
    process.gid = event.gid
    process.euid = event.euid
    process.user = event.user
    process.loginuid = event.loginuid
    process.tty = event.tty
    process.cap_permitted = event.cap_permitted
    process.cap_effective = event.cap_effective
    process.cap_inheritable = event.cap_inheritable
    process.group = event.group
    process.loginname = event.loginname
    process.env = event.env
    process.exe_inode = event.exe_inode
    process.exe_ctime = event.exe_ctime
    process.exe_mtime = event.exe_mtime
    process.exe_writable = event.exe_writable
    process.upper_layer = event.upper_layer
    process.lower_layer = event.lower_layer
    process.memfd = event.memfd
    process.stdio = event.stdio
    if event.cgroup_path:
        process.container = tree.places.at(event.cgroup_path, event.cgroup)
    if process.container is HOST and event.uid is not None and event.user:
        _keep(tree.users, event.uid, event.user, USERS)
    _ascend(tree, process, event.parents)
    process.entered = entered(process)


def _ascend(tree: Tree, process: Process, parents: list[Ancestor]) -> None:
    """Fill the gaps above a process from the chain that the kernel gave; what is known already stays."""
    for ancestor in parents:
        if process.parent is NOBODY:
            parent = tree.processes.get((ancestor.pid, ancestor.start))
            if parent is None:
                parent = _meet(tree, ancestor.pid, ancestor.start, ancestor.comm or None)
            _link(process, parent)
        process = process.parent
        if process.pid != ancestor.pid or process.start != ancestor.start:
            return  # the kernel gave the orphan to another parent, or the chain is absurd


def _meet(tree: Tree, pid: int, start: int, name: str | None) -> Process:
    """A process of which nothing was seen before: loss, or it began before the collector."""
    process = Process(pid=pid, start=start, name=name, parent=NOBODY)
    _keep(tree.processes, (pid, start), process, LIMIT)
    return process


def _keep(table: dict[Any, Any], key: Key | int, what: Process | str, limit: int) -> None:
    table[key] = what
    if len(table) > limit:
        del table[next(iter(table))]


def _link(child: Process, parent: Process) -> None:
    """Put a process below its parent, unless that makes a circle, which only damaged input can ask for."""
    if child.parent is not NOBODY:
        return
    above = parent
    while above is not NOBODY:
        if above is child:
            return
        above = above.parent
    child.parent = parent
    child.depth = parent.depth + 1
    if child.depth > MAX_DEPTH:
        _cut(child)


def _cut(process: Process) -> None:
    """Let go of the ancestors beyond half of ``MAX_DEPTH``."""
    chain = [process]
    while chain[-1].parent is not NOBODY:
        chain.append(chain[-1].parent)
    kept = chain[: MAX_DEPTH // 2]
    kept[-1].parent = NOBODY
    for depth, member in enumerate(reversed(kept)):
        member.depth = depth


def _describe(tree: Tree, event: Container) -> Process:
    tree.places.learn(event)
    return NOBODY


def _learn(tree: Tree, event: Answer) -> Process:
    tree.names.learn(event)
    return act(tree, event)


def _nobody(_tree: Tree, _event: Loss) -> Process:
    return NOBODY


_APPLY: dict[type[Event], Callable[[Tree, Any], Process]] = {
    Fork: fork,
    Exec: execute,
    Snapshot: snapshot,
    Exit: leave,
    Open: act,
    Change: act,
    Identity: become,
    Call: act,
    Socket: act,
    Answer: _learn,
    Loss: _nobody,
    Container: _describe,
}
