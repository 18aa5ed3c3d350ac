r"""One kind of kernel event per struct: what a collector saw a process do.

Conventions that hold for every event:

* ``(host.boot, seq)`` is the event's identity, ``(host.boot, pid, start)`` the acting process's.
* Times are nanoseconds: ``time`` since the epoch, ``start`` since boot, rounded down to
  the 10 ms clock tick in which ``/proc/PID/stat`` shows it, so that both sources agree.
* ``pid`` is the thread group (what user space calls a process), ``tid`` the thread.
* Bytes that are no UTF-8 appear as ``\xNN``. A value that could not be had is ``None``.
"""

from typing import TYPE_CHECKING, Literal, TypeAlias

from msgspec import Struct, field

from wire.event_types import NUMBERS, of_kind
from wire.inventory import Description

if TYPE_CHECKING:
    _Opening: TypeAlias = str
    _Changing: TypeAlias = str
    _Becoming: TypeAlias = str
    _Calling: TypeAlias = str
    _Connecting: TypeAlias = str
else:
    # Names that the table gives; decoding refuses any other.
    _Opening, _Changing, _Becoming, _Calling, _Connecting = (
        Literal[of_kind(kind)] for kind in ("open", "change", "identity", "call", "socket")
    )


class Event(Struct, kw_only=True, frozen=True, gc=False, omit_defaults=True, tag_field="kind"):
    """What every event carries. ``type`` is the name that rules use (``evt.type``).

    ``ring``: not a system call, but a request to io_uring that does the same. ``submitted`` are those of
    which the kernel does not tell how they end; ``result`` is then 0.
    """

    type: str
    seq: int
    time: int
    pid: int
    tid: int
    start: int
    comm: str = ""
    uid: int | None = None
    cgroup: int | None = None
    ring: Literal["submitted", "completed"] | None = None


class Ancestor(Struct, frozen=True, gc=False, omit_defaults=True):
    """A process above the acting one, as the kernel knew it when the event happened."""

    pid: int
    start: int
    comm: str


class Descriptor(Struct, frozen=True, gc=False, omit_defaults=True):
    """What an open file descriptor is.

    ``type`` is Falco's ``fd.type``: file, directory, ipv4, ipv6, unix, pipe, tty (a character
    device that is a terminal), dev, event, other. ``name`` is a path, or for sockets
    ``local:port->remote:port``. ``inode`` joins the two ends of a pipe.
    """

    type: str
    name: str = ""
    inode: int | None = None


class Fork(Event, tag="fork", kw_only=True, frozen=True):
    """A new process. ``pid``, ``tid`` and ``start`` are the child's."""

    type: Literal["fork"] = "fork"
    parent: int
    parent_start: int
    vpid: int | None = None


class Exec(Event, tag="exec", kw_only=True, frozen=True):
    """A process replaced its program. Everything here is read from the kernel after the fact.

    ``args`` includes ``argv[0]``; ``args_lost`` counts the bytes that did not fit. Capability sets are
    the kernel's bit masks. ``loginuid`` is -1 if nobody logged in. ``tty`` is the device number, 0 for none.
    ``parents`` starts with the parent. ``exe_ctime`` and ``exe_mtime`` are nanoseconds since the epoch;
    ``exe_writable`` says whether the user may write to the executable. ``env`` holds those variables that
    change what programs do (``LD_PRELOAD``, proxies), as NAME=VALUE, never the others, which hold secrets.
    """

    type: Literal["execve", "execveat"] = "execve"
    filename: str = ""
    exepath: str | None = None
    args: list[str] = field(default_factory=list)
    args_lost: int = 0
    cwd: str | None = None
    parents: list[Ancestor] = field(default_factory=list)
    stdio: list[Descriptor | None] = field(default_factory=list)
    gid: int | None = None
    euid: int | None = None
    egid: int | None = None
    suid: int | None = None
    sgid: int | None = None
    user: str | None = None
    loginuid: int | None = None
    cap_permitted: int | None = None
    cap_effective: int | None = None
    cap_inheritable: int | None = None
    tty: int | None = None
    vpid: int | None = None
    pgid: int | None = None
    sid: int | None = None
    pid_ns: int | None = None
    mnt_ns: int | None = None
    upper_layer: bool = False
    lower_layer: bool = False
    memfd: bool = False
    exe_inode: int | None = None
    exe_ctime: int | None = None
    exe_mtime: int | None = None
    exe_writable: bool | None = None
    env: list[str] = field(default_factory=list)
    group: str | None = None
    loginname: str | None = None
    cgroup_path: str | None = None


class Snapshot(Exec, tag="snapshot", kw_only=True, frozen=True):
    """A process that was already there when the collector started, read from ``/proc``."""

    type: Literal["snapshot"] = "snapshot"  # type: ignore[assignment]  # a different set of names


class Exit(Event, tag="exit", kw_only=True, frozen=True):
    """The last thread of a process ended. ``code`` is its exit status, ``signal`` what killed it."""

    type: Literal["procexit"] = "procexit"
    code: int = 0
    signal: int = 0


class Open(Event, tag="open", kw_only=True, frozen=True):
    """A file was opened, or the attempt failed.

    ``path`` is absolute and without ``.``, ``..`` and doubled slashes; symbolic links in it are
    not resolved. ``raw`` is what the program passed when that differs. ``file`` is what was opened, as the
    kernel knows it, when that is another path: one without symbolic links, that another thread cannot
    change. ``flags`` and ``mode`` are the kernel's bits. ``result`` is the descriptor, or minus the errno.
    """

    type: _Opening
    result: int
    path: str
    raw: str | None = None
    file: str | None = None
    flags: int = 0
    mode: int = 0


class Change(Event, tag="change", kw_only=True, frozen=True):
    """A file or directory was renamed, linked, made, removed, mounted or otherwise changed, or that failed.

    ``path`` is the old name of a rename, the file that a link leads to, a new symbolic link, the directory
    of a mount or umount or that a mount is copied from, else the file that is changed; ``other`` is the
    second name: the new one of a rename or link, what is mounted, where pivot_root puts the old root. Both
    are absolute as in ``Open``; ``raw`` and ``other_raw`` are what the program passed when that differs.
    ``text`` is where a symbolic link leads, or a mount's type. ``fd`` and ``other_fd`` are the descriptors
    that paths are read from, or that stand for the file itself; -100 (AT_FDCWD) is the working directory.
    ``flags`` and ``mode`` are the kernel's bits, for mknod ``flags`` is the device. ``owner`` and ``group``
    are chown's, all bits set for no change.
    """

    type: _Changing
    result: int
    path: str = ""
    raw: str | None = None
    other: str | None = None
    other_raw: str | None = None
    text: str | None = None
    fd: int = -100
    other_fd: int = -100
    flags: int = 0
    mode: int = 0
    owner: int | None = None
    group: int | None = None


def _check(event_type: str, numbers: list[int]) -> None:
    if len(numbers) < NUMBERS[event_type]:
        raise ValueError(f"{event_type} has {NUMBERS[event_type]} numbers, not {len(numbers)}")


class Identity(Event, tag="identity", kw_only=True, frozen=True):
    """A process asked to become other users or groups. ``uid`` is who it is afterwards.

    ``ids`` are what the call took, all bits set for no change; ``names`` are theirs as this host's databases
    have them, for processes that see the host's files.
    """

    type: _Becoming
    result: int
    ids: list[int]
    names: list[str | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Refuse an event that lacks some of its numbers; what reads them need not look."""
        _check(self.type, self.ids)


class Call(Event, tag="call", kw_only=True, frozen=True):
    """Another system call, successful or not.

    ``args`` are its numbers in the order of its parameters, without those that only point somewhere; process
    numbers among them are the caller's, who may count its own. ``text`` is a string that it passed. ``fd`` is
    the descriptor that it is about, of dup and socket the new one, and ``file`` what that is.
    """

    type: _Calling
    result: int
    args: list[int] = field(default_factory=list)
    text: str | None = None
    fd: int | None = None
    file: Descriptor | None = None

    def __post_init__(self) -> None:
        """Refuse an event that lacks some of its numbers; what reads them need not look."""
        _check(self.type, self.args)


class Socket(Event, tag="socket", kw_only=True, frozen=True):
    """A socket was connected, accepted, bound or began to listen, or data went through it.

    ``family`` is ipv4, ipv6 or unix; ``proto`` tcp, udp, icmp or raw. Addresses are text, IPv4 in
    IPv6 as IPv4. ``fd`` is the socket's descriptor (for accept the new one); ``result`` the return
    value. ``path`` is a unix socket's, abstract ones start with ``@``.

    Of data that is sent or received, ``connected`` says whether the socket has a peer, ``named`` whether the
    call itself named another far end; ``size`` is how much was asked for, ``data`` the first 80 bytes of what
    went.
    """

    type: _Connecting
    result: int
    fd: int
    family: str
    proto: str | None = None
    local_ip: str | None = None
    local_port: int | None = None
    remote_ip: str | None = None
    remote_port: int | None = None
    path: str | None = None
    connected: bool = True
    named: bool = False
    size: int = 0
    data: bytes | None = None


class Answer(Event, tag="answer", kw_only=True, frozen=True):
    """A name server answered the process.

    ``name`` is what was asked for, in small letters and without the dot at the end, ``None`` if the message
    cannot be read; ``asked`` is the number of the record type and ``code`` the response code of RFC 1035;
    ``addresses`` are those in the answer, also of the names that ``name`` stands for; ``server`` gave it.
    """

    type: Literal["dns"] = "dns"
    server: str
    name: str | None = None
    asked: int = 0
    code: int = 0
    addresses: list[str] = field(default_factory=list)


class Loss(Event, tag="loss", kw_only=True, frozen=True):
    """Events that never made it into the stream: how many of each type, and where they were lost.

    ``where`` is ``ring`` (the kernel's buffer was full), ``rate`` (one process or control group had more than
    its share) or ``shed`` (the way to Kafka was blocked). Of the ring, ``cpus`` are the same counts by CPU,
    and ``refusing`` for how many nanoseconds it had no room. Of a rate, ``cgroup`` is the group, and ``pid``
    and ``start`` the process if it was one alone; without either it is not known any more whose they were.
    """

    type: Literal["loss"] = "loss"
    where: str
    counts: dict[str, int]
    cpus: dict[str, list[int]] = field(default_factory=dict)
    refusing: int = 0


class Container(Event, tag="container", kw_only=True, frozen=True):
    """What is known of a container, told before the first event of it and whenever that changes.

    ``about`` is ``None`` if nobody could say anything in time, ``why`` says why. ``cgroup`` and
    ``cgroup_path`` are a control group of the container's, if one was seen. ``removed``: it is gone.
    """

    type: Literal["container"] = "container"
    id: str
    about: Description | None = None
    why: str | None = None
    cgroup_path: str | None = None
    removed: bool = False


AnyEvent = (
    Fork | Exec | Snapshot | Exit | Open | Change | Identity | Call | Socket | Answer | Loss | Container
)
KINDS: tuple[type[Event], ...] = (
    Fork, Exec, Snapshot, Exit, Open, Change, Identity, Call, Socket, Answer, Loss, Container,
)  # fmt: skip
