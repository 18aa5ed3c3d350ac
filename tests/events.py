"""Short ways to write events in tests: sensible values for what a test does not care about."""

from typing import Any

from wire.batch import Batch, Host
from wire.event import (
    Ancestor,
    Answer,
    AnyEvent,
    Call,
    Change,
    Container,
    Exec,
    Exit,
    Fork,
    Identity,
    Loss,
    Open,
    Snapshot,
    Socket,
)
from wire.inventory import Description

HOST = Host(id="host-1", name="web-1", boot="boot-1")
SECOND = 10**9
TICK = 10**7


def start(pid: int) -> int:
    """The start time that these events give to the process ``pid``."""
    return pid * TICK


def _base(seq: int, pid: int, given: dict[str, Any]) -> dict[str, Any]:
    return {"seq": seq, "time": seq * SECOND, "pid": pid, "tid": pid, "start": start(pid), "uid": 0} | given


def fork(seq: int, pid: int, parent: int, **given: Any) -> Fork:
    """``parent`` forks ``pid``."""
    facts: dict[str, Any] = {"parent": parent, "parent_start": start(parent), "comm": "sh"}
    return Fork(**facts | _base(seq, pid, given))


def execute(seq: int, pid: int, *args: str, parents: tuple[int, ...] = (), **given: Any) -> Exec:
    """``pid`` executes ``args``; the program lies in /usr/bin."""
    name = args[0].rsplit("/", 1)[-1]
    facts: dict[str, Any] = {
        "comm": name[:15],
        "exepath": f"/usr/bin/{name}",
        "filename": args[0],
        "args": list(args),
        "cwd": "/",
        "parents": [Ancestor(parent, start(parent), f"p{parent}") for parent in parents],
        "cgroup_path": "/",
    }
    return Exec(**facts | _base(seq, pid, given))


def snapshot(seq: int, pid: int, *args: str, parents: tuple[int, ...] = (), **given: Any) -> Snapshot:
    """``pid`` was there already, running ``args``."""
    facts: dict[str, Any] = {
        "comm": args[0][:15],
        "exepath": f"/usr/bin/{args[0]}",
        "args": list(args),
        "cgroup_path": "/",
    }
    chain = [Ancestor(parent, start(parent), f"p{parent}") for parent in parents]
    return Snapshot(**facts | {"parents": chain} | _base(seq, pid, given))


def leave(seq: int, pid: int, **given: Any) -> Exit:
    """``pid`` ends."""
    return Exit(**_base(seq, pid, given))


def open_file(seq: int, pid: int, path: str, flags: int = 0, **given: Any) -> Open:
    """``pid`` opens ``path``."""
    facts: dict[str, Any] = {"type": "openat", "result": 3, "path": path, "flags": flags}
    return Open(**facts | _base(seq, pid, given))


def change(seq: int, pid: int, path: str, **given: Any) -> Change:
    """``pid`` removes the file ``path``."""
    facts: dict[str, Any] = {"type": "unlink", "result": 0, "path": path}
    return Change(**facts | _base(seq, pid, given))


def become(seq: int, pid: int, user: int, **given: Any) -> Identity:
    """``pid`` asks to become ``user``."""
    facts: dict[str, Any] = {"type": "setuid", "result": 0, "ids": [user]}
    return Identity(**facts | _base(seq, pid, given))


def call(seq: int, pid: int, name: str, *args: int, **given: Any) -> Call:
    """``pid`` makes the system call ``name``."""
    facts: dict[str, Any] = {"type": name, "result": 0, "args": list(args)}
    return Call(**facts | _base(seq, pid, given))


def connect(seq: int, pid: int, ip: str, port: int, **given: Any) -> Socket:
    """``pid`` connects by TCP to ``ip`` and ``port``."""
    facts: dict[str, Any] = {"type": "connect", "result": 0, "fd": 3, "family": "ipv4", "proto": "tcp"}
    ends: dict[str, Any] = {
        "local_ip": "127.0.0.1",
        "local_port": 40000,
        "remote_ip": ip,
        "remote_port": port,
    }
    return Socket(**facts | ends | _base(seq, pid, given))


def answer(seq: int, pid: int, name: str | None, *addresses: str, **given: Any) -> Answer:
    """A name server tells ``pid`` the addresses of a name."""
    return Answer(server="10.0.0.53", name=name, addresses=list(addresses), **_base(seq, pid, given))


def loss(seq: int, **counts: int) -> Loss:
    """Events were lost in the ring buffer."""
    return Loss(where="ring", counts=counts, **_base(seq, 0, {}))


def told(seq: int, container: str, about: Description | None = None, **given: Any) -> Container:
    """The inventory tells of a container."""
    return Container(id=container, about=about, **_base(seq, 0, given))


def batch(*events: AnyEvent, host: Host = HOST) -> Batch:
    """A batch of ``events``."""
    return Batch(host=host, first=events[0].seq, last=events[-1].seq, events=list(events))
