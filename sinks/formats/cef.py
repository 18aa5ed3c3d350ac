"""ArcSight's Common Event Format: a header between bars, then keys and values.

What an attacker chose (a file name, an argument) must not end a field or begin one: in the header bars
and backslashes are escaped and line breaks become spaces; in values equals signs, backslashes and line
breaks are escaped.
"""

from collections.abc import Mapping

from sinks.formats.values import OF_TEN, values
from wire.detection import Detection

# Our names, and those of CEF's dictionary with the lengths that it allows.
_KEYS: Mapping[str, tuple[str, int]] = {
    "id": ("externalId", 40),
    "milliseconds": ("rt", 20),
    "output": ("msg", 1023),
    "event": ("act", 63),
    "host": ("dvchost", 100),
    "host_id": ("deviceExternalId", 255),
    "process": ("dproc", 1023),
    "pid": ("dpid", 20),
    "executable": ("deviceProcessName", 1023),
    "parent": ("sproc", 1023),
    "parent_pid": ("spid", 20),
    "user": ("duser", 1023),
    "uid": ("duid", 1023),
    "path": ("filePath", 1023),
    "source_ip": ("src", 64),
    "source_port": ("spt", 20),
    "destination_ip": ("dst", 64),
    "destination_port": ("dpt", 20),
    "protocol": ("proto", 31),
    "command_line": ("cs1", 4000),
    "container_id": ("cs2", 4000),
    "image": ("cs3", 4000),
    "techniques": ("cs4", 4000),
    "ancestors": ("cs5", 4000),
    "response": ("cs6", 4000),
}
_LABELS: Mapping[str, str] = {
    "cs1": "commandLine",
    "cs2": "containerId",
    "cs3": "image",
    "cs4": "techniques",
    "cs5": "ancestors",
    "cs6": "response",
}

# Addresses of the newer internet have keys of their own.
_SIX: Mapping[str, tuple[str, str]] = {
    "src": ("c6a2", "sourceIPv6"),
    "dst": ("c6a3", "destinationIPv6"),
}


def cef(detection: Detection, version: str) -> str:
    """The whole message; ``version`` is tracetide's."""
    severity = OF_TEN[detection.rule.priority]
    rule = detection.rule.name
    header = ["CEF:0", "tracetide", "tracetide", version, rule, rule, str(severity)]
    known = values(detection)
    pairs = [
        pair
        for name, (key, longest) in _KEYS.items()
        if name in known
        for pair in _pairs(key, known[name][:longest])
    ]
    return "|".join([*map(_heading, header), " ".join(f"{key}={_escaped(value)}" for key, value in pairs)])


def _pairs(key: str, value: str) -> list[tuple[str, str]]:
    if key in _SIX and ":" in value:
        key, label = _SIX[key]
        return [(key, value), (f"{key}Label", label)]
    return [(key, value), (f"{key}Label", _LABELS[key])] if key in _LABELS else [(key, value)]


def _heading(text: str) -> str:
    return shown(text, breaks=" ").replace("\\", "\\\\").replace("|", "\\|")


def _escaped(text: str) -> str:
    text = text.replace("\\", "\\\\").replace("=", "\\=").replace("\r", "\\r").replace("\n", "\\n")
    return shown(text, breaks=" ")


def shown(text: str, breaks: str) -> str:
    """``text`` in which nothing controls a terminal or ends a line, under any definition of a line's end."""
    return "".join(
        breaks
        if each in "\r\n\x0b\x0c\x85\u2028\u2029"
        else each
        if each >= " " and each != "\x7f"
        else "\ufffd"
        for each in text.encode("utf-8", "replace").decode()
    )
