"""The arguments of every event by name and in Falco's order, and the fields made of them (``evt.arg.*``)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rules.catalogue.event_types import KINDS
from rules.catalogue.flags import OPEN_FLAGS
from rules.catalogue.row import Code, Row, Source


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument: source for its text and, if it is one, for its number.

    An ``alias`` is known by its name only: it has no place among the others.
    """

    name: str
    code: Code
    number: str | None = None
    alias: bool = False


def _number(name: str, source: str) -> Argument:
    return Argument(name, Code(f"str({source})", sure=True), source)


def _result(name: str = "res") -> Argument:
    return Argument(name, Code("returned(e.result)", sure=True), "e.result")


def _result_by_name() -> Argument:
    return Argument("res", Code("returned(e.result)", sure=True), "e.result", alias=True)


def _bits(name: str, table: str, source: str) -> Argument:
    return Argument(name, Code(f"bits({table!r}, {source})", sure=True, costly=True), source)


def _choice(name: str, table: str, source: str) -> Argument:
    return Argument(name, Code(f"choice({table!r}, {source})", sure=True, costly=True), source)


def _text(name: str, source: str, *, sure: bool = False, alias: bool = False) -> Argument:
    return Argument(name, Code(source, sure=sure), alias=alias)


def _octal(name: str = "mode") -> Argument:
    return Argument(name, Code("f'0{e.mode:o}'", sure=True), "e.mode")


def _flagged(operator: str, wanted: tuple[Any, ...]) -> str | None:
    """Whether an open has a flag needs no names of flags at run time."""
    if operator != "contains" or len(wanted) != 1:
        return None
    bits = sum(bit for bit, name in OPEN_FLAGS.items() if wanted[0] in name)
    return f"e.flags & {bits:#o} != 0" if bits and wanted[0] in OPEN_FLAGS.values() else None


_OPEN_FLAGS = Argument(
    "flags", Code("open_flags(e.flags)", sure=True, costly=True, rewrite=_flagged), "e.flags"
)
_PATH = "e.path"
_OTHER = "e.other"
_OPEN = (
    _result("fd"), _text("name", _PATH, sure=True), _OPEN_FLAGS, _octal(),
    _result_by_name(), _text("path", _PATH, sure=True, alias=True),
)  # fmt: skip
_TUPLE = _text("tuple", "socket_name(e)")
_SIZE = _number("size", "e.size")
_DATA = _text("data", "(None if e.data is None else plain(e.data))")
_SOCKET = (
    _result(), _number("fd", "e.fd"), _TUPLE, _text("path", "e.path", alias=True),
)  # fmt: skip
_EXEC = (_text("filename", "e.filename", sure=True), _text("flags", "exec_flags(p)", sure=True))
_MODE = _bits("mode", "mode", "e.mode")
_OWNER = (_number("uid", "e.owner"), _number("gid", "e.group"))


def _directory(name: str = "dirfd") -> Argument:
    return Argument(name, Code("directory(e.fd)", sure=True), "e.fd")


def _other_directory(name: str) -> Argument:
    return Argument(name, Code("directory(e.other_fd)", sure=True), "e.other_fd")


def _path(name: str = "path") -> Argument:
    return _text(name, _PATH, sure=True)


def _id(name: str, at: int) -> Argument:
    return Argument(name, Code(f"named(e.ids[{at}], e.names, {at})", sure=True), f"e.ids[{at}]")


def _capabilities(name: str, at: int) -> Argument:
    return Argument(name, Code(f"capabilities(e.args[{at}])", costly=True), f"e.args[{at}]")


_FD = Argument("fd", Code("described(e.fd, e.file)"), "e.fd")
_OF_OPENED = Argument("fd", Code("f'<f>{e.path}' if e.path else str(e.fd)", sure=True), "e.fd")

ARGUMENTS: Mapping[str, tuple[Argument, ...]] = {
    **dict.fromkeys(("execve", "execveat"), _EXEC),
    **dict.fromkeys(("open", "openat", "openat2", "creat", "open_by_handle_at"), _OPEN),
    **dict.fromkeys(("connect", "accept", "accept4", "bind", "listen"), _SOCKET),
    "sendto": (_result(), _DATA, _number("fd", "e.fd"), _SIZE, _TUPLE),
    "sendmsg": (_number("fd", "e.fd"), _SIZE, _TUPLE, _result(), _DATA),
    "recvfrom": (_result(), _DATA, _TUPLE, _number("fd", "e.fd"), _SIZE),
    "recvmsg": (_result(), _SIZE, _DATA, _TUPLE, _number("fd", "e.fd")),
    "rename": (_result(), _path("oldpath"), _text("newpath", _OTHER)),
    "renameat": (_result(), _directory("olddirfd"), _path("oldpath"), _other_directory("newdirfd"),
                 _text("newpath", _OTHER)),
    "renameat2": (_result(), _directory("olddirfd"), _path("oldpath"), _other_directory("newdirfd"),
                  _text("newpath", _OTHER), _bits("flags", "rename", "e.flags")),
    "link": (_result(), _path("oldpath"), _text("newpath", _OTHER)),
    "linkat": (_result(), _directory("olddir"), _path("oldpath"), _other_directory("newdir"),
               _text("newpath", _OTHER), _bits("flags", "at", "e.flags")),
    "symlink": (_result(), _text("target", "e.text"), _path("linkpath")),
    "symlinkat": (_result(), _text("target", "e.text"), _directory("linkdirfd"), _path("linkpath")),
    "unlink": (_result(), _path()),
    "unlinkat": (_result(), _directory(), _path("name"), _bits("flags", "at", "e.flags")),
    "rmdir": (_result(), _path()),
    "mkdir": (_result(), _path(), _octal()),
    "mkdirat": (_result(), _directory(), _path(), _octal()),
    "mknod": (_result(), _path(), _octal(), _number("dev", "e.flags")),
    "mknodat": (_result(), _directory(), _path(), _octal(), _number("dev", "e.flags")),
    "chmod": (_result(), _path("filename"), _MODE),
    "fchmod": (_result(), _OF_OPENED, _MODE),
    "fchmodat": (_result(), _directory(), _path("filename"), _MODE),
    "fchmodat2": (_result(), _directory(), _path("filename"), _MODE, _bits("flags", "at", "e.flags")),
    "chown": (_result(), _path(), *_OWNER),
    "lchown": (_result(), _path(), *_OWNER),
    "fchown": (_result(), _OF_OPENED, *_OWNER),
    "fchownat": (_result(), _directory(), _path("pathname"), *_OWNER, _bits("flags", "at", "e.flags")),
    "utime": (_result(), _path()),
    "utimes": (_result(), _path()),
    "futimesat": (_result(), _directory(), _path()),
    "utimensat": (_result(), _directory(), _path(), _bits("flags", "at", "e.flags")),
    "mount": (_result(), _text("dev", _OTHER), _path("dir"), _text("type", "e.text"),
              _bits("flags", "mount", "e.flags")),
    "umount2": (_result(), _path("name"), _bits("flags", "umount", "e.flags")),
    "pivot_root": (_result(), _path("new_root"), _text("put_old", _OTHER)),
    "chroot": (_result(), _path()),
    "move_mount": (_result(), _text("dev", _OTHER), _path("dir")),
    "open_tree": (_result("fd"), _path("name"), _bits("flags", "open_tree", "e.flags"), _result_by_name()),
    **dict.fromkeys(("setuid", "setfsuid"), (_result(), _id("uid", 0))),
    **dict.fromkeys(("setgid", "setfsgid"), (_result(), _id("gid", 0))),
    "setreuid": (_result(), _id("ruid", 0), _id("euid", 1)),
    "setregid": (_result(), _id("rgid", 0), _id("egid", 1)),
    "setresuid": (_result(), _id("ruid", 0), _id("euid", 1), _id("suid", 2)),
    "setresgid": (_result(), _id("rgid", 0), _id("egid", 1), _id("sgid", 2)),
    "capset": (_result(), _capabilities("cap_inheritable", 0), _capabilities("cap_permitted", 1),
               _capabilities("cap_effective", 2)),
    "setns": (_result(), _FD, _bits("nstype", "clone", "e.args[0]")),
    "unshare": (_result(), _bits("flags", "clone", "e.args[0]")),
    "ptrace": (_result(), _choice("request", "ptrace", "e.args[0]"), _number("pid", "e.args[1]")),
    **dict.fromkeys(("process_vm_readv", "process_vm_writev"), (_result(), _number("pid", "e.args[0]"))),
    "init_module": (_result(), _number("length", "e.args[0]"), _text("uargs", "e.text")),
    "finit_module": (_result(), _FD, _text("uargs", "e.text"), _bits("flags", "module", "e.args[0]")),
    "delete_module": (_result(), _text("name", "e.text"), _bits("flags", "unload", "e.args[0]")),
    "bpf": (_result("fd"), _choice("cmd", "bpf", "e.args[0]"), _result_by_name()),
    "perf_event_open": (_result("fd"), _choice("type", "perf", "e.args[0]"), _number("pid", "e.args[1]"),
                        _number("cpu", "e.args[2]"), _bits("flags", "perf", "e.args[3]"),
                        _result_by_name()),
    "memfd_create": (_result("fd"), _text("name", "e.text"), _bits("flags", "memfd", "e.args[0]"),
                     _result_by_name()),
    "userfaultfd": (_result(), _bits("flags", "userfaultfd", "e.args[0]")),
    "prctl": (_result(), _choice("option", "prctl", "e.args[0]"), _text("arg2_str", "e.text"),
              _number("arg2_int", "e.args[1]")),
    "keyctl": (_result(), _choice("option", "keyctl", "e.args[0]")),
    "kill": (_result(), _number("pid", "e.args[0]"), _choice("sig", "signal", "e.args[1]")),
    "tkill": (_result(), _number("tid", "e.args[0]"), _choice("sig", "signal", "e.args[1]")),
    "tgkill": (_result(), _number("pid", "e.args[0]"), _number("tid", "e.args[1]"),
               _choice("sig", "signal", "e.args[2]")),
    "io_uring_setup": (_result(), _number("entries", "e.args[0]"), _bits("flags", "io_uring", "e.args[1]")),
    "dup": (_result(), _number("oldfd", "e.args[0]")),
    "dup2": (_result(), _number("oldfd", "e.args[0]"), _number("newfd", "e.args[1]")),
    "dup3": (_result(), _number("oldfd", "e.args[0]"), _number("newfd", "e.args[1]"),
             _bits("flags", "dup", "e.args[2]")),
    "socket": (_result("fd"), _choice("domain", "family", "e.args[0]"), _number("type", "e.args[1]"),
               _number("proto", "e.args[2]"), _result_by_name()),
    "dns": (_text("name", "e.name"), _text("data", "', '.join(e.addresses)", sure=True)),
}  # fmt: skip

# What an argument means, by its name.
_MEANINGS = {
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


def _rows() -> Iterator[Row]:
    """A field for each name that an argument has."""
    for name in sorted(_MEANINGS):
        on: dict[str, Source] = {
            event_type: argument.code
            for event_type, arguments in ARGUMENTS.items()
            for argument in arguments
            if argument.name == name
        }
        yield Row(f"evt.arg.{name}", "string", _MEANINGS[name], "arguments", on)


def _chosen(event_type: str, wanted: Callable[[Argument], Code | None]) -> Callable[[str], Code | None]:
    """What gives the source for the argument of that name or number."""
    arguments = ARGUMENTS[event_type]
    placed = [argument for argument in arguments if not argument.alias]
    by_name = {argument.name: argument for argument in arguments}

    def choose(name: str) -> Code | None:
        if name.isdecimal():
            return wanted(placed[int(name)]) if int(name) < len(placed) else None
        return wanted(by_name[name]) if name in by_name else None

    return choose


def _raw(argument: Argument) -> Code | None:
    return None if argument.number is None else Code(argument.number)


def _together(event_type: str) -> Code:
    """All arguments in one string."""
    placed = (argument for argument in ARGUMENTS[event_type] if not argument.alias)
    parts = ", ".join(f"{argument.name!r}: {argument.code.text}" for argument in placed)
    return Code(f"together({{{parts}}})", sure=True)


_ALL = {event_type: _together(event_type) for event_type in KINDS}

ARGUMENT_FIELDS = (
    Row("evt.args", "string", "the arguments in one string", "arguments", _ALL),
    Row("evt.info", "string", "the same as evt.args", "arguments", _ALL),
    *_rows(),
    Row("evt.arg", "string", "an argument by its name or its number from 0 on", "arguments",
        {event_type: _chosen(event_type, lambda argument: argument.code) for event_type in KINDS},
        argument="required"),
    Row("evt.rawarg", "int64", "an argument as a number, by its name", "arguments",
        {event_type: _chosen(event_type, _raw) for event_type in KINDS}, argument="required", computed=False),
)  # fmt: skip
