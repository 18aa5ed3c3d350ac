"""A batch of events of one host: the value of a Kafka record and a line of a recording."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
from msgspec import Struct

from wire.event import AnyEvent

SCHEMA = 1
MAX_EVENTS = 500
MAX_BYTES = 256 * 1024


class Host(Struct, frozen=True, gc=False):
    """Who saw the events: a stable id (machine-id), its name, and which boot of it (boot_id)."""

    id: str
    name: str
    boot: str


class Batch(Struct, frozen=True, kw_only=True):
    """Events of one host in the order of their sequence numbers; ``first`` and ``last`` name the range."""

    schema: int = SCHEMA
    host: Host
    first: int
    last: int
    events: list[AnyEvent]


class _LooseBatch(Struct, frozen=True, kw_only=True):
    """A batch whose events have not been looked at yet."""

    schema: int
    host: Host
    first: int
    last: int
    events: list[msgspec.Raw]


class BatchError(ValueError):
    """A record or line that holds no batch: the message says what is wrong and where."""


@dataclass(frozen=True, slots=True)
class BadEvent:
    """One event of a good batch that could not be understood, as it arrived, and why."""

    raw: bytes
    reason: str


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Batch)
_loose = msgspec.json.Decoder(_LooseBatch)
_event = msgspec.json.Decoder(AnyEvent)


def encode(batch: Batch) -> bytes:
    """JSON without line breaks; not compressed, Kafka and recordings do that for whole records."""
    return _encoder.encode(batch)


def decode(data: bytes) -> tuple[Batch, list[BadEvent]]:
    """The batch in ``data`` and those of its events that could not be understood.

    Raises:
        BatchError: ``data`` is no JSON, or not a batch of a schema this version reads.
    """
    try:
        batch = _decoder.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _decode_loosely(data)
    _check(batch.schema)
    return batch, []


def _decode_loosely(data: bytes) -> tuple[Batch, list[BadEvent]]:
    """Find the events that are at fault, so that the others are not lost with them."""
    try:
        loose = _loose.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BatchError(f"not an event batch: {error}") from error
    _check(loose.schema)
    outcomes = list(_decode_each(loose.events))
    batch = Batch(
        schema=loose.schema,
        host=loose.host,
        first=loose.first,
        last=loose.last,
        events=[event for event in outcomes if not isinstance(event, BadEvent)],
    )
    return batch, [bad for bad in outcomes if isinstance(bad, BadEvent)]


def _decode_each(raws: list[msgspec.Raw]) -> Iterator[AnyEvent | BadEvent]:
    for raw in raws:
        try:
            yield _event.decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            yield BadEvent(bytes(raw), str(error))


def _check(schema: int) -> None:
    if schema != SCHEMA:
        raise BatchError(f"a batch of schema {schema}; this version reads schema {SCHEMA}")
