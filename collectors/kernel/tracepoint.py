"""Opens the kernel's tracepoints of system calls as perf events, to which programs are attached."""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import ioctl
from pathlib import Path

_MOUNTED = (Path("/sys/kernel/tracing"), Path("/sys/kernel/debug/tracing"))

# Numbers of system calls that the C library has no function for.
_FSOPEN, _FSCONFIG, _FSMOUNT = 430, 431, 432
_PERF_EVENT_OPEN = {"x86_64": 298, "aarch64": 241}

_FSCONFIG_CMD_CREATE = 6
_CLOSE_ON_EXEC = 1
_PERF_TYPE_TRACEPOINT = 2
_PERF_FLAG_FD_CLOEXEC = 8
_PERF_EVENT_IOC_ENABLE = 0x2400
_PERF_EVENT_IOC_SET_BPF = 0x40042408

# The first 64 bytes of struct perf_event_attr, the oldest size that kernels take: type, size, config.
_ATTRIBUTES = struct.Struct("=IIQ48x")

_libc = ctypes.CDLL(None, use_errno=True)


class TracepointError(Exception):
    """The kernel's list of tracepoints cannot be read: the message says why and what to do."""


@contextmanager
def tracefs() -> Iterator[int]:
    """A descriptor of the root of tracefs.

    Where it is not mounted, it is opened as a mount that is attached nowhere: nobody else sees it,
    and it is gone when the descriptor is closed.
    """
    fd = _open_mounted()
    if fd is None:
        fd = _open_detached()
    try:
        yield fd
    finally:
        os.close(fd)


def _open_mounted() -> int | None:
    for directory in _MOUNTED:
        try:
            if (directory / "events/syscalls").is_dir():
                return os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except PermissionError as error:
            raise TracepointError(
                f"{directory} may not be read: run as root or with CAP_DAC_READ_SEARCH"
            ) from error
    return None


def _open_detached() -> int:
    context = _libc.syscall(_FSOPEN, b"tracefs", _CLOSE_ON_EXEC)
    if context < 0:
        raise _not_mounted()
    try:
        if _libc.syscall(_FSCONFIG, context, _FSCONFIG_CMD_CREATE, None, None, 0) != 0:
            raise _not_mounted()
        fd: int = _libc.syscall(_FSMOUNT, context, _CLOSE_ON_EXEC, 0)
    finally:
        os.close(context)
    if fd < 0:
        raise _not_mounted()
    return fd


def _not_mounted() -> TracepointError:
    reason = os.strerror(ctypes.get_errno())
    return TracepointError(
        f"tracefs is not mounted and cannot be opened ({reason}): "
        "mount -t tracefs tracefs /sys/kernel/tracing"
    )


def identifier(root: int, name: str) -> int | None:
    """The number of a tracepoint such as ``syscalls/sys_exit_openat``, ``None`` if this kernel has none."""
    try:
        fd = os.open(f"events/{name}/id", os.O_RDONLY | os.O_CLOEXEC, dir_fd=root)
    except FileNotFoundError:
        return None
    with os.fdopen(fd) as file:
        return int(file.read())


def attach(number: int, program_fd: int) -> int:
    """Run a program at a tracepoint, on every CPU and for every process, while what is returned is open."""
    attributes = _ATTRIBUTES.pack(_PERF_TYPE_TRACEPOINT, _ATTRIBUTES.size, number)
    fd: int = _libc.syscall(
        _PERF_EVENT_OPEN[platform.machine()], attributes, -1, 0, -1, _PERF_FLAG_FD_CLOEXEC
    )
    if fd < 0:
        reason = os.strerror(ctypes.get_errno())
        raise TracepointError(f"the kernel does not open tracepoints ({reason}): CAP_PERFMON is needed")
    try:
        ioctl(fd, _PERF_EVENT_IOC_SET_BPF, program_fd)
        ioctl(fd, _PERF_EVENT_IOC_ENABLE, 0)
    except OSError as error:
        os.close(fd)
        raise TracepointError(f"the kernel runs no program at a tracepoint: {error.strerror}") from error
    return fd
