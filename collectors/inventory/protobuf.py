"""As much of the encoding of Protocol Buffers as the CRI needs: numbers, texts, messages, lists and maps.

https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

Value = int | bool | str | bytes | Mapping[int, "Value | list[Value]"]


def encode(fields: Mapping[int, Value | list[Value]]) -> bytes:
    """A message from its fields by number; a list is a field that is repeated."""
    return b"".join(
        _field(number, each)
        for number, value in fields.items()
        for each in (value if isinstance(value, list) else [value])
    )


def _field(number: int, value: Value) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3 | _VARINT) + _varint(int(value))
    if isinstance(value, Mapping):
        value = encode(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | _BYTES) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    data.append(value)
    return bytes(data)


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was received: its fields by number, read as what the reader knows them to be.

    What is not there has the value that the encoding gives it: 0, the empty text, the empty message.
    """

    fields: Mapping[int, list[int | bytes]]

    def number(self, field: int) -> int:
        """The last value of a field of numbers; signed, as Go writes int64."""
        value = self.fields.get(field, [0])[-1]
        if not isinstance(value, int):
            raise ValueError(f"field {field} is no number")
        return value - (1 << 64) if value >> 63 else value

    def text(self, field: int) -> str:
        """The last value of a field of texts."""
        return self._data(self.fields.get(field, [b""])[-1], field).decode("utf-8", "backslashreplace")

    def message(self, field: int) -> Message:
        """The last value of a field of messages."""
        return decode(self._data(self.fields.get(field, [b""])[-1], field))

    def messages(self, field: int) -> list[Message]:
        """All values of a field of messages."""
        return [decode(self._data(value, field)) for value in self.fields.get(field, [])]

    def map(self, field: int) -> dict[str, str]:
        """A map from texts to texts."""
        return {entry.text(1): entry.text(2) for entry in self.messages(field)}

    @staticmethod
    def _data(value: int | bytes, field: int) -> bytes:
        if not isinstance(value, bytes):
            raise ValueError(f"field {field} is a number")
        return value


def decode(data: bytes) -> Message:
    """The fields of a message; raises ``ValueError`` if it is cut off or no message."""
    fields: dict[int, list[int | bytes]] = {}
    for number, value in _fields(data):
        fields.setdefault(number, []).append(value)
    return Message(fields)


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _read_varint(data, at)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            size, at = _read_varint(data, at)
        elif kind in (_FIXED32, _FIXED64):
            size = 4 if kind == _FIXED32 else 8
        else:
            raise ValueError(f"a field of the unknown kind {kind}")
        if at + size > len(data):
            raise ValueError("a message that is cut off")
        yield key >> 3, data[at : at + size]
        at += size


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError("a number that is cut off")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value & (1 << 64) - 1, at
        shift += 7
