"""Values that a person gives by Sigma's names, brought to the names that conditions use."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rules.sigma.sources import SOURCES, Field

# What an event looks like of which a truth is said.
_TRUTHS: Mapping[str, Mapping[bool, Mapping[str, Any]]] = {
    "Initiated": {True: {"evt.type": "connect"}, False: {"evt.type": "accept"}},
    "success": {True: {"evt.failed": False}, False: {"evt.failed": True}},
    "DestinationIsIpv6": {True: {"fd.typechar": "6"}, False: {"fd.typechar": "4"}},
    "SourceIsIpv6": {True: {"fd.typechar": "6"}, False: {"fd.typechar": "4"}},
}
# An event that has the audit record.
_RECORDS = {"EXECVE": "execve", "PROCTITLE": "execve", "PATH": "openat", "SYSCALL": "execve"}


def named_as_here(log_source: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The values by our names; what an event of the log source always has need not be given.

    Names that Sigma does not have there are left as they are.
    """
    source = SOURCES[log_source]
    named = dict(source.given or _audited(fields))
    if "evt.type" in fields:
        named.pop("evt.is_open_write", None)  # who says the type says what kind of open it is
    for name, value in fields.items():
        field = source.field(name)
        if field is None:
            named[name] = value
        elif field.kind != "record":
            named |= dict(_places(name, field, value))
    return named


def _places(name: str, field: Field, value: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401  # as JSON has it
    if field.kind == "truth":
        yield from _TRUTHS[name][str(value).lower() in ("true", "yes")].items()
    if field.kind == "call":
        yield "evt.type", value
    for each in field.everywhere:
        for place in each.places:
            yield place, each.names.get(str(value), value)
    if field.networks:
        yield field.networks, value


def _audited(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The type of the event that some audit records are about, and its command line put together."""
    record = str(fields.get("type", "PATH" if "name" in fields else "EXECVE")).upper()
    arguments = sorted(
        (int(name[1:]), str(text)) for name, text in fields.items() if re.match(r"a\d+$", name)
    )
    line = {"proc.exeline": " ".join(text for _, text in arguments)} if arguments else {}
    return {"evt.type": _RECORDS.get(record, "execve"), **line}
