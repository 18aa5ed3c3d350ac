"""Where the kernel side hooks every event type, and how its records are decoded.

A new event type is a function in a ``bpf/*.bpf.c`` and a line in ``wire/event_types.py``; only a record of a
new shape needs a decoder.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from collectors.kernel import call, dns, file, network, process
from collectors.kernel.decode import Decoder
from wire.event_types import EVENT_TYPES


@dataclass(frozen=True, slots=True)
class Hook:
    """``kind`` is the number in the record's header; ``program`` is a function in ``bpf/<source>.bpf.c``.

    ``ring`` are the operations of io_uring that do the same (IORING_OP_*), which ``RING`` reports.
    """

    kind: int
    source: str
    program: str
    decode: Decoder
    ring: tuple[int, ...] = ()


_DECODERS: Mapping[str, Decoder] = {
    "fork": process.fork,
    "exec": process.execute,
    "exit": process.leave,
    "open": file.opened,
    "change": file.changed,
    "identity": call.became,
    "call": call.told,
    "socket": network.socket,
    "answer": dns.answered,
}

# Programs that are not named after the event type: one tracepoint tells of both ways to execute.
_PROGRAMS = {"execveat": "on_execve"}

HOOKS: Mapping[str, Hook] = {
    name: Hook(line.number, line.source, _PROGRAMS.get(name, f"on_{name}"), _DECODERS[line.kind], line.ring)
    for name, line in EVENT_TYPES.items()
}

# The programs on io_uring's tracepoints; which of them there are depends on the kernel.
RING = {("uring", "on_request"), ("uring", "on_entry"), ("uring", "on_completion")}

# What is collected unless somebody says which; the rest happens so often that it must be asked for by name.
EVENTS = tuple(name for name in HOOKS if name not in ("sendto", "sendmsg", "recvfrom", "recvmsg"))

# Without these the process tree has holes, so they are collected whatever else is asked for.
ALWAYS = frozenset({"fork", "execve", "execveat", "procexit"})
