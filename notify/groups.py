"""Makes few messages of many detections: groups, waits, repeats, withholds. Time comes from outside."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import msgspec
from msgspec import Struct

from notify.inhibit import Inhibitor
from notify.labels import Labels
from notify.route import Route, every, matching
from notify.silences import Silence
from notify.times import Interval
from wire.detection import PRIORITIES, Detection, Priority

# Detections of a pile that are kept whole; of the others the id is kept.
_SAMPLES = 3

# Piles of a group that are told apart by everything; in more of them what attackers choose is left out,
# or a flood of different names would cost as much as it likes.
_PILES = 200
_CHOSEN = {"process", "user"}

# Ids that a group remembers, to know a detection that comes again.
_REMEMBERED = 50_000

# Different labels that a group remembers to have told.
_SHAPES = 50

Kind = Literal["opening", "update", "reminder"]
Silenced = Callable[[Labels, float], Silence | None]


class Pile(Struct):
    """Detections with the same labels. ``first`` and ``last`` are their times in nanoseconds."""

    labels: dict[str, tuple[str, ...]]
    samples: list[Detection]
    ids: list[str]
    first: int
    last: int

    def add(self, detection: Detection) -> None:
        """Take in one more."""
        self.ids.append(detection.id)
        self.first, self.last = min(self.first, detection.time), max(self.last, detection.time)
        if len(self.samples) < _SAMPLES:
            self.samples.append(detection)


class Notification(Struct, frozen=True, kw_only=True):
    """What is to be told of an incident now.

    ``piles`` are new since the last notification, the most severe first; a reminder has none. ``total`` and
    ``since`` (nanoseconds) are those of the incident so far, ``withheld`` how many of it were silenced
    or inhibited. ``lead`` is the detection to show. ``raised``: it is more severe than told before.
    """

    id: str
    incident: str
    number: int
    kind: Kind
    route: str
    receiver: str
    group: dict[str, str]
    time: float
    piles: list[Pile]
    lead: Detection
    total: int
    withheld: int
    since: int
    highest: Priority
    raised: bool = False

    @property
    def count(self) -> int:
        """How many detections are new."""
        return sum(len(pile.ids) for pile in self.piles)


class Withheld(Struct, frozen=True):
    """Detections that are not told, and why."""

    ids: list[str]
    reason: str
    time: float


class Group(Struct, kw_only=True):
    """An incident that is going on. ``tick`` is when to look at it next; ``told`` when it was told last.

    ``shapes`` are labels that were told: it is not told again when all of them are silenced or inhibited.
    """

    key: str
    route: str
    labels: dict[str, str]
    incident: str
    tick: float
    active: float
    lead: Detection
    since: int
    told: float | None = None
    number: int = 0
    total: int = 0
    withheld: int = 0
    highest: Priority | None = None
    pending: dict[str, Pile] = {}
    shapes: list[dict[str, tuple[str, ...]]] = []
    ids: dict[str, bool] = {}


@dataclass(frozen=True, slots=True)
class Step:
    """What came of a moment; every detection is in the one or the other, or still pending."""

    notifications: list[Notification] = field(default_factory=list)
    withheld: list[Withheld] = field(default_factory=list)


@dataclass
class Groups:
    """The state of all incidents. ``changed`` are keys of groups that changed since ``saved`` was called."""

    route: Route
    inhibitor: Inhibitor
    intervals: Mapping[str, Sequence[Interval]] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    changed: set[str] = field(default_factory=set)

    def add(self, detection: Detection, labels: Labels, now: float) -> None:
        """Take in a detection; one that a group has already is not counted again."""
        self.inhibitor.note(labels, detection.id, now)
        for route in matching(self.route, labels):
            shared = route.group(labels)
            key = msgspec.json.encode([route.id, sorted(shared.items())]).decode()
            group = self.groups.get(key)
            if group is None or self._over(group, route, now):
                group = self.groups[key] = _opened(key, route, shared, detection, now)
            if detection.id not in group.ids:
                _put(group, detection, dict(labels), now)
                self.changed.add(key)

    def due(self, now: float, silenced: Silenced) -> Step:
        """What is to be told at this moment."""
        step = Step()
        routes = {route.id: route for route in every(self.route)}
        ready = [group for group in self.groups.values() if group.tick <= now]
        for group in sorted(ready, key=lambda group: (group.tick, group.key)):
            route = routes[group.route]
            self.changed.add(group.key)
            group.tick = max(group.tick, now - route.timing.group_interval) + route.timing.group_interval
            if self._muted(route, now):
                continue
            step.withheld.extend(self._withhold(group, now, silenced))
            if group.pending:
                step.notifications.append(_told(group, route, now))
            elif self._over(group, route, now):
                del self.groups[group.key]
            elif self._repeats(group, route, now, silenced):
                step.notifications.append(_told(group, route, now))
        self.inhibitor.forget(now)
        return step

    def next(self) -> float | None:
        """When there is something to look at."""
        return min((group.tick for group in self.groups.values()), default=None)

    def restore(self, groups: Iterable[Group], now: float) -> None:
        """Go on with groups of an earlier run; what waits on a route that is gone is routed anew."""
        routes = {route.id for route in every(self.route)}
        for group in groups:
            if group.route in routes:
                self.groups[group.key] = group
                continue
            self.changed.add(group.key)
            for pile in group.pending.values():
                self._rehome(pile, now)

    def saved(self) -> None:
        """Everything that changed has been kept."""
        self.changed.clear()

    def _rehome(self, pile: Pile, now: float) -> None:
        """Route a pile anew, those of its detections too of which only the id is left."""
        whole = {sample.id: sample for sample in pile.samples}
        for name in pile.ids:
            detection = whole.get(name) or msgspec.structs.replace(pile.samples[-1], id=name)
            self.add(detection, pile.labels, now)

    def _muted(self, route: Route, now: float) -> bool:
        """Whether the route holds its messages back now: it tells them as soon as it may."""
        muted = any(inside(now) for name in route.mute for inside in self.intervals[name])
        active = any(inside(now) for name in route.active for inside in self.intervals[name])
        return muted or (bool(route.active) and not active)

    def _withhold(self, group: Group, now: float, silenced: Silenced) -> Iterator[Withheld]:
        """Take out of what is pending what is not to be told."""
        left = {}
        for key, pile in group.pending.items():
            silence = silenced(pile.labels, now)
            source = None if silence else self.inhibitor.of(pile.labels, now)
            if silence is not None:
                reason = f"silence {silence.id} of {silence.author}: {silence.comment}"
            elif source is not None:
                reason = f"inhibited by detection {source}"
            else:
                left[key] = pile
                continue
            group.withheld += len(pile.ids)
            yield Withheld(pile.ids, reason, now)
        group.pending = left

    def _repeats(self, group: Group, route: Route, now: float, silenced: Silenced) -> bool:
        """Whether it is time to tell an incident again that has no news."""
        return (
            group.told is not None
            and now - group.told > route.timing.repeat_interval
            and any(
                silenced(shape, now) is None and self.inhibitor.of(shape, now) is None
                for shape in group.shapes
            )
        )

    @staticmethod
    def _over(group: Group, route: Route, now: float) -> bool:
        return not group.pending and now - group.active >= route.timing.close_after


def severity_rank(priority: Priority) -> int:
    """0 is the most severe."""
    return PRIORITIES.index(priority)


def merged(notifications: Sequence[Notification]) -> Notification:
    """Several of one incident, in their order, as one: for a receiver that could not be reached meanwhile."""
    first, last = notifications[0], notifications[-1]
    if first is last:
        return first
    piles = sorted((pile for one in notifications for pile in one.piles), key=_urgency)
    leads = sorted((one.lead for one in notifications), key=lambda lead: severity_rank(lead.rule.priority))
    told = next((one.kind for one in notifications if one.kind != "reminder"), "reminder")
    return msgspec.structs.replace(
        last,
        id=first.id,
        kind=first.kind if first.kind == "opening" else told,
        number=first.number,
        piles=piles,
        lead=leads[0],
        raised=any(one.raised for one in notifications),
    )


def _opened(key: str, route: Route, labels: dict[str, str], detection: Detection, now: float) -> Group:
    """A new incident; the wait counts from the event, which may have happened a while ago."""
    name = hashlib.blake2b(f"{key}\0{detection.id}".encode(), digest_size=8).hexdigest()
    happened = min(now, detection.time / 1e9)
    return Group(
        key=key,
        route=route.id,
        labels=labels,
        incident=name,
        tick=max(now, happened + route.timing.group_wait),
        active=now,
        lead=detection,
        since=detection.time,
    )


def _put(group: Group, detection: Detection, labels: dict[str, tuple[str, ...]], now: float) -> None:
    shape = labels
    if len(group.pending) >= _PILES:
        shape = {name: values for name, values in labels.items() if name not in _CHOSEN}
    key = msgspec.json.encode(sorted(shape.items())).decode()
    pile = group.pending.setdefault(key, Pile(shape, [], [], detection.time, detection.time))
    pile.add(detection)
    group.ids[detection.id] = True
    if len(group.ids) > _REMEMBERED:
        del group.ids[next(iter(group.ids))]
    group.active = now
    group.total += 1
    group.since = min(group.since, detection.time)


def _told(group: Group, route: Route, now: float) -> Notification:
    """Tell what is pending, or remind."""
    piles = sorted(group.pending.values(), key=_urgency)
    before = group.highest
    if piles:
        most = piles[0].samples[0]
        if before is None or severity_rank(most.rule.priority) < severity_rank(before):
            group.highest, group.lead = most.rule.priority, most
    lead = piles[0].samples[0] if piles else group.lead
    kind: Kind = "opening" if group.told is None else "update" if piles else "reminder"
    notification = Notification(
        id=f"{group.incident}-{group.number}",
        incident=group.incident,
        number=group.number,
        kind=kind,
        route=route.id,
        receiver=route.receiver,
        group=group.labels,
        time=now,
        piles=piles,
        lead=lead,
        total=group.total,
        withheld=group.withheld,
        since=group.since,
        highest=group.highest or lead.rule.priority,
        raised=before is not None and group.highest != before,
    )
    new = [pile.labels for pile in piles if pile.labels not in group.shapes]
    group.shapes = [*group.shapes, *new][:_SHAPES]
    group.pending, group.told, group.number = {}, now, group.number + 1
    return notification


def _urgency(pile: Pile) -> tuple[int, int]:
    return severity_rank(pile.samples[0].rule.priority), pile.first
