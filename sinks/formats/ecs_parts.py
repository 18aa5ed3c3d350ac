"""The parts of an ECS document that many alerts have in common: rule, host, container, processes above.

Each is made once while it stays as it is, as JSON, and nothing in it is empty. What ECS has no field for
goes below ``tracetide``.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
from orjson import Fragment

from sinks.attack import threat
from sinks.formats.pruning import pruned
from sinks.formats.remembered import Remembered
from sinks.formats.times import timestamp
from wire.batch import Host
from wire.detection import ContainerInfo, ProcessInfo, RuleInfo
from wire.inventory import Mount, Pod

Fields = dict[str, Any]


class Part(NamedTuple):
    """Fields of ECS, and those of our own: names and JSON."""

    ecs: Mapping[str, Fragment]
    own: Mapping[str, Fragment]


class Above(NamedTuple):
    """A process above: as a parent in ECS, and in our own list."""

    ecs: Fragment
    own: Fragment


def _json(fields: Fields) -> dict[str, Fragment]:
    return {name: Fragment(orjson.dumps(value)) for name, value in pruned(fields).items()}


def _rule(rule: RuleInfo) -> Part:
    ecs = {
        "tags": rule.tags,
        "rule": {
            "name": rule.name,
            "description": rule.description,
            "uuid": rule.id,
            "reference": rule.references,
            "ruleset": "tracetide",
        },
        "threat": threat(rule.techniques),
    }
    own = {
        "response": rule.response,
        "false_positives": rule.false_positives,
        "priority": rule.priority,
    }
    return Part(_json(ecs), _json(own))


def _host(host: Host) -> Part:
    told = {
        "id": host.id,
        "name": host.name,
        "hostname": host.name,
        "boot": {"id": host.boot},
        "os": {"type": "linux"},
    }
    return Part(_json({"host": told}), {})


def _place(container: ContainerInfo) -> Part:
    ecs = {"container": _container(container), "orchestrator": _orchestrator(container.pod)}
    return Part(_json(ecs), _json({"container": _inside(container)}))


def _ancestor(process: ProcessInfo) -> Above:
    own = {
        "entity_id": process.entity,
        "pid": process.pid,
        "name": process.name,
        "executable": process.exepath,
        "command_line": None if process.args is None else " ".join(process.args),
    }
    return Above(Fragment(orjson.dumps(pruned(process_fields(process)))), Fragment(orjson.dumps(pruned(own))))


of_rule = Remembered(_rule, lambda rule: rule.name)
of_host = Remembered(_host, lambda host: host.id)
of_container = Remembered(_place, lambda container: (container.id, container.entered))
of_ancestor = Remembered(_ancestor, lambda process: process.entity)


def process_fields(process: ProcessInfo) -> Fields:
    """Those of a process, empty ones among them."""
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
        "user": user_fields(process),
        "group": {"id": text(process.gid)},
    }


def user_fields(process: ProcessInfo) -> Fields:
    """Whom it runs as."""
    return {"id": text(process.uid), "name": process.user}


def _container(container: ContainerInfo) -> Fields:
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


def _inside(container: ContainerInfo) -> Fields:
    """What ECS has no field for of a container."""
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


def _pairs(values: Mapping[str, str] | None) -> list[str]:
    """Names and values in one text each: as names of fields, those with dots would collide."""
    return [f"{name}:{value}" for name, value in (values or {}).items()]


def _mount(mount: Mount) -> str:
    return f"{mount.source}:{mount.destination}:{'rw' if mount.writable else 'ro'}"


def _image(reference: str) -> tuple[str, str, str]:
    """Name, tag and digest of an image reference; a colon before the last slash belongs to a port."""
    named, _, digest = reference.partition("@")
    colon = named.rfind(":")
    if colon <= named.rfind("/"):
        return named, "", digest
    return named[:colon], named[colon + 1 :], digest


def text(value: object) -> str | None:
    """A value as text, a list with spaces."""
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return None if value is None else str(value)
