"""A detection as a Detection Finding (class 2004) of the Open Cybersecurity Schema Framework 1.8."""

from collections.abc import Mapping
from importlib.metadata import version as package_version
from typing import Any

import orjson

from sinks.attack import TACTICS
from sinks.contract import Never
from sinks.ecs import title
from sinks.formats.pruning import pruned
from wire.detection import ContainerInfo, Detection, Priority, ProcessInfo, Technique

VERSION = "1.8.0"

# Identifiers of the schema: category Findings, class Detection Finding, activity Create, status New.
_CATEGORY, _CLASS, _CREATE, _NEW = 2, 2004, 1, 1
_LINUX = 200
_SEVERITIES: Mapping[Priority, tuple[int, str]] = {
    "Emergency": (6, "Fatal"),
    "Alert": (5, "Critical"),
    "Critical": (5, "Critical"),
    "Error": (4, "High"),
    "Warning": (3, "Medium"),
    "Notice": (2, "Low"),
    "Informational": (1, "Informational"),
    "Debug": (1, "Informational"),
}

Fields = dict[str, Any]


def finding(detection: Detection, version: str) -> Fields:
    """The whole finding; ``version`` is tracetide's. Times are milliseconds since the epoch."""
    milliseconds = detection.time // 10**6
    severity, name = _SEVERITIES[detection.rule.priority]
    return pruned(
        {
            "category_uid": _CATEGORY,
            "class_uid": _CLASS,
            "activity_id": _CREATE,
            "type_uid": _CLASS * 100 + _CREATE,
            "severity_id": severity,
            "severity": name,
            "status_id": _NEW,
            "time": milliseconds,
            "message": title(detection),
            "is_alert": True,
            "metadata": {
                "version": VERSION,
                "profiles": ["host", "container"] if detection.container else ["host"],
                "product": {"name": "tracetide", "vendor_name": "tracetide", "version": version},
                "uid": detection.id,
                "original_time": str(detection.time),
            },
            "finding_info": _finding_info(detection, milliseconds),
            "device": _device(detection),
            "evidences": [_evidence(detection)],
            "remediation": {"desc": detection.rule.response} if detection.rule.response else None,
            "unmapped": {
                "events": detection.events,
                "missing": detection.missing,
                "lost": detection.lost or None,
                "false_positives": detection.rule.false_positives,
            },
        }
    )


def encoded(detection: Detection) -> bytes | Never:
    """The finding as JSON; the event in a detection is not typed and may hold anything."""
    try:
        return orjson.dumps(finding(detection, package_version("tracetide")))
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        return Never(f"no finding can be made of it: {error}")


def _finding_info(detection: Detection, milliseconds: int) -> Fields:
    return {
        "uid": detection.id,
        "title": detection.rule.name,
        "desc": detection.output,
        "types": detection.rule.tags,
        "created_time": milliseconds,
        "analytic": {"name": detection.rule.name, "type_id": 1, "desc": detection.rule.description},
        "attacks": [_attack(technique) for technique in detection.rule.techniques],
    }


def _attack(technique: Technique) -> Fields:
    """A sub-technique also names the technique that it belongs to."""
    whole, _, part = technique.name.partition(": ")
    sub = {"uid": technique.id, "name": part} if "." in technique.id else None
    return {
        "technique": {"uid": technique.id.partition(".")[0], "name": whole},
        "sub_technique": sub,
        "tactics": [{"name": tactic, "uid": TACTICS.get(tactic)} for tactic in technique.tactics],
        "version": "19",
    }


def _device(detection: Detection) -> Fields:
    return {
        "uid": detection.host.id,
        "name": detection.host.name,
        "hostname": detection.host.name,
        "type_id": 0,
        "os": {"name": "Linux", "type_id": _LINUX},
    }


def _evidence(detection: Detection) -> Fields:
    event = detection.event
    return {
        "process": _lineage(detection),
        "actor": {"process": _process(detection.ancestors[0], None)} if detection.ancestors else None,
        "container": _container(detection.container),
        "file": _file(event.get("path")) if event.get("kind") == "open" else None,
        **_endpoints(event),
        "data": {name: _text(value) for name, value in detection.fields.items() if value is not None},
    }


def _lineage(detection: Detection) -> Fields | None:
    """The process, with its parent inside it, and so on."""
    above: Fields | None = None
    for ancestor in reversed(detection.ancestors):
        above = _process(ancestor, above)
    if detection.process is None:
        return None
    return {**_process(detection.process, above), "container": _container(detection.container)}


def _process(process: ProcessInfo, parent: Fields | None) -> Fields:
    known = process.user is not None or process.uid is not None
    return {
        "uid": process.entity,
        "pid": process.pid,
        "name": process.name,
        "cmd_line": None if process.args is None else " ".join(process.args),
        "working_directory": process.cwd,
        "file": _file(process.exepath),
        "user": {"name": process.user, "uid": _text(process.uid)} if known else None,
        "created_time": None if process.executed is None else process.executed // 10**6,
        "parent_process": parent,
    }


def _file(path: object) -> Fields | None:
    if not isinstance(path, str) or not path:
        return None
    return {"path": path, "name": path.rpartition("/")[2] or path, "type_id": 1}


def _container(container: ContainerInfo | None) -> Fields | None:
    if container is None:
        return None
    image = {"uid": container.image, "name": container.image} if container.image else None
    return {"uid": container.id, "name": container.name, "image": image, "runtime": container.runtime}


def _endpoints(event: Fields) -> Fields:
    if event.get("kind") != "socket" or event.get("family") not in ("ipv4", "ipv6"):
        return {}
    local = {"ip": event.get("local_ip"), "port": event.get("local_port")}
    remote = {"ip": event.get("remote_ip"), "port": event.get("remote_port")}
    accepts = event.get("type") in ("accept", "accept4")
    source, destination = (remote, local) if accepts else (local, remote)
    return {"src_endpoint": source, "dst_endpoint": destination}


def _text(value: object) -> str | None:
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return None if value is None else str(value)
