"""Fields of the file or socket that an event is about."""

from collections.abc import Mapping
from typing import Any

from rules.catalogue.event_types import KINDS, RECEIVING, SENDING
from rules.catalogue.row import Code, Row, Source, Type, later


def _opened(operator: str, wanted: tuple[Any, ...]) -> str | None:
    """A descriptor is -1 when the open failed and not negative otherwise."""
    if (operator, wanted) in ((">=", (0,)), (">", (-1,)), ("!=", (-1,))):
        return "e.result >= 0"
    return "e.result < 0" if (operator, wanted) in (("=", (-1,)), ("<", (0,))) else None


_CHARACTERS = {"ipv4": "4", "ipv6": "6", "unix": "u"}


def _family(operator: str, wanted: tuple[Any, ...]) -> str | None:
    if operator != "=":
        return None
    families = [family for family, character in _CHARACTERS.items() if character in wanted]
    if len(families) == 1:
        return f"e.family == {families[0]!r}"
    return f"e.family in {tuple(families)}" if families else "False"


def _client(what: str) -> dict[str, Source]:
    return {
        "connect": Code(f"e.local_{what}"),
        "accept": Code(f"e.remote_{what}"),
        "accept4": Code(f"e.remote_{what}"),
        **dict.fromkeys(SENDING, Code(f"e.local_{what}")),
        **dict.fromkeys(RECEIVING, Code(f"(e.remote_{what} if serves(e) else e.local_{what})")),
    }


def _server(what: str) -> dict[str, Source]:
    return {
        **dict.fromkeys(("connect", *SENDING), Code(f"e.remote_{what}")),
        **dict.fromkeys(RECEIVING, Code(f"(e.local_{what} if serves(e) else e.remote_{what})")),
        "network": Code(f"e.local_{what}"),
    }


def _local(what: str) -> dict[str, Source]:
    return {"network": Code(f"e.local_{what}")}


def _remote(what: str) -> dict[str, Source]:
    return {"listen": Code("None"), "bind": Code("None"), "network": Code(f"e.remote_{what}")}


def _both(what: str) -> dict[str, Source]:
    ends = (f"e.local_{what}", f"e.remote_{what}")
    one = Code("", ends=ends[:1])
    accepted = Code("", ends=ends[::-1])
    return {
        "listen": one,
        "bind": one,
        "accept": accepted,
        "accept4": accepted,
        "network": Code("", ends=ends),
    }


def _ends(suffix: str, kind: Type, meaning: str, what: str) -> tuple[Row, ...]:
    """The fields of the client's, the server's, the local and the remote end, and of both."""
    alone = kind != "net"
    return (
        Row(f"fd.{suffix}", kind, f"{meaning} of either end", "sockets", _both(what), values="either",
            computed=False, shown=False),
        Row(f"fd.c{suffix}", kind, f"{meaning} of the client", "sockets", _client(what), computed=alone,
            shown=alone),
        Row(f"fd.s{suffix}", kind, f"{meaning} of the server", "sockets", _server(what), computed=alone,
            shown=alone),
        Row(f"fd.l{suffix}", kind, f"{meaning} of this host's end", "sockets", _local(what), computed=alone,
            shown=alone),
        Row(f"fd.r{suffix}", kind, f"{meaning} of the far end", "sockets", _remote(what), computed=alone,
            shown=alone),
    )  # fmt: skip


def _named(ends: Mapping[str, Source]) -> dict[str, Source]:
    """What the addresses of ends are called."""
    return {
        on: Code(f"h.domain(e.cgroup, {source.text})", costly=True) if source.text != "None" else source
        for on, source in ends.items()
        if isinstance(source, Code)
    }


def _name(prefix: str, meaning: str, ends: Mapping[str, Source]) -> Row:
    return Row(f"fd.{prefix}ip.name", "string", f"domain name that {meaning} was asked for by",
               "sockets, DNS answers", _named(ends), computed=False)  # fmt: skip


def _if_done(source: str) -> Code:
    return Code(f"({source} if e.result >= 0 else None)")


# Where the paths of calls on the file system are: as they are resolved, and as the program passed them.
_PATH = ("e.path", "(e.path if e.raw is None else e.raw)")
_OTHER = ("e.other", "(e.other if e.other_raw is None else e.other_raw)")
_TWO = (
    "rename",
    "renameat",
    "renameat2",
    "link",
    "linkat",
    "symlink",
    "symlinkat",
    "mount",
    "pivot_root",
    "move_mount",
)
_OPENED = {"open": _PATH}
_ONE = {name: _PATH for name, kind in KINDS.items() if kind == "change" and name not in _TWO}
_LINKS = ("link", "linkat")
_SYMLINKS = ("symlink", "symlinkat")
_SOURCE = {
    **dict.fromkeys(("rename", "renameat", "renameat2", *_SYMLINKS), _PATH),
    **dict.fromkeys((*_LINKS, "mount", "move_mount"), _OTHER),
}
_TARGET = {
    **dict.fromkeys(("rename", "renameat", "renameat2"), _OTHER),
    **dict.fromkeys((*_LINKS, "mount", "move_mount"), _PATH),
    **dict.fromkeys(_SYMLINKS, ("link_target(e)", "e.text")),
}


def _paths(name: str, meaning: str, *of: Mapping[str, tuple[str, str]]) -> tuple[Row, Row]:
    """The two fields of a path: Falco has them only for calls that succeeded."""
    on = {key: sources for each in of for key, sources in each.items()}
    return (
        Row(f"fs.path.{name}", "string", f"{meaning}; missing if it failed", "files, changes",
            {key: _if_done(source) for key, (source, _) in on.items()}),
        Row(f"fs.path.{name}raw", "string", "the same as the program passed it", "files, changes",
            {key: _if_done(raw) for key, (_, raw) in on.items()}),
    )  # fmt: skip


# Calls that change the file behind a descriptor.
_BY_DESCRIPTOR = ("fchmod", "fchown")


def _of_files(opened: Code, changed: Code, described: str) -> dict[str, Source]:
    """Of an open, of a change by descriptor, and of other calls that are about one."""
    return {"open": opened, **dict.fromkeys(_BY_DESCRIPTOR, changed), "call": Code(described)}


_NAME = Code("e.path", sure=True)
_DIRECTORY = Code("(e.path[: e.path.rfind('/')] or '/')", sure=True, costly=True)
_BASENAME = "(e.path[e.path.rfind('/') + 1 :] or '/')"

FILE = (
    Row("fd.num", "int64", "descriptor; -1 if the file could not be opened", "files, sockets",
        {**_of_files(Code("(e.result if e.result >= 0 else -1)", sure=True, rewrite=_opened),
                     Code("e.fd", sure=True), "e.fd"),
         "network": Code("e.fd", sure=True)}),
    Row("fd.type", "string", "file, ipv4, ipv6, unix, pipe, event or other", "files, sockets",
        {**_of_files(Code("('file' if e.result >= 0 else None)"), Code("'file'", sure=True),
                     "descriptor_type(e.file)"),
         "network": Code("e.family", sure=True)}),
    Row("fd.typechar", "string", "the type in one character: f, 4, 6, u, p or e", "files, sockets",
        {**_of_files(Code("'f'", sure=True), Code("'f'", sure=True), "descriptor_typechar(e.file)"),
         "network": Code("typechar(e.family)", sure=True, rewrite=_family)}),
    Row("fd.name", "string",
        "absolute path; of a connection client:port->server:port, or local->remote for a copied descriptor; "
        "of a unix socket its path",
        "files, sockets",
        {**_of_files(_NAME, _NAME, "descriptor_name(e.file)"),
         "network": Code("socket_name(e)", costly=True)}),
    Row("fd.nameraw", "string", "path as the program passed it", "files",
        {"open": Code("(e.raw or e.path)", sure=True)}),
    Row("fd.directory", "string", "directory that the file is in", "files",
        _of_files(_DIRECTORY, _DIRECTORY, "descriptor_directory(e.file)"),
        part_of=("fd.name", "directory")),
    Row("fd.filename", "string", "name of the file without its directory", "files",
        _of_files(Code(f"({_BASENAME} if e.result >= 0 else None)", costly=True),
                  Code(_BASENAME, sure=True, costly=True), "descriptor_filename(e.file)"),
        part_of=("fd.name", "filename")),
    *_ends("ip", "ip", "address", "ip"),
    *_ends("port", "port", "port", "port"),
    *_ends("net", "net", "network", "ip"),
    Row("fd.l4proto", "string", "tcp, udp, icmp or raw", "sockets", {"network": Code("e.proto")}),
    Row("fd.sockfamily", "string", "ip or unix", "sockets",
        {"network": Code("('unix' if e.family == 'unix' else 'ip')", sure=True)}),
    Row("fd.is_server", "bool", "whether this end is the server", "sockets",
        {**dict.fromkeys(("connect", *SENDING), Code("False", sure=True)),
         **dict.fromkeys(RECEIVING, Code("serves(e)", sure=True)), "network": Code("True", sure=True)}),
    Row("fd.connected", "bool", "whether the connection stands", "sockets",
        {"listen": Code("False", sure=True), "bind": Code("False", sure=True),
         **dict.fromkeys((*SENDING, *RECEIVING), Code("e.connected", sure=True)),
         "network": Code("(e.result >= 0)", sure=True)}),
    Row("fd.name_changed", "bool", "whether the event gave the socket its name", "sockets",
        {"listen": Code("False", sure=True),
         **dict.fromkeys((*SENDING, *RECEIVING), Code("e.named", sure=True)),
         "network": Code("True", sure=True)}),
    Row("dns.name", "string", "name that a name server was asked for, in small letters", "DNS answers",
        {"answer": Code("e.name")}),
    Row("dns.server", "ip", "address of the name server", "DNS answers",
        {"answer": Code("e.server", sure=True)}),
    Row("dns.code", "uint32", "response code: 0 for an answer, 3 if there is no such name", "DNS answers",
        {"answer": Code("e.code", sure=True)}),
    _name("c", "the client", _client("ip")),
    _name("s", "the server", _server("ip")),
    _name("l", "this host's end", _local("ip")),
    _name("r", "the far end", _remote("ip")),
    later("fd.proto", "port", "service of either port", "nothing; use fd.port", computed=False, shown=False),
    later("fd.cproto", "string", "service of the client's port", "nothing; use fd.cport"),
    later("fd.sproto", "string", "service of the server's port", "nothing; use fd.sport"),
    later("fd.lproto", "string", "service of this host's port", "nothing; use fd.lport"),
    later("fd.rproto", "string", "service of the far port", "nothing; use fd.rport"),
    later("fd.types", "string", "types of all open descriptors", "tables of descriptors", values="list",
          argument="optional", index=True),
    later("fd.uid", "string", "descriptor and thread in one", "tables of descriptors"),
    later("fd.containername", "string", "container id and path in one",
          "nothing; use container.id and fd.name"),
    later("fd.containerdirectory", "string", "container id and directory in one",
          "nothing; use container.id and fd.directory"),
    later("fd.dev", "int32", "device that holds the file", "inodes of opened files"),
    later("fd.dev.major", "int32", "major number of the device that holds the file",
          "inodes of opened files"),
    later("fd.dev.minor", "int32", "minor number of the device that holds the file",
          "inodes of opened files"),
    later("fd.ino", "int64", "inode of the file", "inodes of opened files"),
    later("fdlist.nums", "string", "descriptors that the event is about", "poll"),
    later("fdlist.names", "string", "names of the descriptors that the event is about", "poll"),
    later("fdlist.cips", "string", "clients of the descriptors that the event is about", "poll"),
    later("fdlist.sips", "string", "servers of the descriptors that the event is about", "poll"),
    later("fdlist.cports", "string", "client ports of the descriptors that the event is about", "poll"),
    later("fdlist.sports", "string", "server ports of the descriptors that the event is about", "poll"),
    later("syslog.facility", "uint32", "facility of a line written to the log", "data of reads and writes"),
    later("syslog.facility.str", "string", "its name", "data of reads and writes"),
    later("syslog.severity", "uint32", "severity of a line written to the log", "data of reads and writes"),
    later("syslog.severity.str", "string", "its name", "data of reads and writes"),
    later("syslog.message", "string", "a line written to the log", "data of reads and writes"),
    *_paths("name", "path that a call on the file system acts on", _ONE, _OPENED),
    *_paths("source", "first path of a call that names two; of a link the new one", _SOURCE),
    *_paths("target", "second path of a call that names two; of a link the file that it leads to", _TARGET),
)  # fmt: skip
