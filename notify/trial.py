"""A message that is marked as a test, to see that it arrives and what it looks like."""

import uuid
from dataclasses import replace

from notify.config import Config
from notify.groups import Notification, Pile
from notify.labels import labels_of
from notify.message import Message, message
from wire.batch import Host
from wire.detection import Detection, RuleInfo

_RULE = RuleInfo(
    name="TEST of notifications, nothing happened",
    description="Somebody tries whether messages of tracetide arrive. This one tells of no machine.",
    priority="Notice",
    response="Nothing. Whoever started the test will be glad to hear that it arrived.",
)


def trial(config: Config, receiver: str, host: str, now: float) -> Message:
    """A test message for a receiver: an incident of its own each time. ``host`` is where the test is run."""
    name, at = uuid.uuid4().hex, int(now * 1e9)
    found = Detection(
        id=name,
        time=at,
        host=Host(id=host, name=host, boot=name),
        rule=_RULE,
        output="This is a test",
        events=[],
        event={},
        fields={},
    )
    pile = Pile(labels_of(found), [found], [name], at, at)
    told = Notification(
        id=f"{name[:16]}-0",
        incident=name[:16],
        number=0,
        kind="opening",
        route="route",
        receiver=receiver,
        group={"host": host},
        time=now,
        piles=[pile],
        lead=found,
        total=1,
        withheld=0,
        since=at,
        highest=_RULE.priority,
    )
    said = message(told, config.owners(found), config.links)
    return replace(said, sureness="Nothing was seen: this is a test.", unseen=())
