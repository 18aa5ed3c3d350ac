"""Many detections become few messages, and none is lost on the way."""

from dataclasses import dataclass

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from notify.groups import Group, Groups, Notification, merged
from notify.matchers import matcher
from notify.message import message
from notify.owner import Owner
from notify.silences import Active
from tests.notify.hostile import patient
from tests.notify.samples import PRIORITY, START, alert, config, groups, put, silence, told
from tests.sinks.samples import process

BY_HOST = "route: {receiver: soc, group_by: [host], group_wait: 30s, group_interval: 5m}"


def test_ten_thousand_alerts_of_one_incident_are_a_handful_of_messages() -> None:
    """One opening after the wait, then what is new every interval, each with how many there are."""
    machine = groups(config(BY_HOST))
    notifications: list[Notification] = []
    for number in range(10_000):
        now = START + number * 0.04  # 400 seconds
        put(machine, alert(number, at=now, rule=f"rule {number % 7}"), now)
        notifications += told(machine, now)
    notifications += told(machine, START + 1000)
    assert [one.kind for one in notifications] == ["opening", "update", "update"]
    assert sum(one.count for one in notifications) == notifications[-1].total == 10_000
    assert len({one.incident for one in notifications}) == 1
    assert [round(one.time - START) for one in notifications] == [30, 330, 1000]
    assert len(notifications[0].piles) == 7
    assert max(len(pile.samples) for one in notifications for pile in one.piles) <= 3


def test_a_flood_of_different_names_stays_small() -> None:
    """An attacker who gives each process another name makes no state or message as large as he likes."""
    machine = groups(config(BY_HOST))
    for number in range(5000):
        found = alert(number)
        put(machine, alert(number, process=process(40, f"/tmp/{number:x}", user=found.id)))
    (group,) = machine.groups.values()
    assert len(group.pending) <= 201
    (opening,) = told(machine, START + 30)
    assert opening.count == 5000
    assert len(message(opening, Owner("", "")).detections) == 20


def test_an_alert_that_is_late_already_does_not_wait_again() -> None:
    """The wait counts from the event: what was held up in Kafka is told at once."""
    machine = groups(config(BY_HOST))
    put(machine, alert(at=START - 3600), START)
    assert machine.next() == START
    assert [one.kind for one in told(machine, START)] == ["opening"]


def test_a_detection_that_comes_again_is_counted_once() -> None:
    """A consumer that is started again reads what it had not committed."""
    machine = groups(config(BY_HOST))
    put(machine, alert(1))
    put(machine, alert(1))
    put(machine, alert(2))
    (opening,) = told(machine, START + 30)
    put(machine, alert(2), START + 40)
    assert opening.total == 2
    assert told(machine, START + 400) == []


def test_an_incident_closes_after_quiet_and_the_next_one_is_new() -> None:
    """It has another name, and so another thread."""
    machine = groups(config(BY_HOST.replace("group_wait", "close_after: 1h, group_wait")))
    put(machine, alert(1))
    (first,) = told(machine, START + 30)
    later = START + 30 + 3600
    put(machine, alert(2, at=later), later)
    (second,) = told(machine, later + 30)
    assert (first.kind, second.kind) == ("opening", "opening")
    assert first.incident != second.incident
    for minute in range(200):
        assert told(machine, later + 60 + 60 * minute) == []
    assert machine.groups == {}


def test_an_incident_that_goes_on_is_told_again() -> None:
    """After the repeat interval without news, at the next interval; a reminder has nothing new in it."""
    machine = groups(config(BY_HOST.replace("}", ", repeat_interval: 1h, close_after: 3h}")))
    put(machine, alert(1))
    found = [one for minute in range(240) for one in told(machine, START + 30 + 60 * minute)]
    assert [one.kind for one in found] == ["opening", "reminder", "reminder"]
    assert [one.number for one in found] == [0, 1, 2]
    assert all(not one.piles and one.total == 1 for one in found[1:])


def test_a_worse_alert_raises_the_incident() -> None:
    """Once; what comes after and is no worse does not."""
    machine = groups(config(BY_HOST))
    found = []
    for number, severity in enumerate(["low", "low", "critical", "critical", "low"]):
        now = START + 600 * number
        put(machine, alert(number, at=now, priority=PRIORITY[severity]), now)
        found += told(machine, now + 599)
    assert [one.raised for one in found] == [False, False, True, False, False]
    assert [one.highest for one in found] == ["Notice", "Notice", "Critical", "Critical", "Critical"]
    assert found[-1].lead.rule.priority == "Notice"


def test_a_silenced_alert_is_not_told_and_the_reason_is_kept() -> None:
    """Who said so and why; what is not silenced of the same incident is told with how many were."""
    machine = groups(config(BY_HOST))
    put(machine, alert(1, rule="drill"))
    put(machine, alert(2, rule="attack"))
    active = Active(silence('rule="drill"'), (matcher('rule="drill"'),))
    step = machine.due(START + 30, lambda labels, now: active.silence if active(labels, now) else None)
    assert [each.reason for each in step.withheld] == ["silence 51lence0 of ana: a drill"]
    assert step.withheld[0].ids == [alert(1).id]
    assert [one.withheld for one in step.notifications] == [1]
    assert [pile.ids for pile in step.notifications[0].piles] == [[alert(2).id]]


INHIBIT = """
route: {receiver: soc, group_by: [rule]}
inhibit_rules:
  - {source_matchers: [severity=critical], target_matchers: [severity=~"low|medium|critical"], equal: [host]}
"""


def test_a_lesser_alert_is_inhibited_by_a_greater_one_of_the_same_host() -> None:
    """Not on another host, not after its time, and one that is both does not inhibit itself."""
    machine = groups(config(INHIBIT.replace("|critical", "")))
    put(machine, alert(1, priority="Critical", rule="worst"))
    put(machine, alert(2, priority="Notice", rule="least"))
    put(machine, alert(3, priority="Notice", rule="least elsewhere", host="node-2"))
    step = machine.due(START + 30, lambda _labels, _now: None)
    assert {one.lead.rule.name for one in step.notifications} == {"worst", "least elsewhere"}
    assert [each.reason for each in step.withheld] == [f"inhibited by detection {alert(1).id}"]
    put(machine, alert(4, at=START + 3600, priority="Notice", rule="least"), START + 3600)
    assert len(told(machine, START + 4000)) == 1

    both = groups(config(INHIBIT))
    put(both, alert(1, priority="Critical"))
    assert len(told(both, START + 30)) == 1


MUTED = """
route:
  receiver: soc
  routes: [{receiver: night, matchers: [severity=low], mute_time_intervals: [night]}]
time_intervals:
  - name: night
    time_intervals: [{times: [{start_time: '00:00', end_time: '06:00'}], location: Europe/Berlin}]
"""
MIDNIGHT = 1_795_647_600.0  # 2026-11-26 00:00 in Berlin


def test_what_comes_at_night_is_told_in_the_morning() -> None:
    """Times that are muted put off, and lose nothing."""
    machine = groups(config(MUTED))
    for number in range(3):
        now = MIDNIGHT + number * 3600
        put(machine, alert(number, at=now, priority="Notice"), now)
    found = [one for minute in range(24 * 60) for one in told(machine, MIDNIGHT + 60 * minute)]
    assert [(one.kind, one.count) for one in found[:1]] == [("opening", 3)]
    assert found[0].time >= MIDNIGHT + 6 * 3600
    assert found[0].time < MIDNIGHT + 6 * 3600 + 600


def test_a_route_that_is_gone_hands_over_what_waits() -> None:
    """A changed file loses nothing that had not been told."""
    before = groups(config(MUTED))
    for number in range(10):
        put(before, alert(number, priority="Notice", at=MIDNIGHT), MIDNIGHT)
    kept = msgspec.json.decode(msgspec.json.encode(list(before.groups.values())), type=list[Group])
    after = groups(config(BY_HOST))
    after.restore(kept, MIDNIGHT + 60)
    (opening,) = told(after, MIDNIGHT + 90)
    assert {name for pile in opening.piles for name in pile.ids} == {alert(n).id for n in range(10)}
    assert set(before.groups) <= after.changed


def test_several_messages_that_waited_become_one() -> None:
    """A receiver that was away gets the opening with all that came since."""
    machine = groups(config(BY_HOST))
    found = []
    for number in range(4):
        now = START + 400 * number
        put(machine, alert(number, at=now, priority="Critical" if number == 2 else "Notice"), now)
        found += told(machine, now + 399)
    one = merged(found)
    assert (one.kind, one.number, one.count, one.total, one.raised) == ("opening", 0, 4, 4, True)
    assert one.lead.rule.priority == "Critical"
    assert merged(found[1:3]).kind == "update"
    assert merged(found[:1]) == found[0]


@dataclass(frozen=True)
class Arrival:
    """A detection and when it comes; or, without one, a look at what is due."""

    after: float
    host: str = "node-1"
    rule: str = "a"
    severity: str = "high"


ROUTES = """
route:
  receiver: soc
  group_by: [host]
  group_wait: 20s
  group_interval: 2m
  close_after: 15m
  routes:
    - {receiver: shop, matchers: [rule=a], continue: true, group_by: [rule]}
    - {receiver: night, matchers: [severity=low], mute_time_intervals: [night]}
inhibit_rules:
  - {source_matchers: [severity=critical], target_matchers: [severity=medium], equal: [host], lasting: 10m}
time_intervals:
  - name: night
    time_intervals: [{times: [{start_time: '10:00', end_time: '10:30'}]}]
"""
arrivals = st.lists(
    st.builds(
        Arrival,
        after=st.floats(0, 1500),
        host=st.sampled_from(["node-1", "node-2"]),
        rule=st.sampled_from(["a", "b"]),
        severity=st.sampled_from(list(PRIORITY)),
    ),
    max_size=40,
)


@patient
@given(arrivals=arrivals, pauses=st.lists(st.integers(0, 40), max_size=3))
def test_every_detection_is_told_or_withheld_with_a_reason(
    arrivals: list[Arrival], pauses: list[int]
) -> None:
    """For each route that takes it, exactly once; also when the state is kept and read again in between."""
    machine, now = groups(config(ROUTES)), START
    active = Active(silence("rule=b", ends=START + 2000), (matcher("rule=b"),))
    steps: list[tuple[float, list[Notification], list[str]]] = []
    wanted: list[tuple[str, str]] = []

    def look(moment: float) -> None:
        step = machine.due(moment, lambda labels, at: active.silence if active(labels, at) else None)
        withheld = [name for each in step.withheld for name in each.ids]
        assert all(each.reason for each in step.withheld)
        steps.append((moment, step.notifications, withheld))

    for number, arrival in enumerate(arrivals):
        until = now + arrival.after
        while (next_ := machine.next()) is not None and next_ <= until:
            now = max(now, next_)
            look(now)
        now = until
        found = alert(
            number, at=now, host=arrival.host, rule=arrival.rule, priority=PRIORITY[arrival.severity]
        )
        put(machine, found, now)
        wanted += [(found.id, group.route) for group in machine.groups.values() if found.id in group.ids]
        if number in pauses:
            machine = again(machine, now)
    for minute in range(120):
        look(now + 60 * minute)

    told_ids = [
        (name, one.route) for _, told_, _ in steps for one in told_ for pile in one.piles for name in pile.ids
    ]
    withheld = [name for _, _, names in steps for name in names]
    assert sorted([name for name, _ in told_ids] + withheld) == sorted(name for name, _ in wanted)
    assert len(set(told_ids)) == len(told_ids)
    assert machine.groups == {}
    openings = [one.incident for _, told_, _ in steps for one in told_ if one.kind == "opening"]
    assert len(set(openings)) == len(openings)
    numbers: dict[str, list[int]] = {}
    for _, told_, _ in steps:
        for one in told_:
            numbers.setdefault(one.incident, []).append(one.number)
    assert all(each == list(range(len(each))) for each in numbers.values())


def again(machine: Groups, now: float) -> Groups:
    """The machine after a restart."""
    kept = msgspec.json.decode(msgspec.json.encode(list(machine.groups.values())), type=list[Group])
    fresh = groups(config(ROUTES))
    fresh.inhibitor.sources = dict(machine.inhibitor.sources)
    fresh.restore(kept, now)
    return fresh


def test_the_same_input_gives_the_same_messages() -> None:
    """Nothing depends on the clock, on chance or on the order of a set."""

    def run() -> list[bytes]:
        machine = groups(config(ROUTES))
        for number in range(50):
            put(machine, alert(number, at=START + number, host=f"node-{number % 5}"), START + number)
        return [msgspec.json.encode(one) for one in told(machine, START + 100)]

    assert run() == run()
