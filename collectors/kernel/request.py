"""Decodes what was asked for through io_uring (``uring.bpf.c``): as the system call that does the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from collectors.kernel.decode import Context, Decoder
from collectors.kernel.hooks import Hook
from collectors.kernel.layout import RING_COMPLETED, RING_SUBMITTED
from wire.event import Event

_MARKS: dict[int, Literal["submitted", "completed"]] = {
    RING_SUBMITTED: "submitted",
    RING_COMPLETED: "completed",
}


def ways(hook: Hook) -> Iterator[tuple[int, Decoder]]:
    """How the event can come, by the mark on its kind: as a system call, and perhaps through a ring."""
    yield 0, hook.decode
    if hook.ring:
        for mark, ring in _MARKS.items():
            yield mark, _marked(hook.decode, ring)


def _marked(decode: Decoder, ring: Literal["submitted", "completed"]) -> Decoder:
    def decoded(context: Context, name: Any, seq: int, data: bytes, at: int, end: int) -> Event:  # noqa: ANN401  # as decode
        return msgspec.structs.replace(decode(context, name, seq, data, at, end), ring=ring)

    return decoded
