"""Turns a detection into an Elastic Common Schema document that reads like any other alert of the SIEM.

Field names and allowed values are those of ECS 9.4; what ECS has no field for is below ``tracetide``.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

import orjson

from sinks.formats.ecs_parts import (
    of_ancestor,
    of_container,
    of_host,
    of_rule,
    process_fields,
    text,
    user_fields,
)
from sinks.formats.pruning import pruned
from sinks.formats.times import timestamp
from wire.detection import Detection, Priority

VERSION = "9.4.0"

# Elastic Security's rule "External Alerts" reads exactly these as low, medium, high and critical.
SEVERITY: Mapping[Priority, int] = {
    "Emergency": 99,
    "Alert": 99,
    "Critical": 99,
    "Error": 73,
    "Warning": 47,
    "Notice": 21,
    "Informational": 21,
    "Debug": 21,
}

# The title of an alert is one line of a table.
_LONGEST_MESSAGE = 1000

_O_ACCMODE, _O_CREAT = 0o3, 0o100
_EINPROGRESS = 115

Fields = dict[str, Any]

# What is said below ``tracetide`` of an event, and not of the rule that it matched.
_OF_EVENTS = {"ancestors", "events", "login_user", "lost", "missing"}
_OF_ALERTS = {"rule", "threat", "tags", "message"}

_OBSERVER = {"vendor": "tracetide", "product": "tracetide", "type": "sensor"}

_WORDS = re.compile(r"\W+")


def document(detection: Detection, ingested: datetime) -> bytes:
    """The whole document as JSON, without what is empty; ``ingested`` is when it is sent."""
    return orjson.dumps(_document(detection, ingested))


def observation(detection: Detection, ingested: datetime, namespace: str) -> bytes:
    """The same for an event that was forwarded as it is: nothing is said to be wrong, no rule is named."""
    found = _document(detection, ingested)
    category, types = _kind_of(detection.event)
    event = {**found["event"], "kind": "event", "category": category, "type": types or ["info"]}
    del event["severity"], event["risk_score"]
    own = {name: value for name, value in found["tracetide"].items() if name in _OF_EVENTS}
    about = {
        "event": {**event, "dataset": "tracetide.events"},
        "data_stream": {"type": "logs", "dataset": "tracetide.events", "namespace": namespace},
        "tracetide": own,
    }
    kept = {name: value for name, value in found.items() if name not in _OF_ALERTS}
    return orjson.dumps(kept | pruned(about))


def _document(detection: Detection, ingested: datetime) -> Fields:
    """The fields, some of which are JSON already."""
    event, process, container = detection.event, detection.process, detection.container
    about = [of_rule(detection.rule), of_host(detection.host)]
    if container:
        about.append(of_container(container))
    found: Fields = {
        "@timestamp": timestamp(detection.time),
        "ecs": {"version": VERSION},
        "message": title(detection),
        "event": _event(detection, ingested),
        "observer": _OBSERVER,
        "related": _related(detection),
        "tracetide": _own(detection),
        **_OF_KIND.get(event.get("kind", ""), _nothing)(event),
    }
    if process:
        found["process"], found["user"] = process_fields(process), user_fields(process)
    found = pruned(found)
    for part in about:
        found |= part.ecs
        found["tracetide"] |= part.own
    if detection.ancestors:
        above = [of_ancestor(ancestor) for ancestor in detection.ancestors]
        found["tracetide"]["ancestors"] = [part.own for part in above]
        if process:
            found["process"]["parent"] = above[0].ecs
    return found


def title(detection: Detection) -> str:
    """What happened and where, in a line; outputs of our rules are a sentence, a bar, and facts."""
    sentence = detection.output.partition(" | ")[0]
    process = detection.process.name if detection.process else None
    inside = detection.container and (detection.container.name or detection.container.id[:12])
    parts = [sentence, f": {process}" if process else "", f" in {inside}" if inside else ""]
    return " ".join(f"{''.join(parts)} on {detection.host.name}".split())[:_LONGEST_MESSAGE]


def _event(detection: Detection, ingested: datetime) -> Fields:
    event = detection.event
    category, types = _kind_of(event)
    severity = SEVERITY[detection.rule.priority]
    return {
        "kind": "alert",
        "category": ["intrusion_detection", *category],
        "type": ["info", *types],
        "action": event.get("type"),
        "outcome": _outcome(event),
        "module": "tracetide",
        "dataset": "tracetide.alerts",
        "provider": "tracetide",
        "id": detection.id,
        "ingested": timestamp(int(ingested.timestamp() * 10**6) * 1000),
        "sequence": event.get("seq"),
        "severity": severity,
        "risk_score": float(severity),
    }


_KINDS: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("exec", "fork", "snapshot"), ("process", "start")),
    "exit": ("process", "end"),
    "identity": ("iam", "change"),
    "call": ("process", "info"),
    "socket": ("network", "connection"),
}


def _kind_of(event: Fields) -> tuple[list[str], list[str]]:
    """The further values of ``event.category`` and ``event.type`` that ECS allows together."""
    match event.get("kind", ""):
        case "open":
            return ["file"], [_file_type(event.get("flags", 0))]
        case "change":
            return ["file"], [_CHANGES.get(event.get("type", ""), "change")]
        case kind if kind in _KINDS:
            category, change = _KINDS[kind]
            return [category], [change]
        case _:
            return [], []


_CHANGES = {
    **dict.fromkeys(("unlink", "unlinkat", "rmdir"), "deletion"),
    **dict.fromkeys(("mkdir", "mkdirat", "mknod", "mknodat", "symlink", "symlinkat"), "creation"),
}


def _file_type(flags: int) -> str:
    if not flags & _O_ACCMODE:
        return "access"
    return "creation" if flags & _O_CREAT else "change"


def _outcome(event: Fields) -> str | None:
    result = event.get("result")
    if result is None:
        return None
    if result == -_EINPROGRESS:
        return "unknown"
    return "failure" if result < 0 else "success"


def _file(event: Fields) -> Fields:
    if not isinstance(event.get("path"), str):
        return {}
    path = PurePosixPath(event["path"])
    return {
        "file": {
            "path": str(path),
            "name": path.name,
            "directory": str(path.parent),
            "extension": path.suffix.removeprefix("."),
        }
    }


def _network(event: Fields) -> Fields:
    local = {"ip": event.get("local_ip"), "port": event.get("local_port")}
    remote = {
        "ip": event.get("remote_ip"),
        "port": event.get("remote_port"),
        "domain": event.get("remote_domain"),
    }
    family, proto = event.get("family"), event.get("proto")
    network = {
        "type": family if family in ("ipv4", "ipv6") else None,
        "transport": proto if proto in ("tcp", "udp", "icmp") else None,
    }
    match event.get("type"):
        case "connect" | "sendto" | "sendmsg":
            sides = {"source": local, "destination": remote, "network": {**network, "direction": "egress"}}
        case "accept" | "accept4":
            sides = {"source": remote, "destination": local, "network": {**network, "direction": "ingress"}}
        case _:
            sides = {"server": local, "network": network}
    return {**sides, "file": {"path": event["path"], "type": "socket"} if event.get("path") else {}}


def _nothing(_event: Fields) -> Fields:
    return {}


_OF_KIND: Mapping[str, Callable[[Fields], Fields]] = {"open": _file, "change": _file, "socket": _network}


def _related(detection: Detection) -> Fields:
    processes = [detection.process, *detection.ancestors] if detection.process else detection.ancestors
    return {
        "ip": _distinct([detection.event.get("local_ip"), detection.event.get("remote_ip")]),
        "user": _distinct(process.user for process in processes),
        "hosts": _distinct([detection.host.name, detection.host.id, detection.event.get("remote_domain")]),
    }


def _own(detection: Detection) -> Fields:
    """What ECS has no field for.

    ``fields`` are text under names without dots (``fd_sip_name``): an index takes no name with two types,
    and none that is both a value and, as ``fd.sip`` is of ``fd.sip.name``, the beginning of another.
    """
    return {
        "output": detection.output,
        "events": detection.events,
        "lost": detection.lost,
        "missing": detection.missing,
        "login_user": {"id": text(detection.process.loginuid) if detection.process else None},
        "fields": {_without_dots(name): text(value) for name, value in detection.fields.items()},
    }


@lru_cache(maxsize=4096)  # rules name the same few
def _without_dots(name: str) -> str:
    return _WORDS.sub("_", name).strip("_")


def _distinct(values: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(filter(None, values)))
