"""Decodes the records of calls that name files: ``file.bpf.c``, ``change.bpf.c``, ``mount.bpf.c``."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import msgspec

from collectors.kernel.decode import TICK, Context, absolute, after, path_at, text
from collectors.kernel.layout import PATH_UNKNOWN, PATHS, compiled
from wire.event import Change, Open

_PATHS = compiled(PATHS)

# Where the sizes of names begin, behind which there are only the names; and what an open tells before that.
_NAMES = [name for name, _ in PATHS].index("path_size")
_NAMES_AT = compiled(PATHS[:_NAMES]).size
_SIZES = compiled(PATHS[_NAMES:])
_OPENED = compiled(PATHS[: [name for name, _ in PATHS].index("mode") + 1])
_OPENED_KEPT = 4096

_NO_FD = -1
_ONESELF = ("/proc/self/", "/proc/thread-self/")
_BIND_OR_MOVE = 0x1000 | 0x2000
_OWNING = frozenset({"chown", "lchown", "fchown", "fchownat"})


def opened(
    context: Context,
    name: Literal["open", "openat", "openat2", "creat", "open_by_handle_at"],
    seq: int,
    data: bytes,
    at: int,
    end: int,
) -> Open:
    """A file opened, or not."""
    time, start, cgroup, pid, tid, uid, _, comm, result, flags, mode = _OPENED.unpack_from(data, at)
    path, raw, file = _of_open(data[at + _NAMES_AT : end])
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
        raw=raw,
        file=file,
        flags=flags,
        mode=mode,
    )


# Programs open the same files: four of five are found here.
@lru_cache(_OPENED_KEPT)
def _of_open(names: bytes) -> tuple[str, str | None, str | None]:
    """The path, what the program passed, and what was opened, the latter two if they differ."""
    path_size, _, _, base_size, _, _, _, file_size, detached = _SIZES.unpack_from(names)
    base_at = _SIZES.size + path_size
    raw = text(names[_SIZES.size : base_at - 1]) if path_size else ""
    base = path_at(names, base_at, base_size)
    path = absolute(raw, base) if path_size else base or ""
    file = _led_to(path, _base(names, after(base_at, base_size), file_size, detached))
    return path, None if raw == path or not path_size else raw, file


def _led_to(path: str, file: str | None) -> str | None:
    """What was opened if that is another path, not just the number of the process that looked at itself."""
    if file is None or file == path or file[:1] != "/":
        return None
    return None if path.startswith(_ONESELF) and file.startswith("/proc/") else file


def changed(context: Context, name: Any, seq: int, data: bytes, at: int, _end: int) -> Change:  # noqa: ANN401  # one of Change's types
    """A file changed in some way, or not."""
    (
        time, start, cgroup, pid, tid, uid, _, comm, result, flags, mode, owner, group, fd, other_fd,
        path_size, other_size, text_size, base_size, detached, other_base_size, other_detached, _, _,
    ) = _PATHS.unpack_from(data, at)  # fmt: skip
    at += _PATHS.size
    other_at = at + path_size
    text_at = other_at + other_size
    base_at = text_at + text_size
    raw = text(data[at : other_at - 1]) if path_size else None
    other_raw = text(data[other_at : text_at - 1]) if other_size else None
    base = _base(data, base_at, base_size, detached)
    other_base = _base(data, after(base_at, base_size), other_base_size, other_detached)
    if name == "mount" and (other_raw is None or not flags & _BIND_OR_MOVE):
        other_base = None  # a device, just a word, or nothing
    path = base if name == "chroot" and result >= 0 else _named(raw, base, result)
    other = _named(other_raw, other_base, result) or None
    event = Change(
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
        path=path or "",
        raw=None if raw == path else raw,
        fd=fd,
        flags=flags,
        mode=mode,
    )
    return msgspec.structs.replace(
        event,
        other=other,
        other_raw=None if other_raw == other else other_raw,
        text=text(data[text_at : base_at - 1]) if text_size else None,
        other_fd=other_fd if other_fd != _NO_FD else -100,
        owner=owner if name in _OWNING else None,
        group=group if name in _OWNING else None,
    )


def _named(raw: str | None, base: str | None, result: int) -> str:
    """The path of a file; one that is named by its descriptor alone is what that descriptor has open."""
    if raw is None or (raw == "" and result >= 0):
        return base or ""
    return absolute(raw, base)


def _base(data: bytes, at: int, size: int, detached: int) -> str | None:
    """A directory or file that the kernel gave; without a directory above it, just its name."""
    path = None if size == PATH_UNKNOWN else path_at(data, at, size)
    if path is None or not detached or path.startswith("/memfd:"):
        return path
    return path[1:]
