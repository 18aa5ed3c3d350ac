r"""QRadar's Log Event Extended Format 2.0: a header between bars, then keys and values between tabs.

LEEF knows no escapes. So a bar in the header becomes a broken bar and a tab a space; line breaks are written
as ``\n``, and an attacker's text can neither end a field nor begin one.
"""

from collections.abc import Mapping

from sinks.formats.cef import shown
from sinks.formats.values import OF_TEN, values
from wire.detection import Detection

# Our names, and those that QRadar knows or our own.
_KEYS: Mapping[str, str] = {
    "id": "detectionId",
    "output": "msg",
    "event": "event",
    "host": "identHostName",
    "host_id": "hostId",
    "user": "usrName",
    "uid": "uid",
    "process": "process",
    "pid": "pid",
    "executable": "executable",
    "command_line": "commandLine",
    "parent": "parent",
    "parent_pid": "parentPid",
    "ancestors": "ancestors",
    "path": "filePath",
    "source_ip": "src",
    "source_port": "srcPort",
    "destination_ip": "dst",
    "destination_port": "dstPort",
    "protocol": "proto",
    "container": "container",
    "container_id": "containerId",
    "image": "image",
    "techniques": "techniques",
    "tactics": "tactics",
    "response": "response",
}
_LONGEST = 4000


def leef(detection: Detection, version: str) -> str:
    """The whole message; ``version`` is tracetide's."""
    header = ["LEEF:2.0", "tracetide", "tracetide", version, detection.rule.name, "x09"]
    known = values(detection)
    pairs = {
        "devTime": known["milliseconds"],  # QRadar takes milliseconds since the epoch without a format
        "sev": str(max(1, OF_TEN[detection.rule.priority])),
        "cat": known.get("tactics", "runtime"),
        **{key: known[name][:_LONGEST] for name, key in _KEYS.items() if name in known},
    }
    return "|".join(
        [*map(_heading, header), "\t".join(f"{key}={_plain(value)}" for key, value in pairs.items())]
    )


def _heading(text: str) -> str:
    return shown(text, breaks=" ").replace("|", "\u00a6")


def _plain(text: str) -> str:
    text = text.replace("\r", "\\r").replace("\n", "\\n").replace("\t", " ")
    return shown(text, breaks=" ")
