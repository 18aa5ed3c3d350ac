"""What the decoders of all event types share: text, paths, addresses, and what is known of this host."""

from __future__ import annotations

import grp
import pwd
import re
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from posixpath import normpath
from typing import Any, NamedTuple

from collectors.kernel.layout import PATH_UNKNOWN
from wire.cgroup import containers
from wire.event import Event

TICK = 10_000_000
AF_UNIX, AF_INET, AF_INET6 = 1, 2, 10

_COMMS_KEPT = 4096
_PATHS_KEPT = 4096
_ADDRESSES_KEPT = 1024
_MAPPED = bytes(10) + b"\xff\xff"

# An absolute path in which nothing is left to resolve does not match. Looking for strings first is quicker.
_UNTIDY = re.compile(r"/(?:\.{0,2}(?:/|$))")


class Terminals(NamedTuple):
    """Device numbers that are terminals: one major number and a range of minor ones."""

    major: int
    first: int
    last: int


@dataclass(slots=True, eq=False)
class Context:
    """What decoding needs besides the record: ``began`` is when watching did, in nanoseconds since boot.

    ``epoch`` added to a time since boot gives wall clock. It can be a key: it equals only itself.
    """

    began: int
    epoch: int
    mnt_ns: int | None
    terminals: tuple[Terminals, ...]
    comms: dict[bytes, str] = field(default_factory=dict)
    users: dict[int, str | None] = field(default_factory=dict)
    groups: dict[int, str | None] = field(default_factory=dict)

    def comm(self, name: bytes) -> str:
        """A thread's name from its 16 bytes; the same few come again and again."""
        known = self.comms.get(name)
        if known is None:
            if len(self.comms) >= _COMMS_KEPT:
                self.comms.clear()
            known = self.comms[name] = text(name.partition(b"\0")[0])
        return known

    def is_terminal(self, major: int, minor: int) -> bool:
        """Whether a character device is a terminal."""
        return any(major == some.major and some.first <= minor <= some.last for some in self.terminals)

    def named_in(self, mnt_ns: int | None, cgroup_path: str | None) -> int | None:
        """The mount namespace whose names a process goes by.

        What systemd gives one of its own, for a /tmp of its own perhaps, is no container.
        """
        return self.mnt_ns if cgroup_path and not containers(cgroup_path) else mnt_ns

    def user(self, uid: int, mnt_ns: int | None) -> str | None:
        """A user's name: root is the same everywhere, others are those of the host's own files."""
        if uid == 0:
            return "root"
        if mnt_ns is None or mnt_ns != self.mnt_ns:
            return None
        if uid not in self.users:
            self.users[uid] = _user(uid)
        return self.users[uid]

    def group(self, gid: int, mnt_ns: int | None) -> str | None:
        """The same for a group."""
        if gid == 0:
            return "root"
        if mnt_ns is None or mnt_ns != self.mnt_ns:
            return None
        if gid not in self.groups:
            self.groups[gid] = _group(gid)
        return self.groups[gid]


# Makes an event of a record: its type, its sequence number, some bytes, where in them the record begins and
# ends. An event of many fields is made in steps: Python passes more than 15 keywords in a dictionary, which
# takes longer than all of the steps.
Decoder = Callable[[Context, Any, int, bytes, int, int], Event]


def this_host() -> Context:
    """The context of the machine that this runs on, as it is now."""
    # Process 2 is a thread of the kernel, which is always in the first mount namespace.
    try:
        mnt_ns = Path("/proc/2/ns/mnt").stat().st_ino
    except OSError:
        mnt_ns = None
    began = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    return Context(
        began=began,
        epoch=time.time_ns() - began,
        mnt_ns=mnt_ns,
        terminals=_terminals(),
    )


def _user(uid: int) -> str | None:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return None


def _group(gid: int) -> str | None:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return None


def _terminals() -> tuple[Terminals, ...]:
    """The device numbers of terminals, as /proc/tty/drivers lists them."""
    drivers = Path("/proc/tty/drivers").read_text()
    return tuple(
        Terminals(int(major), int(first), int(last or first))
        for major, first, last in re.findall(r"\s(\d+)\s+(\d+)(?:-(\d+))?\s+\S+$", drivers, re.MULTILINE)
    )


def text(data: bytes) -> str:
    r"""As UTF-8; what is none appears as \xNN."""
    return data.decode("utf-8", "backslashreplace")


def path_at(data: bytes, at: int, size: int) -> str | None:
    """The path from its names, the last of which comes first; ``None`` if the kernel had none."""
    return None if size == PATH_UNKNOWN else _path(data[at : at + size])


# The same few folders come again and again: nine of ten are found here.
@lru_cache(_PATHS_KEPT)
def _path(names: bytes) -> str:
    return text(b"/" + b"/".join(names.split(b"\0")[-2::-1]))


def after(at: int, size: int) -> int:
    """Where the part behind a path of this size begins."""
    return at if size == PATH_UNKNOWN else at + size


def absolute(raw: str, base: str | None) -> str:
    """``raw`` as read from the directory ``base``, without ``.``, ``..`` and doubled slashes.

    ``base`` of an absolute path is the process's root directory. Without a base, ``raw`` stays as it is.
    """
    if base is None or not raw:
        return raw
    if raw[0] != "/":
        return tidy(f"{base}/{raw}")
    return tidy(raw) if base == "/" else base + tidy(raw)


def tidy(path: str) -> str:
    """An absolute path with nothing left to resolve; symbolic links are taken for directories."""
    if "//" not in path and "/." not in path and path[-1:] != "/":
        return path
    if not _UNTIDY.search(path):
        return path
    tidied = normpath(path)
    return tidied[1:] if tidied.startswith("//") else tidied


class End(NamedTuple):
    """One end of an internet socket, the address as on the wire: IPv4 in the first four bytes."""

    family: int
    address: bytes
    port: int

    @property
    def known(self) -> bool:
        """Whether there is more than the place for it."""
        return self.port != 0 or any(self.address)

    @property
    def ip(self) -> str:
        """The address as people write it, IPv4 in IPv6 as IPv4."""
        return _ip(self.family, self.address)


@lru_cache(_ADDRESSES_KEPT)
def _ip(family: int, address: bytes) -> str:
    if family == AF_INET:
        return socket.inet_ntop(socket.AF_INET, address[:4])
    if address.startswith(_MAPPED):
        return socket.inet_ntop(socket.AF_INET, address[12:16])
    return socket.inet_ntop(socket.AF_INET6, address)


def family_of(local: End, remote: End) -> str:
    """ipv4 or ipv6; a socket for both that talks IPv4 is ipv4."""
    if local.family == AF_INET6:
        mapped = local.address.startswith(_MAPPED) or remote.address.startswith(_MAPPED)
        return "ipv4" if mapped else "ipv6"
    return "ipv4" if local.family == AF_INET else "other"


def unix_path(address: bytes) -> str | None:
    """The path in a struct sockaddr_un, abstract ones with ``@`` first; ``None`` without a name."""
    name = address[2:]
    if not name:
        return None
    if name[0] == 0:
        return "@" + text(name[1:].rstrip(b"\0"))
    return text(name.partition(b"\0")[0])
