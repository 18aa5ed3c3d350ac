"""Sigma's log sources, field by field: where each value is in events, or why no event has it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from rules.catalogue.event_types import KINDS
from rules.sigma.absent import OF_AUDIT, OF_SYSMON

Kind = Literal["text", "number", "address", "truth", "record", "call"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of Sigma's.

    ``places`` are fields of the catalogue, of which any may have the value; an event has the field only if
    it meets the condition ``only``. ``others`` are where it is in events of other types. An address has its
    networks in ``networks``. A truth holds where the condition ``holds`` does, and ``false`` says why its
    opposite is not known. ``names`` are numbers that have another value here. ``record`` and
    ``call`` are the type of an audit record and the name of a system call.
    """

    kind: Kind
    places: tuple[str, ...] = ()
    only: str = ""
    networks: str = ""
    holds: str = ""
    false: str = ""
    names: Mapping[str, int] = field(default_factory=dict)
    others: tuple[Field, ...] = ()

    @property
    def everywhere(self) -> tuple[Field, ...]:
        """The field in events of each kind by itself."""
        return (self, *self.others)


@dataclass(frozen=True, slots=True)
class Source:
    """One log source.

    ``events`` is the condition that its events meet, ``given`` what that takes of an event of which
    only Sigma's fields are given. ``keywords`` are the fields that a value without a field is looked for in;
    of ``auditd`` those of the records that the rule is about.
    ``shown`` is the end of an output.
    """

    name: str
    events: str
    fields: Mapping[str, Field]
    absent: Mapping[str, str]
    keywords: tuple[str, ...]
    shown: str
    given: Mapping[str, Any] = field(default_factory=dict)

    def field(self, name: str) -> Field | None:
        """The field of that name, if events have it."""
        found = self.fields.get(name)
        if found is None and self.name == "auditd" and (number := re.fullmatch(r"a(\d{1,3})", name)):
            return Field("text", (f"proc.argv[{int(number[1])}]",), EXECUTION)
        return found


def _text(*places: str) -> Field:
    return Field("text", places)


def _number(*places: str) -> Field:
    return Field("number", places)


_PROCESS: Mapping[str, Field] = {
    "Image": _text("proc.exepath"),
    "CommandLine": _text("proc.exeline"),
    "CurrentDirectory": _text("proc.cwd"),
    "User": _text("user.name"),
    "LogonId": _number("user.uid"),
    "ProcessId": _number("proc.pid"),
    "ParentImage": _text("proc.pexepath"),
    "ParentCommandLine": _text("proc.pexeline"),
    "ParentUser": _text("proc.puser"),
    "ParentProcessId": _number("proc.ppid"),
    "GrandParentImage": _text("proc.aexepath[2]"),
}


def _types(*kinds: str) -> str:
    return f"evt.type in ({', '.join(name for name, kind in KINDS.items() if kind in kinds)})"


EXECUTION = _types("exec")
_OPENS = _types("open")
_CHANGES = _types("change")
_NEW_NAME = "evt.type in (rename, renameat, renameat2, link, linkat)"
_NEW_FILE = "evt.type in (symlink, symlinkat, mknod, mknodat)"

PROCESS_CREATION = Source(
    name="process_creation",
    events=EXECUTION,
    fields=_PROCESS,
    absent=OF_SYSMON,
    keywords=("Image", "CommandLine", "CurrentDirectory", "User", "ParentImage", "ParentCommandLine"),
    shown="command=%proc.exeline image=%proc.exepath parent=%proc.pexepath user=%user.name "
    "container=%container.id",
    given={"evt.type": "execve"},
)

# Sysmon reports a file that is created, also over one that was there: what is opened for writing or creating.
# A file gets a name by a rename or a link too, and some are made without being opened.
FILE_EVENT = Source(
    name="file_event",
    events=f"evt.rawres >= 0 and ({_NEW_NAME} or {_NEW_FILE} or {_OPENS}"
    " and (evt.type = creat or evt.is_open_write = true or evt.arg.flags contains O_CREAT))",
    fields={
        **_PROCESS,
        "TargetFilename": Field(
            "text",
            ("fd.name",),
            _OPENS,
            others=(
                Field("text", ("evt.abspath.dst",), _NEW_NAME),
                Field("text", ("evt.abspath",), _NEW_FILE),
            ),
        ),
    },
    absent=OF_SYSMON,
    keywords=("TargetFilename", "Image", "User"),
    shown="file=%fd.name new_name=%evt.abspath.dst image=%proc.exepath command=%proc.exeline user=%user.name "
    "container=%container.id",
    given={"evt.type": "openat", "evt.is_open_write": True, "evt.rawres": 3},
)

FILE_RENAME = Source(
    name="file_rename",
    events="evt.type in (rename, renameat, renameat2) and evt.rawres >= 0",
    fields={
        **_PROCESS,
        "SourceFilename": _text("evt.abspath.src"),
        "TargetFilename": _text("evt.abspath.dst"),
    },
    absent=OF_SYSMON,
    keywords=("SourceFilename", "TargetFilename", "Image", "User"),
    shown="file=%evt.abspath.src new_name=%evt.abspath.dst image=%proc.exepath command=%proc.exeline "
    "user=%user.name container=%container.id",
    given={"evt.type": "rename", "evt.rawres": 0},
)

FILE_DELETE = Source(
    name="file_delete",
    events="evt.type in (unlink, unlinkat) and evt.rawres >= 0",
    fields={**_PROCESS, "TargetFilename": _text("evt.abspath")},
    absent=OF_SYSMON,
    keywords=("TargetFilename", "Image", "User"),
    shown="file=%evt.abspath image=%proc.exepath command=%proc.exeline user=%user.name "
    "container=%container.id",
    given={"evt.type": "unlink", "evt.rawres": 0},
)

# The one that asked for the connection is the source, whichever of the two this host is. A connect that does
# not wait is still under way when it returns.
NETWORK_CONNECTION = Source(
    name="network_connection",
    events="evt.type in (connect, accept, accept4) and fd.typechar in (4, 6)"
    " and (evt.rawres >= 0 or evt.res = EINPROGRESS)",
    fields={
        **_PROCESS,
        "Initiated": Field("truth", holds="evt.type = connect"),
        "Protocol": _text("fd.l4proto"),
        "SourceIp": Field("address", ("fd.cip",), networks="fd.cnet"),
        "SourcePort": _number("fd.cport"),
        "SourceHostname": _text("fd.cip.name"),
        "SourceIsIpv6": Field("truth", holds="fd.typechar = 6"),
        "DestinationIp": Field("address", ("fd.sip",), networks="fd.snet"),
        "DestinationPort": _number("fd.sport"),
        "DestinationHostname": _text("fd.sip.name"),
        "DestinationIsIpv6": Field("truth", holds="fd.typechar = 6"),
    },
    absent=OF_SYSMON,
    keywords=("Image", "User", "DestinationIp", "DestinationPort", "SourceIp", "SourcePort"),
    shown="connection=%fd.name image=%proc.exepath command=%proc.exeline user=%user.name "
    "container=%container.id",
    given={"evt.type": "connect", "fd.typechar": "4", "evt.rawres": 0},
)

# What the audit subsystem tells of one system call in several records is one event here.
AUDITD = Source(
    name="auditd",
    events="",
    fields={
        "type": Field("record"),
        "SYSCALL": Field("call"),
        "exe": _text("proc.exepath"),
        "comm": _text("proc.name"),
        "proctitle": Field("text", ("proc.exeline",), EXECUTION),
        "name": Field(
            "text",
            ("fd.name",),
            _OPENS,
            others=(
                Field("text", ("evt.arg.filename",), EXECUTION),
                Field("text", ("evt.abspath", "evt.abspath.dst"), _CHANGES),
            ),
        ),
        "pid": _number("proc.pid"),
        "ppid": _number("proc.ppid"),
        "uid": _number("user.uid"),
        "euid": _number("user.euid"),
        "auid": Field("number", ("user.loginuid",), names={"4294967295": -1, "unset": -1}),
        "gid": _number("group.gid"),
        "exit": _number("evt.rawres"),
        "success": Field("truth", holds="evt.failed = false", false="an exec that fails is not collected"),
        "UID": _text("user.name"),
    },
    absent=OF_AUDIT,
    keywords=(),
    shown="event=%evt.type file=%fd.name command=%proc.exeline image=%proc.exepath parent=%proc.pexepath "
    "user=%user.name container=%container.id",
)


@dataclass(frozen=True, slots=True)
class Record:
    """A type of audit record: the events that have one, and the fields that are the texts in it."""

    events: str
    keywords: tuple[str, ...]


# The records that an event of a system call stands for. A SYSCALL whose call a rule does not name is an exec:
# a program is found when it is started, and not with everything that it does.
RECORDS: Mapping[str, Record] = {
    "SYSCALL": Record(EXECUTION, ("exe", "comm")),
    "EXECVE": Record(EXECUTION, ("proctitle",)),
    "PROCTITLE": Record(EXECUTION, ("proctitle",)),
    "PATH": Record(_types("open", "change", "exec"), ("name",)),
}

# By category, or by service where there is no category.
SOURCES: Mapping[str, Source] = {
    source.name: source
    for source in (PROCESS_CREATION, FILE_EVENT, FILE_RENAME, FILE_DELETE, NETWORK_CONNECTION, AUDITD)
}
