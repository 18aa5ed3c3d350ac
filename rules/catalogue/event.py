"""Fields of the event itself."""

import errno
from typing import Any

from rules.catalogue.arguments import ARGUMENT_FIELDS
from rules.catalogue.event_types import RECEIVING, SENDING
from rules.catalogue.row import EVERY, Code, Row, Source, always, later

# The calls that name two files.
TWO_PATHS = ("rename", "renameat", "renameat2", "link", "linkat")


def _outcome(operator: str, wanted: tuple[Any, ...]) -> str | None:
    """``evt.res`` compared with names of errors needs no names at run time."""
    if operator == "startswith" and wanted == ("E",):
        return "e.result < 0"
    if operator != "=":
        return None
    numbers = [getattr(errno, name) for name in wanted if name.startswith("E") and hasattr(errno, name)]
    tests = ["e.result >= 0"] if "SUCCESS" in wanted else []
    tests += [f"e.result == {-number}" for number in numbers[:1] if len(numbers) == 1]
    tests += [f"e.result in {tuple(-number for number in numbers)}" for _ in numbers[:1] if len(numbers) > 1]
    return f"({' or '.join(tests)})" if len(tests) > 1 else (tests or ["False"])[0]


def numbered(operator: str, wanted: tuple[Any, ...]) -> str | None:
    """Events are numbered from 1, so comparing with 0 has a fixed answer."""
    if wanted != (0,):
        return None
    return {"=": "False", "!=": "True", ">": "True", ">=": "True", "<": "False", "<=": "False"}.get(operator)


_TRUE = Code("True", sure=True)
_FALSE = Code("False", sure=True)
_RESULT = Code("e.result", sure=True)
_OUTCOME = Code("outcome(e.result)", sure=True, rewrite=_outcome)
_FAILED = Code("(e.result < 0)", sure=True)
_CALLS = ("open", "change", "identity", "call", "network")
_SYSTEM_CALLS = "system calls"


def _calls(code: Code, of_exec: str) -> dict[str, Source]:
    """Of every system call what it says of its result; an exec that is seen has succeeded."""
    return {**dict.fromkeys(_CALLS, code), "exec": Code(of_exec, sure=True)}


_PATH = Code("e.path", sure=True)
_OTHER = Code("e.other")

EVENT = (
    Row("evt.num", "uint64", "number of the event on its host, from 1", "every event",
        always("e.seq", sure=True, rewrite=numbered)),
    Row("evt.type", "string", "name of the event, such as execve", "every event", always("e.type",
        sure=True)),
    Row("syscall.type", "string", "name of the system call", "every event", always("e.type", sure=True)),
    Row("evt.dir", "string", "always <: events are reported when they are over", "fixed", always("'<'",
        sure=True)),
    Row("evt.source", "string", "always syscall", "fixed", always("'syscall'", sure=True)),
    Row("evt.is_async", "bool", "always false", "fixed", always("False", sure=True)),
    Row("evt.hostname", "string", "name of the host", "every batch of events", always("h.name", sure=True)),
    Row("evt.rawtime", "abstime", "time of the event, nanoseconds since 1970", "every event",
        always("e.time", sure=True)),
    Row("evt.rawtime.s", "abstime", "time of the event, whole seconds since 1970", "every event",
        always("(e.time // 1000000000)", sure=True)),
    Row("evt.rawtime.ns", "abstime", "time of the event, nanoseconds after the second", "every event",
        always("(e.time % 1000000000)", sure=True)),
    Row("evt.time", "string", "time of day in UTC, with nanoseconds", "every event",
        always("moment(e.time)[11:29]", sure=True)),
    Row("evt.time.s", "string", "time of day in UTC", "every event", always("moment(e.time)[11:19]",
        sure=True)),
    Row("evt.time.iso8601", "string", "time in ISO 8601, with nanoseconds", "every event",
        always("f'{moment(e.time)}+0000'", sure=True)),
    Row("evt.datetime", "string", "date and time in UTC, with nanoseconds", "every event",
        always("moment(e.time).replace('T', ' ')", sure=True)),
    Row("evt.datetime.s", "string", "date and time in UTC", "every event",
        always("moment(e.time).replace('T', ' ')[:19]", sure=True)),
    Row("evt.rawres", "int64", "what the system call returned", _SYSTEM_CALLS, _calls(_RESULT, "0")),
    Row("evt.res", "string", "SUCCESS or the name of the error", _SYSTEM_CALLS,
        _calls(_OUTCOME, "'SUCCESS'")),
    Row("evt.failed", "bool", "whether the system call failed", _SYSTEM_CALLS, _calls(_FAILED, "False")),
    Row("evt.io_uring", "string",
        "of what was asked for through io_uring: completed, or submitted if nobody told how it ended",
        "io_uring", dict.fromkeys(("open", "change", "call", "network"), Code("e.ring"))),
    Row("evt.count", "uint32", "always 1", "fixed", always("1", sure=True)),
    Row("evt.is_open_read", "bool", "whether a file was opened for reading; creat never counts", "files",
        {"creat": Code("False", sure=True), "open": Code("(e.flags & 1 == 0)", sure=True),
         EVERY: Code("False", sure=True)}),
    Row("evt.is_open_write", "bool", "whether a file was opened for writing; creat never counts", "files",
        {"creat": Code("False", sure=True), "open": Code("(e.flags & 3 in (1, 2))", sure=True),
         EVERY: Code("False", sure=True)}),
    Row("evt.is_open_exec", "bool", "whether an open that may create a file asks for it to be executable",
        "files",
        {"creat": Code("(e.mode & 0o111 != 0)", sure=True),
         "open": Code("(e.flags & 0o20000100 != 0 and e.mode & 0o111 != 0)", sure=True),
         EVERY: Code("False", sure=True)}),
    Row("evt.is_io", "bool", "whether the event sends or receives", "sockets",
        {**dict.fromkeys((*SENDING, *RECEIVING), _TRUE), EVERY: _FALSE}),
    Row("evt.is_io_read", "bool", "whether the event receives", "sockets",
        {**dict.fromkeys(RECEIVING, _TRUE), EVERY: _FALSE}),
    Row("evt.is_io_write", "bool", "whether the event sends", "sockets",
        {**dict.fromkeys(SENDING, _TRUE), EVERY: _FALSE}),
    Row("evt.is_wait", "bool", "whether the event waits; none that is collected does", "fixed",
        always("False", sure=True)),
    Row("evt.is_syslog", "bool", "whether the event writes to /dev/log; none that is collected does", "fixed",
        always("False", sure=True)),
    *ARGUMENT_FIELDS,
    Row("evt.buffer", "bytes", "first 80 bytes that were sent or received", "sockets",
        dict.fromkeys((*SENDING, *RECEIVING), Code("e.data"))),
    Row("evt.buflen", "uint64", "how much was sent or received", "sockets",
        dict.fromkeys((*SENDING, *RECEIVING), Code("(e.result if e.result > 0 else 0)", sure=True))),
    Row("evt.abspath", "string", "absolute path that the call names", "files, changes",
        {"open": _PATH, "change": _PATH}),
    Row("evt.abspath.src", "string", "the first of two that it names", "changes",
        dict.fromkeys(TWO_PATHS, _PATH)),
    Row("evt.abspath.dst", "string", "the second", "changes", dict.fromkeys(TWO_PATHS, _OTHER)),
    later("evt.is_open_create", "bool", "whether the file was created by this open", "created files"),
    later("evt.category", "string", "kind of system call: file, net, memory ...", "a table of system calls"),
    later("evt.cpu", "int16", "processor that ran the system call", "processor numbers"),
    Row("evt.io_dir", "string", "r for receiving, w for sending", "sockets",
        {**dict.fromkeys(SENDING, Code("'w'", sure=True)),
         **dict.fromkeys(RECEIVING, Code("'r'", sure=True))}),
    later("evt.type.is", "uint32", "1 if the event is of that type", "nothing; use evt.type",
          argument="required"),
    later("evt.latency", "reltime", "how long the system call took", "beginnings of system calls"),
    later("evt.latency.s", "reltime", "how long the system call took, seconds", "beginnings of system calls"),
    later("evt.latency.ns", "reltime", "how long the system call took, the rest",
          "beginnings of system calls"),
    later("evt.latency.human", "string", "how long the system call took", "beginnings of system calls"),
    later("evt.wait_latency", "reltime", "how long the system call waited", "beginnings of system calls"),
    later("evt.deltatime", "reltime", "time since the event before", "the event before"),
    later("evt.deltatime.s", "reltime", "time since the event before, seconds", "the event before"),
    later("evt.deltatime.ns", "reltime", "time since the event before, the rest", "the event before"),
    later("evt.reltime", "reltime", "time since the first event", "the first event"),
    later("evt.reltime.s", "reltime", "time since the first event, seconds", "the first event"),
    later("evt.reltime.ns", "reltime", "time since the first event, the rest", "the first event"),
    later("evt.around", "uint64", "whether the event is near a time", "nothing; use evt.rawtime",
          argument="required", computed=False, shown=False),
    later("evt.asynctype", "string", "kind of asynchronous event", "plugins"),
    later("evt.pluginname", "string", "plugin that an event came from", "plugins"),
    later("evt.plugininfo", "string", "what the plugin says of the event", "plugins"),
    later("evt.count.error", "uint32", "1 if the system call failed", "nothing; use evt.failed"),
    later("evt.count.error.file", "uint32", "1 if it failed on a file", "nothing; use evt.failed"),
    later("evt.count.error.net", "uint32", "1 if it failed on the network", "nothing; use evt.failed"),
    later("evt.count.error.memory", "uint32", "1 if it failed on memory", "nothing; use evt.failed"),
    later("evt.count.error.other", "uint32", "1 if it failed otherwise", "nothing; use evt.failed"),
    later("evt.count.exit", "uint32", "1 if the event marks an end", "nothing; all do"),
)  # fmt: skip
