"""The same alerts and tree through Alertmanager and through ours: the same groups at the same times."""

import random
from typing import Any

import pytest
import yaml

from notify.config import loads
from notify.groups import Groups
from notify.inhibit import Inhibitor
from tests.notify.samples import alert
from tests.peers.alertmanager import Alertmanager

# Where virtual time begins: a Saturday.
EPOCH = 946_684_800.0
UNTIL = 4 * 3600.0

TREE: dict[str, Any] = {
    "route": {
        "receiver": "all",
        "group_by": ["host"],
        "group_wait": "30s",
        "group_interval": "5m",
        "repeat_interval": "50m",
        "routes": [
            {
                "receiver": "pager",
                "matchers": ["severity =~ \"critical|high\"", "rule != drill"],
                "group_by": ["host", "rule"],
                "group_wait": "10s",
                "group_interval": "2m",
                "continue": True,
            },
            {"receiver": "shop", "matchers": ["user=\"shop\""], "group_by": ["..."]},
            {
                "matchers": ["severity=\"low\""],
                "receiver": "night",
                "mute_time_intervals": ["early"],
                "routes": [{"matchers": ["host=node-3"], "active_time_intervals": ["early"]}],
            },
        ],
    },
    "receivers": [{"name": name} for name in ("all", "pager", "shop", "night")],
    "inhibit_rules": [
        {
            "source_matchers": ["severity=critical"],
            "target_matchers": ["severity=~\"medium|high|critical\""],
            "equal": ["host"],
        }
    ],
    "time_intervals": [
        {
            "name": "early",
            "time_intervals": [
                {"times": [{"start_time": "00:20", "end_time": "01:10"}], "weekdays": ["saturday"]}
            ],
        }
    ],
}  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_groups_and_times_are_those_of_alertmanager(alertmanager: Alertmanager, seed: int) -> None:
    """Waits, intervals, repeats, continue, inhibition, mute and active times; every notification."""
    chance = random.Random(seed)  # noqa: S311  # a test that is the same each time
    moments = sorted(chance.sample(range(int(UNTIL / 2)), 60))
    alerts = [
        (
            at + 0.25,
            {
                "id": str(number),
                "host": f"node-{chance.randrange(4)}",
                "rule": chance.choice(["shell", "miner", "drill"]),
                "severity": chance.choice(["critical", "high", "medium", "low", "low", "medium"]),
                "user": chance.choice(["root", "root", "shop"]),
            },
        )
        for number, at in enumerate(moments)
    ]
    expected = alertmanager(yaml.dump(TREE), alerts, UNTIL)
    assert len(expected) > 50
    known: dict[tuple[str, tuple[tuple[str, str], ...]], set[str]] = {}
    rows = []
    for one in sorted(expected, key=lambda each: each.at):
        before = known.setdefault((one.receiver, tuple(sorted(one.group.items()))), set())
        rows.append(
            (round(one.at, 2), one.receiver, tuple(sorted(one.group.items())), frozenset(one.ids - before))
        )
        before |= one.ids
    assert sorted(rows, key=str) == sorted(ours(alerts), key=str)


def ours(alerts: list[tuple[float, dict[str, str]]]) -> list[tuple[Any, ...]]:
    """What the state machine makes of them."""
    route = TREE["route"] | {"close_after": "30d"}
    inhibit = [rule | {"lasting": "30d"} for rule in TREE["inhibit_rules"]]
    read = loads(yaml.dump(TREE | {"route": route, "inhibit_rules": inhibit}))
    machine = Groups(read.route, Inhibitor(read.inhibitions), read.intervals)
    ids: dict[str, str] = {}
    rows = []

    def look(until: float) -> None:
        while (tick := machine.next()) is not None and tick <= until:
            for one in machine.due(tick, lambda _labels, _now: None).notifications:
                new = frozenset(ids[name] for pile in one.piles for name in pile.ids)
                group = tuple(sorted((name, value) for name, value in one.group.items() if value))
                rows.append((round(one.time - EPOCH, 2), one.receiver, group, new))

    for number, (at, labels) in enumerate(alerts):
        look(EPOCH + at)
        found = alert(number, at=EPOCH + at)
        ids[found.id] = labels["id"]
        machine.add(found, {name: (value,) for name, value in labels.items()}, EPOCH + at)
    look(EPOCH + UNTIL)
    return rows
