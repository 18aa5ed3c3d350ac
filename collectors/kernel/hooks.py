"""Every event type that the kernel side can deliver: where it is hooked and how its records are decoded.

To add one: a function in a ``bpf/*.bpf.c``, its number in ``enum kind`` of ``bpf/events.h``, and a line here.
"""

from dataclasses import dataclass

from collectors.kernel import file, network, process
from collectors.kernel.decode import Decoder


@dataclass(frozen=True, slots=True)
class Hook:
    """``kind`` is the number in the record's header; ``program`` is a function in ``bpf/<source>.bpf.c``."""

    kind: int
    source: str
    program: str
    decode: Decoder


HOOKS: dict[str, Hook] = {
    "fork": Hook(1, "process", "on_fork", process.fork),
    "execve": Hook(2, "process", "on_execve", process.execute),
    "execveat": Hook(3, "process", "on_execve", process.execute),
    "procexit": Hook(4, "process", "on_procexit", process.leave),
    "open": Hook(5, "file", "on_open", file.opened),
    "openat": Hook(6, "file", "on_openat", file.opened),
    "openat2": Hook(7, "file", "on_openat2", file.opened),
    "creat": Hook(8, "file", "on_creat", file.opened),
    "connect": Hook(9, "network", "on_connect", network.socket),
    "accept": Hook(10, "network", "on_accept", network.socket),
    "accept4": Hook(11, "network", "on_accept4", network.socket),
    "bind": Hook(12, "network", "on_bind", network.socket),
    "listen": Hook(13, "network", "on_listen", network.socket),
}

# Without these the process tree has holes, so they are collected whatever else is asked for.
ALWAYS = frozenset({"fork", "execve", "execveat", "procexit"})
