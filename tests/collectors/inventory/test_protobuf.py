"""The encoding of Protocol Buffers: what is written is read again, and damage is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.inventory.protobuf import Message, decode, encode

NUMBERS = st.integers(1, 2000)


def test_the_examples_of_the_specification() -> None:
    """150 in field 1, "testing" in field 2, and the first of them as a message in field 3."""
    assert encode({1: 150}) == bytes.fromhex("089601")
    assert encode({2: "testing"}) == bytes.fromhex("120774657374696e67")
    assert encode({3: {1: 150}}) == bytes.fromhex("1a03089601")
    assert decode(bytes.fromhex("1a03089601")).message(3).number(1) == 150


@given(st.dictionaries(NUMBERS, st.one_of(st.integers(-(2**63), 2**63 - 1), st.text()), max_size=8))
def test_what_is_written_is_read(fields: dict[int, int | str]) -> None:
    """Numbers with their sign, texts, in any field."""
    message = decode(encode(dict(fields)))
    for number, value in fields.items():
        assert (message.number(number) if isinstance(value, int) else message.text(number)) == value


@given(st.dictionaries(st.text(), st.text()))
def test_maps_and_lists_are_repeated_messages(values: dict[str, str]) -> None:
    """A map is a list of pairs."""
    message = decode(encode({5: [{1: key, 2: value} for key, value in values.items()]}))
    assert message.map(5) == values
    assert len(message.messages(5)) == len(values)


def test_what_is_not_there_is_empty() -> None:
    """As the encoding has it: no field is the same as one with nothing in it."""
    message = decode(b"")
    assert (message.number(1), message.text(2), message.message(3), message.map(4)) == (
        0,
        "",
        Message({}),
        {},
    )


@given(st.binary())
def test_damage_is_refused_or_understood(data: bytes) -> None:
    """Nothing but ``ValueError`` comes of any bytes."""
    try:
        message = decode(data)
        for number in message.fields:
            for read in (message.number, message.text, message.message, message.map):
                try:
                    read(number)
                except ValueError:
                    continue
    except ValueError:
        return


@pytest.mark.parametrize("data", ["08", "0a05616263", "0b", "ffffffffffffffffffffff01"])
def test_cut_off_messages_are_refused(data: str) -> None:
    """A number without its end, a text that is too short, an unknown kind, a number that is too long."""
    with pytest.raises(ValueError, match=r"cut off|unknown kind"):
        decode(bytes.fromhex(data))
