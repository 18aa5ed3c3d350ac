"""Decodes the records of ``dns.bpf.c``: what name servers answered, in messages of RFC 1035."""

from __future__ import annotations

import struct
from typing import Literal, NamedTuple

from collectors.kernel.decode import AF_INET, AF_INET6, TICK, Context, End, text
from collectors.kernel.layout import DNS, compiled
from wire.event import Answer

_DNS = compiled(DNS)

# Number, flags and how many questions, answers, authorities and others follow.
_HEADER = struct.Struct("!HHHHHH")
_QUESTION = struct.Struct("!HH")
_RESOURCE = struct.Struct("!HHIH")

_IS_ANSWER = 0x8000
_CODE = 0xF
_POINTER = 0xC0
_LONGEST = 255

_ADDRESSES = {(1, 4): AF_INET, (28, 16): AF_INET6}


class Message(NamedTuple):
    """What was asked (``kind`` is the number of a record type) and which addresses came back for it."""

    name: str
    kind: int
    code: int
    addresses: list[str]


def answered(context: Context, name: Literal["dns"], seq: int, data: bytes, at: int, _end: int) -> Answer:
    """A process was answered by a name server; what is no answer that can be read has no name."""
    time, start, cgroup, pid, tid, uid, _, comm, server, family, size = _DNS.unpack_from(data, at)
    begin = at + _DNS.size
    message = read(data[begin : begin + size])
    return Answer(
        type=name,
        seq=seq,
        time=time + context.epoch,
        pid=pid,
        tid=tid,
        start=start - start % TICK,
        comm=context.comm(comm),
        uid=uid,
        cgroup=cgroup,
        server=End(family, server, 0).ip,
        name=message.name if message else None,
        asked=message.kind if message else 0,
        code=message.code if message else 0,
        addresses=message.addresses if message else [],
    )


def read(message: bytes) -> Message | None:
    """The question and the addresses in the answer, as far as the message goes."""
    try:
        _, flags, questions, answers, *_ = _HEADER.unpack_from(message)
        if not flags & _IS_ANSWER or questions != 1:
            return None
        name, at = _name(message, _HEADER.size), _behind(message, _HEADER.size)
        kind, _ = _QUESTION.unpack_from(message, at)
    except (struct.error, IndexError):
        return None
    return Message(name, kind, flags & _CODE, _found(message, at + _QUESTION.size, answers))


def _found(message: bytes, at: int, answers: int) -> list[str]:
    addresses = []
    try:
        for _ in range(answers):
            at = _behind(message, at)
            kind, _, _, size = _RESOURCE.unpack_from(message, at)
            at += _RESOURCE.size
            family = _ADDRESSES.get((kind, size))
            if family is not None:
                addresses.append(End(family, message[at : at + size], 0).ip)
            at += size
    except (struct.error, IndexError, ValueError):
        pass  # the end is missing; what came before it counts
    return addresses


def _name(message: bytes, at: int) -> str:
    """The name at a place, without the dot at its end and in small letters; raises ``IndexError``."""
    labels, length = [], 0
    while size := message[at]:
        if size >= _POINTER:
            at = (size & ~_POINTER) << 8 | message[at + 1]
            length += 2
        else:
            labels.append(text(message[at + 1 : at + 1 + size]).lower().replace(".", "\\."))
            at += 1 + size
            length += 1 + size
        if length > _LONGEST:  # also what points in circles
            raise IndexError
    return ".".join(labels)


def _behind(message: bytes, at: int) -> int:
    """Where what follows a name begins; raises ``IndexError``."""
    while size := message[at]:
        if size >= _POINTER:
            return at + 2
        at += 1 + size
    return at + 1
