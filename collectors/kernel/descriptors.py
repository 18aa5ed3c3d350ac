"""Decodes what the descriptors 0, 1 and 2 of a process are."""

from __future__ import annotations

import stat
import struct
from functools import lru_cache

from collectors.kernel.decode import AF_UNIX, Context, End, after, family_of, path_at, unix_path
from collectors.kernel.layout import DESCRIPTOR, STDIO, compiled
from wire.event import Descriptor

LAYOUT = compiled(DESCRIPTOR)

_SIZE = struct.Struct("=H")
_SIZE_AT = compiled(DESCRIPTOR[: [name for name, _ in DESCRIPTOR].index("name_size")]).size

# What a process has open is mostly what its parent had open.
_KEPT = 512

_TYPES = {stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFBLK: "dev"}


@lru_cache(_KEPT)
def decode_all(context: Context, data: bytes) -> list[Descriptor | None]:
    """The descriptors from 0 up, ``None`` where nothing is open; behind them are their names."""
    found = []
    at, name_at = 0, STDIO * LAYOUT.size
    for _ in range(STDIO):
        found.append(decode(context, data, at, name_at))
        name_at = after(name_at, _SIZE.unpack_from(data, at + _SIZE_AT)[0])
        at += LAYOUT.size
    return found


def decode(context: Context, data: bytes, at: int, name_at: int) -> Descriptor | None:
    """One descriptor, ``None`` if nothing is open; its name begins at ``name_at``."""
    values = LAYOUT.unpack_from(data, at)
    inode, mode, device, local, remote, local_port, remote_port, family, _, _, size, detached = values
    if mode == 0 and inode == 0:
        return None
    if not stat.S_ISSOCK(mode):
        path = path_at(data, name_at, size) or ""
        # The kernel's own device numbers: 12 bits major, 20 bits minor.
        numbers = device >> 20, device & 0xFFFFF
        return file_descriptor(context, inode, mode, numbers, path[1:] if detached else path)
    if family == AF_UNIX:
        return Descriptor("unix", unix_path(data[name_at : name_at + size]) or "", inode)
    return socket_descriptor(inode, End(family, local, local_port), End(family, remote, remote_port))


def file_descriptor(
    context: Context, inode: int, mode: int, device: tuple[int, int], name: str
) -> Descriptor:
    """Something that is no socket. What has no directory above it has a name without a slash."""
    kind = stat.S_IFMT(mode)
    if kind == stat.S_IFCHR:
        return Descriptor("tty" if context.is_terminal(*device) else "dev", name, inode)
    if kind == stat.S_IFIFO:
        return Descriptor("pipe", name, inode)
    if name.startswith("memfd:"):
        return Descriptor("file", f"/{name}", inode)
    if not name.startswith("/"):
        return Descriptor("event" if name == "[eventfd]" else "other", name, inode)
    return Descriptor(_TYPES.get(kind, "other"), name, inode)


def socket_descriptor(inode: int, local: End, remote: End) -> Descriptor:
    """A socket by its two ends, IPv6 addresses without brackets as Falco has them."""
    kind = family_of(local, remote)
    name = "" if kind == "other" else f"{local.ip}:{local.port}->{remote.ip}:{remote.port}"
    return Descriptor(kind, name, inode)
