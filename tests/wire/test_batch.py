"""Batches: what is written is what is read, and what is damaged is named."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.events import (
    answer,
    batch,
    become,
    call,
    change,
    connect,
    execute,
    fork,
    leave,
    loss,
    open_file,
    snapshot,
    told,
)
from wire import batch as wire_batch
from wire.batch import BatchError
from wire.event import KINDS, Descriptor
from wire.inventory import Description

ONE_OF_EACH = batch(
    snapshot(1, 1, "init"),
    fork(2, 7, 1),
    execute(3, 7, "curl", "http://[::1]/\u00e4"),
    open_file(4, 7, "/etc/passwd", result=-13),
    connect(5, 7, "::1", 443, family="ipv6"),
    leave(6, 7, code=1),
    loss(7, openat=3),
    change(8, 7, "/etc/x", raw="x", owner=3),
    become(9, 7, 33, names=["www-data"]),
    call(10, 7, "dup2", 3, 0, result=0, fd=0, file=Descriptor("ipv4", "1.1.1.1:1->2.2.2.2:2", 5)),
    answer(11, 7, "db.example", "10.0.0.2"),
    told(12, "c" * 64, Description(sources=["docker"], image="nginx:1.27", labels={"team": "shop"})),
)


def test_every_kind_of_event_survives_the_wire() -> None:
    """Decoding gives back exactly the batch that was encoded."""
    assert wire_batch.decode(wire_batch.encode(ONE_OF_EACH)) == (ONE_OF_EACH, [])


def test_one_of_each() -> None:
    """No kind of event is left out of these tests."""
    assert {type(event) for event in ONE_OF_EACH.events} == set(KINDS)


def test_one_bad_event_does_not_cost_the_others() -> None:
    """An event of a wrong type is handed out with its reason, and the rest of the batch is good."""
    data = wire_batch.encode(ONE_OF_EACH).replace(b'"result":-13', b'"result":"no"')
    decoded, bad = wire_batch.decode(data)
    assert [event.seq for event in decoded.events] == [1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12]
    assert [(b'"seq":4' in event.raw, "$.result" in event.reason) for event in bad] == [(True, True)]


def test_invalid_utf8_in_an_event_costs_that_event_only() -> None:
    """Bytes that are no text are a bad event, not a bad batch."""
    data = wire_batch.encode(ONE_OF_EACH).replace(b"/etc/passwd", b"/etc/\xff\xfe")
    decoded, bad = wire_batch.decode(data)
    assert len(decoded.events) == 11
    assert len(bad) == 1


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "not an event batch"),
        (b"{", "not an event batch"),
        (b"\xff", "not an event batch"),
        (b"[1, 2]", "Expected `object`"),
        (b'{"schema":1}', "missing required field `host`"),
        (wire_batch.encode(ONE_OF_EACH)[:-40], "not an event batch"),
        (wire_batch.encode(msgspec.structs.replace(ONE_OF_EACH, schema=2)), "schema 2"),
    ],
)
def test_what_is_no_batch_is_refused_with_the_reason(data: bytes, says: str) -> None:
    """The error says what is wrong and where."""
    with pytest.raises(BatchError, match=says.replace("[", r"\[")):
        wire_batch.decode(data)


@given(
    st.binary(max_size=300) | st.builds(lambda cut: wire_batch.encode(ONE_OF_EACH)[cut:], st.integers(0, 900))
)
def test_no_input_does_anything_but_decode_or_say_so(data: bytes) -> None:
    """Whatever arrives, the outcome is a batch or ``BatchError``."""
    try:
        wire_batch.decode(data)
    except BatchError:
        return
