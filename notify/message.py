"""What is said of an incident, before it takes the form of a mail, a chat message or a ticket.

Texts here are raw: whoever renders them makes them visible and harmless for where they go.
"""

import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest

from notify.escape import remark, shown
from notify.groups import Kind, Notification, severity_rank
from notify.labels import SEVERITY, container_facts, pod_facts
from notify.links import Link
from notify.owner import Owner
from wire.detection import Detection, ProcessInfo

# Links show this many seconds before and after what happened.
_AROUND = 300
_LONGEST_VALUE = 200
_AWKWARD = re.compile(r"[^\w /-]")
_ATTACK = "https://attack.mitre.org/techniques/"
_OURS = ("Pod", "Workload", "Node", "Privileged", "Time")
_TALLEST = 10
_MOST_RULES = 12
_ATTACHED = 20


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that is known. ``ours``: those who run the place chose it, and its dots are no danger."""

    label: str
    text: str
    ours: bool = False

    @property
    def shown(self) -> str:
        """The text as a reader may see it."""
        return remark(self.text) if self.ours else shown(self.text)


@dataclass(frozen=True, slots=True)
class Branch:
    """A process of the tree, or how many were left out (``skipped``).

    ``inside`` and ``outside`` are both false where there is no container.
    """

    depth: int
    name: str = ""
    pid: int = 0
    command: str = ""
    user: str = ""
    culprit: bool = False
    inside: bool = False
    outside: bool = False
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class Attack:
    """A technique of MITRE ATT&CK."""

    id: str
    name: str
    tactics: str
    url: str


@dataclass(frozen=True, slots=True)
class Seen:
    """How often a rule matched in what is told now."""

    rule: str
    severity: str
    count: int


@dataclass(frozen=True, slots=True)
class Message:
    """One message of an incident.

    ``steps`` are what to do now, ``unless`` harmless things that look the same, ``unseen`` what could not
    be known. ``silence`` is a command. ``detections`` are to be attached.
    """

    id: str
    incident: str
    number: int
    kind: Kind
    time: float
    severity: str
    raised: bool
    rule: str
    title: str
    output: str
    description: str
    place: str
    since: int
    count: int
    total: int
    withheld: int
    seen: tuple[Seen, ...]
    facts: tuple[Fact, ...]
    tree: tuple[Branch, ...]
    attacks: tuple[Attack, ...]
    steps: str
    unless: tuple[str, ...]
    unseen: tuple[str, ...]
    sureness: str
    owner: Owner
    why: str
    links: tuple[tuple[str, str], ...]
    silence: str
    detections: tuple[Detection, ...]
    group: Mapping[str, str]

    @property
    def news(self) -> str:
        """What this message is about, in a few words."""
        if self.kind == "reminder":
            return f"still going on, {many(self.total)} since {clock(self.since)}"
        if self.kind == "update":
            raised = f", now {self.severity}" if self.raised else ""
            return f"{self.count} more, {self.total} in all{raised}"
        return many(self.count) if self.count > 1 else "first alert of this incident"


def message(notification: Notification, owner: Owner, links: Sequence[Link] = ()) -> Message:
    """What a notification says."""
    lead = notification.lead
    rule = lead.rule
    sentence = lead.output.partition(" | ")[0]
    return Message(
        id=notification.id,
        incident=notification.incident,
        number=notification.number,
        kind=notification.kind,
        time=notification.time,
        severity=SEVERITY[notification.highest],
        raised=notification.raised,
        rule=rule.name,
        title=f"{rule.name} {_where(lead)}",
        output=sentence,
        description=" ".join(rule.description.split()),
        place=_where(lead),
        since=notification.since,
        count=notification.count,
        total=notification.total,
        withheld=notification.withheld,
        seen=_seen(notification),
        facts=tuple(_facts(lead)),
        tree=tuple(_tree(lead)),
        attacks=tuple(
            Attack(one.id, one.name, ", ".join(one.tactics), _ATTACK + one.id.replace(".", "/"))
            for one in rule.techniques
        ),
        steps=" ".join(rule.response.split()),
        unless=tuple(" ".join(each.split()) for each in rule.false_positives),
        unseen=tuple(_unseen(lead)),
        sureness=_sureness(lead),
        owner=owner,
        why=f"{_route(notification.route)}, receiver {notification.receiver}",
        links=tuple((link.title, link(_places(notification))) for link in links),
        silence=_silence(notification),
        detections=tuple(_attached(notification)) or (lead,),
        group=notification.group,
    )


def _route(name: str) -> str:
    """A route by its conditions, without what only tells it from others with the same."""
    way = [part.rpartition("#")[0] for part in name.split("/")[1:]]
    return f"route {' / '.join(way)}" if any(way) else "the first route"


def _attached(notification: Notification) -> list[Detection]:
    """One of each pile, then more of each, as many as a mail may hold."""
    rounds = zip_longest(*(pile.samples for pile in notification.piles))
    return [sample for samples in rounds for sample in samples if sample is not None][:_ATTACHED]


def clock(nanoseconds: int) -> str:
    """A time that means the same everywhere."""
    return f"{datetime.fromtimestamp(nanoseconds // 10**9, UTC):%Y-%m-%d %H:%M:%S} UTC"


def many(count: int) -> str:
    """A number of alerts in words."""
    return f"{count:,} alerts" if count != 1 else "1 alert"


def _where(lead: Detection) -> str:
    """The place in the words of those who run it."""
    container, pod = container_facts(lead), pod_facts(lead)
    if pod.get("name"):
        return f"in pod {pod.get('namespace') or 'default'}/{pod['name']}"
    if container:
        return f"in container {container.get('name') or container['id'][:12]} on {lead.host.name}"
    return f"on host {lead.host.name}"


def _facts(lead: Detection) -> Iterator[Fact]:
    container, pod, process = container_facts(lead), pod_facts(lead), lead.process
    if process and (process.args or process.exepath):
        yield Fact("Command", command(process))
    known = {
        "Program": process and process.exepath,
        "Folder": process and process.cwd,
        "User": process and _user(process),
        "File": _text(lead.fields.get("fd.name")) or _text(lead.event.get("path")),
        "Connection": _connection(lead),
        "Container": container and _named(container.get("name"), container.get("id", "")[:12]),
        "Image": container.get("image"),
        "Pod": pod.get("name") and f"{pod.get('namespace') or 'default'}/{pod['name']}",
        "Workload": pod.get("workload") and f"{pod.get('workload_kind') or ''} {pod['workload']}".strip(),
        "Node": pod.get("node") or lead.host.name,
        "Privileged": "yes: it can do on the node what root can" if container.get("privileged") else None,
        "Time": clock(lead.time),
    }
    for label, text in known.items():
        if text and not (label == "File" and known["Connection"]):
            yield Fact(label, str(text), label in _OURS)


def _named(name: str | None, short: str) -> str:
    return f"{name} ({short})" if name else short


def _user(process: ProcessInfo) -> str | None:
    if process.user is None and process.uid is None:
        return None
    return f"{process.user or '?'} (uid {process.uid})" if process.uid is not None else process.user


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _connection(lead: Detection) -> str | None:
    event = lead.event
    if event.get("remote_ip"):
        return f"{event.get('proto') or ''} {event['remote_ip']}:{event.get('remote_port')}".strip()
    return None


def command(process: ProcessInfo) -> str:
    """The command as one would type it."""
    return shlex.join(process.args) if process.args else process.exepath or ""


def _tree(lead: Detection) -> Iterator[Branch]:
    """Who descends from whom, the oldest first; of a long line the oldest and the latest."""
    family = [*reversed(lead.ancestors), *([lead.process] if lead.process else [])]
    skipped = max(0, len(family) - _TALLEST)
    for depth, process in enumerate([*family[:1], *family[1 + skipped :]]):
        if depth == 1 and skipped:
            yield Branch(1, skipped=skipped)
        inside = lead.container is not None and process.vpid not in {None, process.pid}
        yield Branch(
            depth=depth + (1 if skipped and depth else 0),
            name=process.name or "?",
            pid=process.pid,
            command=command(process),
            user=process.user or "",
            culprit=process is lead.process,
            inside=inside,
            outside=lead.container is not None and not inside and process is not lead.process,
        )


def _unseen(lead: Detection) -> Iterator[str]:
    yield from lead.missing
    if lead.lost:
        yield f"{lead.lost} events of this host were lost in the minute before"
    if lead.process is None:
        yield "the process is not known"


def _sureness(lead: Detection) -> str:
    """What speaks for and against: the rule's author says what else looks the same."""
    if lead.missing or lead.lost:
        return "Seen in the kernel, but part of the picture is missing; see below."
    if lead.rule.false_positives:
        return "Seen in the kernel, not guessed. It may still be one of the harmless things named above."
    return "Seen in the kernel, not guessed; the rule knows nothing harmless that looks the same."


def _seen(notification: Notification) -> tuple[Seen, ...]:
    """How often each rule matched, the most severe first."""
    counts: dict[str, list[int]] = {}
    for pile in notification.piles:
        rule = pile.samples[0].rule
        row = counts.setdefault(rule.name, [severity_rank(rule.priority), 0])
        row[0], row[1] = min(row[0], severity_rank(rule.priority)), row[1] + len(pile.ids)
    ranked = sorted(counts.items(), key=lambda each: (each[1][0], -each[1][1], each[0]))
    severities = tuple(SEVERITY.values())
    return tuple(Seen(rule, severities[rank], count) for rule, (rank, count) in ranked[:_MOST_RULES])


def _places(notification: Notification) -> dict[str, str]:
    lead = notification.lead
    container, pod = container_facts(lead), pod_facts(lead)
    start, end = notification.since // 10**9 - _AROUND, lead.time // 10**9 + _AROUND
    known = {
        "incident": notification.incident,
        "detection": lead.id,
        "rule": lead.rule.name,
        "host": lead.host.name,
        "container": container.get("name"),
        "container_id": container.get("id"),
        "namespace": pod.get("namespace"),
        "pod": pod.get("name"),
        "image": container.get("image"),
        "entity": lead.process.entity if lead.process else None,
        "from": f"{datetime.fromtimestamp(start, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "to": f"{datetime.fromtimestamp(end, UTC):%Y-%m-%dT%H:%M:%SZ}",
        "from_s": str(start),
        "to_s": str(end),
    }
    return {name: value or "" for name, value in known.items()}


def _silence(notification: Notification) -> str:
    """A command that silences this and no more: the rule, in this group."""
    wanted = {"rule": notification.lead.rule.name, **notification.group}
    matchers = [_matcher(name, value) for name, value in wanted.items() if value and ", " not in value]
    return f"tracetide silence add {shlex.join(matchers)} --for 2h --comment 'why it is harmless'"


def _matcher(name: str, value: str) -> str:
    """A condition that can be copied; for a value that could be clicked or is not plain an expression."""
    ours = name == "host" and remark(value, len(value)) == value
    if (ours or shown(value, len(value)) == value) and not _AWKWARD.search(
        value.replace(".", "") if ours else value
    ):
        return f'{name}="{value}"'
    expression = _AWKWARD.sub(lambda one: f"[{one[0]}]" if one[0] in ".:@" else ".", value[:_LONGEST_VALUE])
    return f'{name}=~"{expression}{".*" if len(value) > _LONGEST_VALUE else ""}"'
