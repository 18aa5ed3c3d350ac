"""What rules need of the kernel's events: a filter that may let too much through, but never too little.

Rules say, by event type, under which limits an event can match at all; whoever collects may leave out
what no limit admits. The facts are those of the event as it would be reported.
"""

import hashlib
from ipaddress import ip_address, ip_network
from typing import Literal

import msgspec
from msgspec import Struct

from wire.event import Event

Result = Literal["success", "failure"]
Scope = Literal["container", "host"]
Range = tuple[int, int]

# Events that the process tree is made of: the rules about all others depend on them.
WHOLE = ("fork", "execve", "execveat", "procexit")


class Paths(Struct, frozen=True, omit_defaults=True):
    """Paths that are given, that begin or end like one given, whose last part is one of ``names``, or that
    hold one of ``parts`` anywhere.

    A filter that cannot look for one of these kinds must take it for no limit.
    """

    exact: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()

    def admits(self, path: str | None) -> bool:
        """Whether a path is among them; one that is not known is not."""
        return path is not None and (
            path in self.exact
            or path.startswith(self.prefixes)
            or path.endswith(self.suffixes)
            or path[path.rfind("/") + 1 :] in self.names
            or any(part in path for part in self.parts)
        )


class Limits(Struct, frozen=True, omit_defaults=True):
    """What must all hold for an event; ``None`` is no limit.

    ``path`` is the file's or the unix socket's, ``exe`` the program of an exec. ``access`` are values of
    the two lowest bits of an open's flags, ``flags`` are bits of it that must all be set. Ports are ranges
    with both ends, addresses networks in CIDR notation. ``container`` admits whatever is not known to run
    on the host itself, ``host`` whatever is not known to run in a container.
    """

    path: Paths | None = None
    exe: Paths | None = None
    access: tuple[int, ...] | None = None
    flags: int = 0
    result: Result | None = None
    scope: Scope | None = None
    families: tuple[str, ...] | None = None
    protocols: tuple[str, ...] | None = None
    local_ports: tuple[Range, ...] | None = None
    remote_ports: tuple[Range, ...] | None = None
    local_nets: tuple[str, ...] | None = None
    remote_nets: tuple[str, ...] | None = None


ANY = Limits()


class Needs(Struct, frozen=True, omit_defaults=True):
    """By event type, the limits of which an event must meet at least one. Types not named match no rule.

    Events of the types in ``whole`` must all be collected: the process tree needs them.
    """

    types: dict[str, tuple[Limits, ...]]
    whole: tuple[str, ...] = WHOLE


def digest(needs: Needs) -> str:
    """The same for the same needs, whoever computes it."""
    found = hashlib.blake2b(digest_size=8)
    for event_type, alternatives in sorted(needs.types.items()):
        found.update(event_type.encode() + b"\0" + b"\0".join(sorted(map(msgspec.json.encode, alternatives))))
    return found.hexdigest()


class Facts(Struct, frozen=True, kw_only=True):
    """What a collector knows of an event when it decides; ``None`` is not known, or not there.

    ``file`` is what an open's path led to: an event is needed for either path.
    """

    type: str
    path: str | None = None
    file: str | None = None
    exe: str | None = None
    flags: int | None = None
    result: int | None = None
    in_container: bool | None = None
    family: str | None = None
    protocol: str | None = None
    local_port: int | None = None
    remote_port: int | None = None
    local_ip: str | None = None
    remote_ip: str | None = None


def facts(event: Event, *, in_container: bool | None) -> Facts:
    """The facts of an event of the wire; whether it happened in a container is not in it."""
    return Facts(
        type=event.type,
        path=getattr(event, "path", None),
        file=getattr(event, "file", None),
        exe=getattr(event, "exepath", None),
        flags=getattr(event, "flags", None),
        result=getattr(event, "result", None),
        in_container=in_container,
        family=getattr(event, "family", None),
        protocol=getattr(event, "proto", None),
        local_port=getattr(event, "local_port", None),
        remote_port=getattr(event, "remote_port", None),
        local_ip=getattr(event, "local_ip", None),
        remote_ip=getattr(event, "remote_ip", None),
    )


def admits(needs: Needs, event: Facts) -> bool:
    """Whether a rule could match the event: if this is false, none does."""
    return any(meets(limits, event) for limits in needs.types.get(event.type, ()))


def meets(limits: Limits, event: Facts) -> bool:
    """Whether an event is within limits."""
    return (
        (limits.path is None or limits.path.admits(event.path) or limits.path.admits(event.file))
        and (limits.exe is None or limits.exe.admits(event.exe))
        and _opened(limits, event.flags)
        and (limits.result is None or _result(event.result) == limits.result)
        and (limits.scope is None or event.in_container in (None, limits.scope == "container"))
        and (limits.families is None or event.family in limits.families)
        and (limits.protocols is None or event.protocol in limits.protocols)
        and _port(limits.local_ports, event.local_port)
        and _port(limits.remote_ports, event.remote_port)
        and _address(limits.local_nets, event.local_ip)
        and _address(limits.remote_nets, event.remote_ip)
    )


def _opened(limits: Limits, flags: int | None) -> bool:
    if flags is None:
        return limits.access is None and not limits.flags
    return (limits.access is None or flags & 3 in limits.access) and flags & limits.flags == limits.flags


def _result(result: int | None) -> Result | None:
    if result is None:
        return None
    return "success" if result >= 0 else "failure"


def _port(ranges: tuple[Range, ...] | None, port: int | None) -> bool:
    return ranges is None or (port is not None and any(low <= port <= high for low, high in ranges))


def _address(nets: tuple[str, ...] | None, address: str | None) -> bool:
    if nets is None:
        return True
    return address is not None and any(ip_address(address) in ip_network(net) for net in nets)
