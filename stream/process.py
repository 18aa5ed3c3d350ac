"""What the engine knows of a process and of a container while it reads their events."""

from __future__ import annotations

from msgspec import Struct, field

from wire.event import Descriptor
from wire.inventory import Description, Pod

NOTHING = Description(pod=Pod())


class Container(Struct, omit_defaults=True):
    """Where a process runs. ``id`` is what rules see: ``host``, or the first 12 characters of ``full_id``.

    It is ``None`` for a process of which nothing was seen but an event. Not frozen: all processes of a
    container share one, and must see what the inventory tells. ``about`` always has a pod, if only one of
    which nothing is known; ``silent`` is the reason why the inventory could tell nothing.
    """

    id: str | None
    full_id: str | None = None
    runtime: str | None = None
    about: Description = NOTHING
    silent: str | None = None
    cgroups: list[int] = field(default_factory=list)


HOST = Container(id="host")
UNKNOWN_CONTAINER = Container(id=None)


class Process(Struct, kw_only=True, omit_defaults=True):
    """A process, kept up to date by its events. ``None`` means not known, never "none".

    Not frozen: exec changes a process in place, and its children must see that.
    ``executed`` is the time of the last exec that was seen; ``cmdline`` and ``argline`` are joined once
    per exec because rules read them for every event. ``entered``: it, or an ancestor in the same container,
    was started there from outside, as ``docker exec`` does. An unknown parent is ``NOBODY``, which is
    its own parent, so that a walk up never meets ``None``. ``becomes`` is the user that a call has made of it
    which is still looked at as the old one's.
    """

    pid: int | None = None
    start: int | None = None
    parent: Process = None  # type: ignore[assignment]  # only NOBODY is made without, and mended below
    depth: int = 0
    name: str | None = None
    exe: str | None = None
    exepath: str | None = None
    args: list[str] | None = None
    cmdline: str | None = None
    argline: str | None = None
    cwd: str | None = None
    vpid: int | None = None
    pgid: int | None = None
    sid: int | None = None
    uid: int | None = None
    becomes: int | None = None
    gid: int | None = None
    euid: int | None = None
    user: str | None = None
    loginuid: int | None = None
    tty: int | None = None
    cap_permitted: int | None = None
    cap_effective: int | None = None
    cap_inheritable: int | None = None
    group: str | None = None
    loginname: str | None = None
    env: list[str] | None = None
    exe_inode: int | None = None
    exe_ctime: int | None = None
    exe_mtime: int | None = None
    exe_writable: bool | None = None
    upper_layer: bool | None = None
    lower_layer: bool | None = None
    memfd: bool | None = None
    stdio: list[Descriptor | None] = field(default_factory=list)
    container: Container = field(default_factory=lambda: UNKNOWN_CONTAINER)
    entered: bool | None = None
    cgroup: int | None = None
    executed: int | None = None
    exited: int | None = None


NOBODY = Process()
NOBODY.parent = NOBODY
