"""What routes, groups and silences can ask of a detection, by name."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from wire.detection import Detection, Priority

Labels = Mapping[str, tuple[str, ...]]

SEVERITY: Mapping[Priority, str] = {
    "Emergency": "critical",
    "Alert": "critical",
    "Critical": "critical",
    "Error": "high",
    "Warning": "medium",
    "Notice": "low",
    "Informational": "low",
    "Debug": "low",
}

NAMES = (
    "severity",
    "priority",
    "rule",
    "tactic",
    "technique",
    "tag",
    "host",
    "namespace",
    "pod",
    "workload",
    "container",
    "image",
    "process",
    "user",
    "owner",
)

# Any label of the container or its pod: label.team, label.app.kubernetes.io/name.
PREFIX = "label."


def is_name(name: str) -> bool:
    """Whether a detection can have this label."""
    return name in NAMES or (name.startswith(PREFIX) and name != PREFIX)


def labels_of(detection: Detection, owner: str = "") -> dict[str, tuple[str, ...]]:
    """The labels; one that is not known is not there. A technique also counts as the one it is a part of."""
    container, pod = container_facts(detection), pod_facts(detection)
    rule, process = detection.rule, detection.process
    found: dict[str, Sequence[str | None]] = {
        "severity": [SEVERITY[rule.priority]],
        "priority": [rule.priority],
        "rule": [rule.name],
        "tactic": [tactic for technique in rule.techniques for tactic in technique.tactics],
        "technique": [part for one in rule.techniques for part in (one.id, one.id.partition(".")[0])],
        "tag": rule.tags,
        "host": [detection.host.name],
        "namespace": [pod.get("namespace")],
        "pod": [pod.get("name")],
        "workload": [pod.get("workload")],
        "container": [container.get("name") or str(container.get("id") or "")[:12]],
        "image": [container.get("image")],
        "process": [process.name if process else None],
        "user": [process.user if process else None],
        "owner": [owner],
    }
    for key, value in {**(container.get("labels") or {}), **(pod.get("labels") or {})}.items():
        found[PREFIX + key] = [value]
    return {name: _known(values) for name, values in found.items() if _known(values)}


def joined(labels: Labels, name: str) -> str:
    """A label as one text; empty if it is not there."""
    return ", ".join(labels.get(name, ()))


def container_facts(detection: Detection) -> dict[str, Any]:
    """What is known of the container, as it travels."""
    facts: dict[str, Any] = msgspec.to_builtins(detection.container) if detection.container else {}
    return facts


def pod_facts(detection: Detection) -> dict[str, Any]:
    """What is known of the container's pod, as it travels; nothing outside Kubernetes."""
    facts: dict[str, Any] = container_facts(detection).get("pod") or {}
    return facts


def _known(values: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for value in values if value))
