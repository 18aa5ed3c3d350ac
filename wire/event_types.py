"""Every event type that there is, one line each: the collector, the wire and the rules read it here.

A line gives the number that the event has in the kernel's records, the ``bpf/<source>.bpf.c`` that holds its
program ``on_<name>``, the kind of event that it is (the tag of a struct in ``wire/event.py``), its arguments
in Falco's order, and the operations of io_uring that do the same (IORING_OP_*).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

# How an argument becomes text. "number": decimal; "octal": permissions of what is created; "bits": names
# joined by |; "choice": one name; "text": as it is; "result": what the call returned, or the error's name;
# "directory": a descriptor, or AT_FDCWD; "descriptor": with what it is; "id": with the user's or group's
# name; the others are one argument's alone.
Form = Literal[
    "number", "octal", "bits", "choice", "text", "result", "directory", "descriptor", "id", "capabilities",
    "opened", "open flags", "data", "endpoints", "filename", "executable", "addresses",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument. ``value`` is the attribute of the event that holds it, or its place in a list of numbers.

    ``table`` names the bits or choices in ``rules/catalogue/flags.py``. An ``alias`` is known by its name
    only: it has no place among the others. ``sure``: it is never ``None``.
    """

    name: str
    form: Form
    value: str | int = ""
    table: str = ""
    alias: bool = False
    sure: bool = True


@dataclass(frozen=True, slots=True)
class EventType:
    """One line of the table. Without arguments, rules cannot be about the event."""

    number: int
    source: str
    kind: str
    arguments: tuple[Argument, ...] = ()
    ring: tuple[int, ...] = ()


def _number(name: str, value: str | int) -> Argument:
    return Argument(name, "number", value)


def _bits(name: str, table: str, value: str | int = "flags") -> Argument:
    return Argument(name, "bits", value, table)


def _choice(name: str, table: str, at: int = 0) -> Argument:
    return Argument(name, "choice", at, table)


def _path(name: str = "path") -> Argument:
    return Argument(name, "text", "path")


def _other(name: str) -> Argument:
    return Argument(name, "text", "other", sure=False)


def _text(name: str) -> Argument:
    return Argument(name, "text", "text", sure=False)


def _directory(name: str = "dirfd", value: str = "fd") -> Argument:
    return Argument(name, "directory", value)


def _id(name: str, at: int = 0) -> Argument:
    return Argument(name, "id", at)


def _capabilities(name: str, at: int) -> Argument:
    return Argument(name, "capabilities", at, sure=False)


_RES = Argument("res", "result", "result")
_MADE = Argument("fd", "result", "result")  # a descriptor, if the call succeeded
_ALSO_RES = Argument("res", "result", "result", alias=True)
_FD = Argument("fd", "descriptor", "fd", sure=False)
_AT = _bits("flags", "at")
_MODE = _bits("mode", "mode", "mode")
_CREATED = Argument("mode", "octal", "mode")
_EXEC = (Argument("filename", "filename"), Argument("flags", "executable"))
_OPEN = (
    _MADE, _path("name"), Argument("flags", "open flags", "flags"), _CREATED, _ALSO_RES,
    Argument("path", "text", "path", alias=True),
)  # fmt: skip
_NUMBER = _number("fd", "fd")
_TUPLE = Argument("tuple", "endpoints", sure=False)
_SIZE = _number("size", "size")
_DATA = Argument("data", "data", "data", sure=False)
_SOCKET = (_RES, _NUMBER, _TUPLE, Argument("path", "text", "path", alias=True, sure=False))
_OPENED = Argument("fd", "opened", "fd")
_OWNER = (_number("uid", "owner"), _number("gid", "group"))
_FROM = (_directory("olddirfd"), _path("oldpath"))
_TO = (_directory("newdirfd", "other_fd"), _other("newpath"))
_LINK = (_directory("olddir"), _path("oldpath"), _directory("newdir", "other_fd"), _other("newpath"))
_OF_PROCESS = (_RES, _number("pid", 0))

EVENT_TYPES: Mapping[str, EventType] = {
    "fork": EventType(1, "process", "fork"),
    "execve": EventType(2, "process", "exec", _EXEC),
    "execveat": EventType(3, "process", "exec", _EXEC),
    "procexit": EventType(4, "process", "exit"),
    "open": EventType(5, "file", "open", _OPEN),
    "openat": EventType(6, "file", "open", _OPEN, ring=(18,)),
    "openat2": EventType(7, "file", "open", _OPEN, ring=(28,)),
    "creat": EventType(8, "file", "open", _OPEN),
    "connect": EventType(9, "network", "socket", _SOCKET, ring=(16,)),
    "accept": EventType(10, "network", "socket", _SOCKET),
    "accept4": EventType(11, "network", "socket", _SOCKET, ring=(13,)),
    "bind": EventType(12, "network", "socket", _SOCKET, ring=(56,)),
    "listen": EventType(13, "network", "socket", _SOCKET, ring=(57,)),
    "rename": EventType(14, "change", "change", (_RES, _path("oldpath"), _other("newpath"))),
    "renameat": EventType(15, "change", "change", (_RES, *_FROM, *_TO)),
    "renameat2": EventType(16, "change", "change", (_RES, *_FROM, *_TO, _bits("flags", "rename")),
                           ring=(35,)),
    "link": EventType(17, "change", "change", (_RES, _path("oldpath"), _other("newpath"))),
    "linkat": EventType(18, "change", "change", (_RES, *_LINK, _AT), ring=(39,)),
    "symlink": EventType(19, "change", "change", (_RES, _text("target"), _path("linkpath"))),
    "symlinkat": EventType(20, "change", "change", (_RES, _text("target"), _directory("linkdirfd"),
                           _path("linkpath")), ring=(38,)),
    "unlink": EventType(21, "change", "change", (_RES, _path())),
    "unlinkat": EventType(22, "change", "change", (_RES, _directory(), _path("name"), _AT), ring=(36,)),
    "rmdir": EventType(23, "change", "change", (_RES, _path())),
    "mkdir": EventType(24, "change", "change", (_RES, _path(), _CREATED)),
    "mkdirat": EventType(25, "change", "change", (_RES, _directory(), _path(), _CREATED), ring=(37,)),
    "mknod": EventType(26, "change", "change", (_RES, _path(), _CREATED, _number("dev", "flags"))),
    "mknodat": EventType(27, "change", "change", (_RES, _directory(), _path(), _CREATED,
                         _number("dev", "flags"))),
    "chmod": EventType(28, "change", "change", (_RES, _path("filename"), _MODE)),
    "fchmod": EventType(29, "change", "change", (_RES, _OPENED, _MODE)),
    "fchmodat": EventType(30, "change", "change", (_RES, _directory(), _path("filename"), _MODE)),
    "fchmodat2": EventType(31, "change", "change", (_RES, _directory(), _path("filename"), _MODE, _AT)),
    "chown": EventType(32, "change", "change", (_RES, _path(), *_OWNER)),
    "lchown": EventType(33, "change", "change", (_RES, _path(), *_OWNER)),
    "fchown": EventType(34, "change", "change", (_RES, _OPENED, *_OWNER)),
    "fchownat": EventType(35, "change", "change", (_RES, _directory(), _path("pathname"), *_OWNER, _AT)),
    "utime": EventType(36, "change", "change", (_RES, _path())),
    "utimes": EventType(37, "change", "change", (_RES, _path())),
    "futimesat": EventType(38, "change", "change", (_RES, _directory(), _path())),
    "utimensat": EventType(39, "change", "change", (_RES, _directory(), _path(), _AT)),
    "mount": EventType(40, "mount", "change", (_RES, _other("dev"), _path("dir"), _text("type"),
                       _bits("flags", "mount"))),
    "umount2": EventType(41, "mount", "change", (_RES, _path("name"), _bits("flags", "umount"))),
    "pivot_root": EventType(42, "mount", "change", (_RES, _path("new_root"), _other("put_old"))),
    "chroot": EventType(43, "mount", "change", (_RES, _path())),
    "setuid": EventType(44, "identity", "identity", (_RES, _id("uid"))),
    "setgid": EventType(45, "identity", "identity", (_RES, _id("gid"))),
    "setreuid": EventType(46, "identity", "identity", (_RES, _id("ruid"), _id("euid", 1))),
    "setregid": EventType(47, "identity", "identity", (_RES, _id("rgid"), _id("egid", 1))),
    "setresuid": EventType(48, "identity", "identity", (_RES, _id("ruid"), _id("euid", 1), _id("suid", 2))),
    "setresgid": EventType(49, "identity", "identity", (_RES, _id("rgid"), _id("egid", 1), _id("sgid", 2))),
    "setfsuid": EventType(50, "identity", "identity", (_RES, _id("uid"))),
    "setfsgid": EventType(51, "identity", "identity", (_RES, _id("gid"))),
    "capset": EventType(52, "identity", "call", (_RES, _capabilities("cap_inheritable", 0),
                        _capabilities("cap_permitted", 1), _capabilities("cap_effective", 2))),
    "setns": EventType(53, "identity", "call", (_RES, _FD, _bits("nstype", "clone", 0))),
    "unshare": EventType(54, "identity", "call", (_RES, _bits("flags", "clone", 0))),
    "ptrace": EventType(55, "other", "call", (_RES, _choice("request", "ptrace"), _number("pid", 1))),
    "process_vm_readv": EventType(56, "other", "call", _OF_PROCESS),
    "process_vm_writev": EventType(57, "other", "call", _OF_PROCESS),
    "init_module": EventType(58, "kernel", "call", (_RES, _number("length", 0), _text("uargs"))),
    "finit_module": EventType(59, "kernel", "call", (_RES, _FD, _text("uargs"), _bits("flags", "module", 0))),
    "delete_module": EventType(60, "kernel", "call", (_RES, _text("name"), _bits("flags", "unload", 0))),
    "bpf": EventType(61, "kernel", "call", (_MADE, _choice("cmd", "bpf"), _ALSO_RES)),
    "perf_event_open": EventType(62, "kernel", "call", (_MADE, _choice("type", "perf"), _number("pid", 1),
                                 _number("cpu", 2), _bits("flags", "perf", 3), _ALSO_RES)),
    "memfd_create": EventType(63, "kernel", "call", (_MADE, _text("name"), _bits("flags", "memfd", 0),
                              _ALSO_RES)),
    "userfaultfd": EventType(64, "kernel", "call", (_RES, _bits("flags", "userfaultfd", 0))),
    "prctl": EventType(65, "kernel", "call", (_RES, _choice("option", "prctl"), _text("arg2_str"),
                       _number("arg2_int", 1))),
    "keyctl": EventType(66, "kernel", "call", (_RES, _choice("option", "keyctl"))),
    "kill": EventType(67, "other", "call", (_RES, _number("pid", 0), _choice("sig", "signal", 1))),
    "tkill": EventType(68, "other", "call", (_RES, _number("tid", 0), _choice("sig", "signal", 1))),
    "tgkill": EventType(69, "other", "call", (_RES, _number("pid", 0), _number("tid", 1),
                        _choice("sig", "signal", 2))),
    "io_uring_setup": EventType(70, "kernel", "call", (_RES, _number("entries", 0),
                                _bits("flags", "io_uring", 1))),
    "dup": EventType(71, "descriptor", "call", (_RES, _number("oldfd", 0))),
    "dup2": EventType(72, "descriptor", "call", (_RES, _number("oldfd", 0), _number("newfd", 1))),
    "dup3": EventType(73, "descriptor", "call", (_RES, _number("oldfd", 0), _number("newfd", 1),
                      _bits("flags", "dup", 2))),
    "socket": EventType(74, "descriptor", "call", (_MADE, _choice("domain", "family"), _number("type", 1),
                        _number("proto", 2), _ALSO_RES), ring=(45,)),
    "sendto": EventType(75, "network", "socket", (_RES, _DATA, _NUMBER, _SIZE, _TUPLE), ring=(26, 47)),
    "sendmsg": EventType(76, "network", "socket", (_NUMBER, _SIZE, _TUPLE, _RES, _DATA), ring=(9, 48)),
    "recvfrom": EventType(77, "network", "socket", (_RES, _DATA, _TUPLE, _NUMBER, _SIZE), ring=(27,)),
    "recvmsg": EventType(78, "network", "socket", (_RES, _SIZE, _DATA, _TUPLE, _NUMBER), ring=(10,)),
    "open_by_handle_at": EventType(79, "file", "open", _OPEN),
    "move_mount": EventType(80, "mount", "change", (_RES, _other("dev"), _path("dir"))),
    "open_tree": EventType(81, "mount", "change", (_MADE, _path("name"), _bits("flags", "open_tree"),
                           _ALSO_RES)),
    "dns": EventType(120, "dns", "answer", (Argument("name", "text", "name", sure=False),
                     Argument("data", "addresses"))),
}  # fmt: skip


# What an argument means, by its name.
MEANINGS: Mapping[str, str] = {
    "data": "beginning of what was sent or received",
    "size": "how much was to be sent or received",
    "arg2_int": "second argument of prctl as a number",
    "arg2_str": "the same as text, where it is a name",
    "cap_effective": "capabilities that are in effect, names joined by blanks",
    "cap_inheritable": "capabilities that programs inherit",
    "cap_permitted": "capabilities that may be taken",
    "cmd": "what bpf was asked to do: BPF_PROG_LOAD",
    "cpu": "processor that is measured, -1 for all",
    "domain": "address family of a new socket: AF_INET",
    "egid": "effective group that a process becomes",
    "entries": "size of the ring",
    "euid": "effective user that a process becomes",
    "length": "size of a kernel module",
    "newfd": "descriptor that becomes a copy",
    "nstype": "kind of namespace: CLONE_NEWNS",
    "oldfd": "descriptor that is copied",
    "option": "what prctl or keyctl was asked to do",
    "pid": "process that the call is about, as the caller numbers it",
    "proto": "protocol of a new socket",
    "request": "what ptrace was asked to do: PTRACE_ATTACH",
    "rgid": "real group that a process becomes",
    "ruid": "real user that a process becomes",
    "sgid": "saved group that a process becomes",
    "sig": "signal: SIGKILL",
    "suid": "saved user that a process becomes",
    "tid": "thread that the call is about, as the caller numbers it",
    "uargs": "parameters of a kernel module",
    "dev": "what is mounted; number of the device that a new file stands for",
    "dir": "directory that something is mounted on",
    "dirfd": "descriptor of the directory that a path is read from, or AT_FDCWD",
    "fd": "descriptor, and what it is where that is known: <f>/etc/passwd",
    "filename": "absolute path of the file; path that was executed",
    "flags": "names of flags joined by |: of an open (O_RDONLY), an executable (EXE_UPPER_LAYER), a call",
    "gid": "group that a file gets, or that a process becomes: its name where it is known",
    "linkdirfd": "descriptor of the directory that a path is read from, or AT_FDCWD",
    "linkpath": "absolute path of a new symbolic link",
    "mode": "permissions: names joined by | for chmod (S_ISUID|S_IRUSR), octal for what is created",
    "name": "absolute path of what is opened, removed or unmounted; a name",
    "new_root": "absolute path of the new root directory",
    "newdir": "descriptor of the directory that a path is read from, or AT_FDCWD",
    "newdirfd": "descriptor of the directory that a path is read from, or AT_FDCWD",
    "newpath": "absolute path after a rename or of a new link",
    "olddir": "descriptor of the directory that a path is read from, or AT_FDCWD",
    "olddirfd": "descriptor of the directory that a path is read from, or AT_FDCWD",
    "oldpath": "absolute path before a rename, or of the file that a link leads to",
    "path": "absolute path of the file; of a unix socket",
    "pathname": "absolute path of the file",
    "put_old": "absolute path of where the old root directory is put",
    "res": "what the system call returned; the name of the error if it failed",
    "target": "what a new symbolic link points to",
    "tuple": "the ends of a connection, as in fd.name",
    "type": "type of what is mounted or measured; of a new socket its number",
    "uid": "user that a file gets, or that a process becomes: its name where it is known",
}


def of_kind(kind: str) -> tuple[str, ...]:
    """The names of the event types of one kind."""
    return tuple(name for name, line in EVENT_TYPES.items() if line.kind == kind)


def _numbers(line: EventType) -> int:
    return 1 + max((each.value for each in line.arguments if isinstance(each.value, int)), default=-1)


# How many numbers an event of the type carries; what reads their places need not look.
NUMBERS: Mapping[str, int] = {name: _numbers(line) for name, line in EVENT_TYPES.items()}
