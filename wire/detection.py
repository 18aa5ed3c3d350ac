"""A detection: a rule that matched, with everything an analyst needs to judge it."""

import hashlib
from collections.abc import Iterable
from typing import Any, Literal

import msgspec
import orjson
from msgspec import Struct

from wire.batch import Host
from wire.inventory import Mount, Pod

Priority = Literal["Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Informational", "Debug"]
PRIORITIES: tuple[Priority, ...] = (
    "Emergency",
    "Alert",
    "Critical",
    "Error",
    "Warning",
    "Notice",
    "Informational",
    "Debug",
)


class Technique(Struct, frozen=True, omit_defaults=True):
    """A MITRE ATT&CK technique and the tactics it serves here, by id and by name."""

    id: str
    name: str
    tactics: list[str] = []


class RuleInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a rule says of itself to the reader of its detections. ``id`` is its author's, if there is one."""

    name: str
    description: str = ""
    priority: Priority
    tags: list[str] = []
    techniques: list[Technique] = []
    response: str = ""
    false_positives: list[str] = []
    id: str = ""
    references: list[str] = []


class ProcessInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A process as the engine knew it when the rule matched. ``entity`` names it across the fleet."""

    entity: str
    pid: int
    start: int
    name: str | None = None
    exepath: str | None = None
    args: list[str] | None = None
    cwd: str | None = None
    vpid: int | None = None
    uid: int | None = None
    gid: int | None = None
    user: str | None = None
    loginuid: int | None = None
    tty: int | None = None
    executed: int | None = None


class ContainerInfo(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The container of the process; ``id`` is the runtime's full id.

    ``entered``: the process was started in the container from outside, as by ``docker exec``.
    """

    id: str
    runtime: str | None = None
    name: str | None = None
    image: str | None = None
    digest: str | None = None
    privileged: bool | None = None
    labels: dict[str, str] = {}
    mounts: list[Mount] = []
    pod: Pod | None = None
    entered: bool | None = None


class Detection(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One match of one rule.

    ``time`` is the event's, in nanoseconds since the epoch. ``events`` are the sequence numbers of
    the events that caused it. ``ancestors`` starts with the parent. ``event`` is the last of the
    causing events as it was collected, with ``remote_domain`` if a name server gave the far end's address
    for that name; ``fields`` the values named in the rule's output. ``missing`` says what could not be
    known and why; ``lost`` how many events this host had lost in the minute before.
    """

    id: str
    time: int
    host: Host
    rule: RuleInfo
    output: str
    events: list[int]
    event: dict[str, Any]
    fields: dict[str, Any]
    process: ProcessInfo | None = None
    ancestors: list[ProcessInfo] = []
    container: ContainerInfo | None = None
    missing: list[str] = []
    lost: int = 0


def detection_id(rule: str, boot: str, events: Iterable[int]) -> str:
    """The same for the same rule and events, whoever computes it and however often."""
    text = "\0".join([rule, boot, *map(str, events)])
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def entity_id(boot: str, pid: int, start: int) -> str:
    """A process's name across hosts, boots and reused pids."""
    return hashlib.blake2b(f"{boot}\0{pid}\0{start}".encode(), digest_size=12).hexdigest()


_decoder = msgspec.json.Decoder(Detection)


def encode(detection: Detection) -> bytes:
    """JSON without line breaks, keys in the order of the struct."""
    return orjson.dumps(msgspec.to_builtins(detection))


def decode(data: bytes) -> Detection:
    """The detection in ``data``; raises ``msgspec.DecodeError`` with the place that is wrong."""
    return _decoder.decode(data)
