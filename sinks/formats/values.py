"""What a detection says, under plain names: the formats that are lists of keys and values choose from it."""

from collections.abc import Mapping
from typing import Any

from wire.detection import Detection, Priority

# Grades of syslog (RFC 5424, table 2).
SYSLOG: Mapping[Priority, int] = {
    "Emergency": 0,
    "Alert": 1,
    "Critical": 2,
    "Error": 3,
    "Warning": 4,
    "Notice": 5,
    "Informational": 6,
    "Debug": 7,
}

# From 0 to 10, as CEF and LEEF have it.
OF_TEN: Mapping[Priority, int] = {
    "Emergency": 10,
    "Alert": 10,
    "Critical": 9,
    "Error": 8,
    "Warning": 6,
    "Notice": 4,
    "Informational": 3,
    "Debug": 1,
}


def values(detection: Detection) -> dict[str, str]:
    """Everything that is known as text; what is not known is not there."""
    event, process, container = detection.event, detection.process, detection.container
    parent = detection.ancestors[0] if detection.ancestors else None
    techniques = detection.rule.techniques
    known: dict[str, Any] = {
        "id": detection.id,
        "rule": detection.rule.name,
        "priority": detection.rule.priority,
        "output": detection.output,
        "description": detection.rule.description,
        "response": detection.rule.response,
        "milliseconds": detection.time // 10**6,
        "host": detection.host.name,
        "host_id": detection.host.id,
        "boot": detection.host.boot,
        "techniques": ",".join(technique.id for technique in techniques),
        "tactics": ",".join(dict.fromkeys(tactic for each in techniques for tactic in each.tactics)),
        "event": event.get("type"),
        "path": event.get("path"),
        "protocol": event.get("proto"),
        "missing": "; ".join(detection.missing),
        "lost": detection.lost or None,
    }
    if process:
        known |= {
            "process": process.name,
            "executable": process.exepath,
            "pid": process.pid,
            "command_line": " ".join(process.args) if process.args is not None else None,
            "user": process.user,
            "uid": process.uid,
        }
    if parent:
        known |= {
            "parent": parent.name,
            "parent_pid": parent.pid,
            "parent_command_line": " ".join(parent.args) if parent.args is not None else None,
            "ancestors": " < ".join(each.name or "?" for each in detection.ancestors),
        }
    if container:
        known |= {
            "container": container.name,
            "container_id": container.id,
            "image": container.image,
            "runtime": container.runtime,
        }
    known |= _sides(event)
    return {name: str(value) for name, value in known.items() if value not in (None, "")}


def _sides(event: Mapping[str, Any]) -> dict[str, Any]:
    """Addresses with the side that began as the source; one that only listens has no other side."""
    local = (event.get("local_ip"), event.get("local_port"))
    remote = (event.get("remote_ip"), event.get("remote_port"))
    source, destination = (remote, local) if event.get("type") in ("accept", "accept4") else (local, remote)
    return {
        "source_ip": source[0],
        "source_port": source[1],
        "destination_ip": destination[0],
        "destination_port": destination[1],
    }
