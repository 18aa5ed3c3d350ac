"""The Kafka topics, what they must be set to, and the headers of their records."""

from collections.abc import Iterable
from dataclasses import dataclass, field

EVENTS = "tracetide.events.v1"
DETECTIONS = "tracetide.detections.v1"
DEAD = "tracetide.dead.v1"
STATE = "tracetide.state.v1"

# The stage of a record that says what became of a dead letter.
HANDLED = "handled"

Headers = list[tuple[str, bytes]]

_LEFT_OUT, _NARROWED = "left_out", "narrowed"

_DAY = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic and the settings that differ from a broker's defaults."""

    name: str
    config: dict[str, str] = field(default_factory=dict)


# All have the same number of partitions: those of the state go with those of the events.
TOPICS = (
    Topic(EVENTS, {"retention.ms": str(3 * _DAY), "max.message.bytes": "2097152"}),
    Topic(DETECTIONS, {"retention.ms": str(30 * _DAY), "max.message.bytes": "2097152"}),
    Topic(DEAD, {"retention.ms": str(30 * _DAY), "max.message.bytes": "4194304"}),
    Topic(
        STATE,
        {
            "cleanup.policy": "compact",
            "max.message.bytes": "16777216",
            "segment.ms": "600000",
            "min.cleanable.dirty.ratio": "0.2",
        },
    ),
)


def event_headers(schema: int, host: str, boot: str, first: int, last: int) -> Headers:
    """What a consumer can know of an event batch without decoding it."""
    return [
        ("schema", str(schema).encode()),
        ("host", host.encode()),
        ("boot", boot.encode()),
        ("first", str(first).encode()),
        ("last", str(last).encode()),
    ]


def gap_headers(left_out: Iterable[str], narrowed: str | None) -> Headers:
    """What a collector does not collect: event types, and what rules with this digest do not need."""
    headers = [(_LEFT_OUT, ",".join(sorted(left_out)).encode())]
    if narrowed is not None:
        headers.append((_NARROWED, narrowed.encode()))
    return [(name, value) for name, value in headers if value]


def gaps(headers: Iterable[tuple[str, bytes]]) -> tuple[frozenset[str], str | None]:
    """The same of a record that was read."""
    told = (_LEFT_OUT, _NARROWED)
    found = {name: value.decode("utf-8", "replace") for name, value in headers if name in told}
    return frozenset(filter(None, found.get(_LEFT_OUT, "").split(","))), found.get(_NARROWED)


def dead_headers(stage: str, reason: str, topic: str, partition: int, offset: int, **more: object) -> Headers:
    """Why a record is on the dead-letter topic and where it came from.

    A forwarder adds ``sink``, ``attempts``, and the times of the ``first`` and the ``last`` of them in
    seconds since the epoch.
    """
    known = {"stage": stage, "reason": reason, "topic": topic, "partition": partition, "offset": offset}
    return [(name, str(value).encode("utf-8", "backslashreplace")) for name, value in (known | more).items()]


def handled_headers(letter: str, outcome: str) -> Headers:
    """What became of a dead letter, named by its partition and offset on the dead-letter topic."""
    return [("stage", HANDLED.encode()), ("letter", letter.encode()), ("outcome", outcome.encode())]
