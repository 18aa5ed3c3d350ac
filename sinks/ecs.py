"""Turns a detection into an Elastic Common Schema document that reads like any other alert of the SIEM.

Field names and allowed values are those of ECS 9.4; what ECS has no field for is below ``tracetide``.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any

from sinks.attack import threat
from sinks.formats.pruning import pruned
from wire.detection import ContainerInfo, Detection, Priority, ProcessInfo
from wire.inventory import Mount, Pod

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

_WORDS = re.compile(r"\W+")


def document(detection: Detection, ingested: datetime) -> Fields:
    """The whole document; ``ingested`` is when it is sent. Nothing in it is empty."""
    event = detection.event
    found: Fields = {
        "@timestamp": timestamp(detection.time),
        "ecs": {"version": VERSION},
        "message": title(detection),
        "tags": detection.rule.tags,
        "event": _event(detection, ingested),
        "rule": {
            "name": detection.rule.name,
            "description": detection.rule.description,
            "uuid": detection.rule.id,
            "reference": detection.rule.references,
            "ruleset": "tracetide",
        },
        "threat": threat(detection.rule.techniques),
        "observer": {"vendor": "tracetide", "product": "tracetide", "type": "sensor"},
        "host": {
            "id": detection.host.id,
            "name": detection.host.name,
            "hostname": detection.host.name,
            "boot": {"id": detection.host.boot},
            "os": {"type": "linux"},
        },
        "container": _container(detection.container),
        "orchestrator": _orchestrator(detection.container.pod if detection.container else None),
        "process": _processes(detection),
        "user": _user(detection.process),
        "related": _related(detection),
        "tracetide": _own(detection),
        **_OF_KIND.get(event.get("kind", ""), _nothing)(event),
    }
    return pruned(found)


def observation(detection: Detection, ingested: datetime, namespace: str) -> Fields:
    """The same for an event that was forwarded as it is: nothing is said to be wrong, no rule is named."""
    found = document(detection, ingested)
    category, types = _kind_of(detection.event)
    event = {**found["event"], "kind": "event", "category": category, "type": types or ["info"]}
    del event["severity"], event["risk_score"]
    own = {name: value for name, value in found["tracetide"].items() if name in _OF_EVENTS}
    return pruned(
        {name: value for name, value in found.items() if name not in ("rule", "threat", "tags", "message")}
        | {
            "event": {**event, "dataset": "tracetide.events"},
            "data_stream": {"type": "logs", "dataset": "tracetide.events", "namespace": namespace},
            "tracetide": own,
        }
    )


def title(detection: Detection) -> str:
    """What happened and where, in a line; outputs of our rules are a sentence, a bar, and facts."""
    sentence = detection.output.partition(" | ")[0]
    process = detection.process.name if detection.process else None
    inside = detection.container and (detection.container.name or detection.container.id[:12])
    parts = [sentence, f": {process}" if process else "", f" in {inside}" if inside else ""]
    return " ".join(f"{''.join(parts)} on {detection.host.name}".split())[:_LONGEST_MESSAGE]


def timestamp(nanoseconds: int) -> str:
    """Nanoseconds since the epoch as ISO 8601 with all nine digits, in UTC."""
    seconds, rest = divmod(nanoseconds, 10**9)
    return f"{_second(seconds)}.{rest:09d}Z"


@lru_cache(maxsize=1024)  # in a flood many alerts are of the same second
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


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


def _processes(detection: Detection) -> Fields:
    if detection.process is None:
        return {}
    parent = _process(detection.ancestors[0]) if detection.ancestors else {}
    return {**_process(detection.process), "parent": parent}


def _process(process: ProcessInfo) -> Fields:
    return {
        "entity_id": process.entity,
        "pid": process.pid,
        "vpid": process.vpid,
        "name": process.name,
        "executable": process.exepath,
        "args": process.args,
        "args_count": None if process.args is None else len(process.args),
        "command_line": None if process.args is None else " ".join(process.args),
        "working_directory": process.cwd,
        "start": None if process.executed is None else timestamp(process.executed),
        "interactive": None if process.tty is None else process.tty != 0,
        "user": _user(process),
        "group": {"id": _text(process.gid)},
    }


def _user(process: ProcessInfo | None) -> Fields:
    return {} if process is None else {"id": _text(process.uid), "name": process.user}


def _container(container: ContainerInfo | None) -> Fields:
    if container is None:
        return {}
    name, tag, digest = _image(container.image or "")
    if container.digest:
        digest = container.digest.rpartition("@")[2]
    return {
        "id": container.id,
        "runtime": container.runtime,
        "name": container.name,
        "image": {"name": name, "tag": [tag], "hash": {"all": [digest]}},
        "security_context": {"privileged": container.privileged},
    }


def _orchestrator(pod: Pod | None) -> Fields:
    if pod is None:
        return {}
    return {
        "type": "kubernetes",
        "namespace": pod.namespace,
        "resource": {
            "type": "pod",
            "name": pod.name,
            "id": pod.uid,
            "ip": [pod.ip],
            "label": _pairs(pod.labels),
            "annotation": _pairs(pod.annotations),
            "parent": {"type": pod.workload_kind and pod.workload_kind.lower()},
        },
    }


def _pairs(values: Mapping[str, str] | None) -> list[str]:
    """Names and values in one text each: as names of fields, those with dots would collide."""
    return [f"{name}:{value}" for name, value in (values or {}).items()]


def _inside(container: ContainerInfo | None) -> Fields:
    """What ECS has no field for of a container."""
    if container is None:
        return {}
    pod = container.pod or Pod()
    return {
        "entered": container.entered,
        "labels": _pairs(container.labels),
        "mounts": list(map(_mount, container.mounts)),
        "node": pod.node,
        "namespace_labels": _pairs(pod.namespace_labels),
        "workload": {"kind": pod.workload_kind, "name": pod.workload},
        "service_account": pod.service_account,
    }


def _mount(mount: Mount) -> str:
    return f"{mount.source}:{mount.destination}:{'rw' if mount.writable else 'ro'}"


def _image(reference: str) -> tuple[str, str, str]:
    """Name, tag and digest of an image reference; a colon before the last slash belongs to a port."""
    named, _, digest = reference.partition("@")
    colon = named.rfind(":")
    if colon <= named.rfind("/"):
        return named, "", digest
    return named[:colon], named[colon + 1 :], digest


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
        "response": detection.rule.response,
        "false_positives": detection.rule.false_positives,
        "priority": detection.rule.priority,
        "container": _inside(detection.container),
        "login_user": {"id": _text(detection.process.loginuid) if detection.process else None},
        "fields": {_without_dots(name): _text(value) for name, value in detection.fields.items()},
        "ancestors": [
            {
                "entity_id": ancestor.entity,
                "pid": ancestor.pid,
                "name": ancestor.name,
                "executable": ancestor.exepath,
                "command_line": None if ancestor.args is None else " ".join(ancestor.args),
            }
            for ancestor in detection.ancestors
        ],
    }


@lru_cache(maxsize=4096)  # rules name the same few
def _without_dots(name: str) -> str:
    return _WORDS.sub("_", name).strip("_")


def _text(value: object) -> str | None:
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return None if value is None else str(value)


def _distinct(values: Iterable[str | None]) -> list[str]:
    return [value for value in dict.fromkeys(values) if value]
