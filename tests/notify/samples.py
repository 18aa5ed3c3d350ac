"""Files of routes and detections to send through them."""

from dataclasses import replace
from typing import Any

from notify.config import Config, loads
from notify.groups import Groups, Notification
from notify.inhibit import Inhibitor
from notify.labels import labels_of
from notify.message import Message, message
from notify.owner import Owner
from notify.silences import Silence
from tests.sinks.samples import detection
from wire.batch import Host
from wire.detection import ContainerInfo, Detection, Priority, RuleInfo

RECEIVERS = """
receivers:
  - name: soc
    mail: [{host: mail.example, sender: tracetide@example.org, to: soc@example.org}]
  - name: shop
  - name: night
"""
START = 1_795_600_000.0


def config(routes: str) -> Config:
    """A configuration with these routes and some receivers."""
    return loads(routes + RECEIVERS)


def groups(routes: Config) -> Groups:
    """The state machine of a configuration, with nothing in it yet."""
    return Groups(routes.route, Inhibitor(routes.inhibitions), routes.intervals)


def alert(number: int = 1, *, at: float = START, **changes: Any) -> Detection:
    """A detection at a time; ``priority``, ``rule``, ``host``, ``container``, ``image`` can be said."""
    some = detection(number)
    rule = RuleInfo(
        name=changes.pop("rule", some.rule.name),
        priority=changes.pop("priority", some.rule.priority),
        techniques=some.rule.techniques,
        response=some.rule.response,
        false_positives=some.rule.false_positives,
    )
    host = Host(id="h", name=changes.pop("host", "node-1"), boot=some.host.boot)
    inside = ContainerInfo(
        id="f" * 64, name=changes.pop("container", "shop"), image=changes.pop("image", "example/shop:1")
    )
    return detection(number, time=int(at * 1e9), rule=rule, host=host, container=inside, **changes)


def told(machine: Groups, now: float) -> list[Notification]:
    """What is due, with no silences."""
    return machine.due(now, lambda _labels, _now: None).notifications


def put(machine: Groups, found: Detection, now: float = START) -> None:
    """Hand a detection over."""
    machine.add(found, labels_of(found), now)


def notification(
    number: int = 0, count: int = 1, lead: Detection | None = None, **changes: Any
) -> Notification:
    """A notification of an incident as the state machine makes it; ``number`` 0 opens it."""
    machine = groups(config("route: {receiver: soc}"))
    found: list[Notification] = []
    for round_ in range(number + 1):
        now = START + 1000 * round_
        for one in range(count):
            put(machine, lead or alert(100 * round_ + one + 1, at=now), now)
        found = told(machine, now + 500)
    return replace_(found[0], **changes)


def replace_(one: Notification, **changes: Any) -> Notification:
    """With other values."""
    from msgspec.structs import replace as changed  # noqa: PLC0415  # the name is taken by dataclasses

    return changed(one, **changes)


def say(number: int = 0, lead: Detection | None = None, **changes: Any) -> Message:
    """A message of an incident."""
    made = message(notification(number, lead=lead), Owner("team-shop", "from pod label team"))
    return replace(made, **changes)


def silence(*matchers: str, starts: float = START, ends: float = START + 3600) -> Silence:
    """Somebody who does not want to hear of it."""
    return Silence(
        id="51lence0", matchers=list(matchers), starts=starts, ends=ends, author="ana", comment="a drill"
    )


PRIORITY: dict[str, Priority] = {
    "critical": "Critical",
    "high": "Error",
    "medium": "Warning",
    "low": "Notice",
}
