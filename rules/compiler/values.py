"""What generated source calls for a field's value where an attribute is not enough."""

import errno
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from posixpath import basename, dirname, join, normpath
from typing import Any

from rules.catalogue.event_types import RECEIVING
from rules.catalogue.flags import BITS, CAPABILITIES, CHOICES, OPEN_ACCESS, OPEN_FLAGS
from rules.compiler.transformers import shown

_CACHED = 4096
_AT_FDCWD = -100

_FILES = frozenset({"file", "directory", "tty", "dev"})
_CHARACTERS = {**dict.fromkeys(_FILES, "f"), "ipv4": "4", "ipv6": "6", "unix": "u", "pipe": "p", "event": "e"}


def outcome(result: int) -> str:
    """``SUCCESS`` or the error's name."""
    return "SUCCESS" if result >= 0 else errno.errorcode.get(-result, str(-result))


def returned(result: int) -> str:
    """A result as a number, or the error's name."""
    return str(result) if result >= 0 else errno.errorcode.get(-result, str(result))


@lru_cache(_CACHED)
def bits(table: str, value: int) -> str:
    """The names of the bits that are set."""
    return "|".join(name for bit, name in BITS[table].items() if value & bit) or "0"


def choice(table: str, value: int) -> str:
    """The name that a number has."""
    return CHOICES[table].get(value) or str(value)


def named(number: int, names: Sequence[str | None], at: int) -> str:
    """The name of a user or group where it is known, else its number."""
    return (names[at] if at < len(names) else None) or str(number)


def described(fd: int | None, descriptor: Any) -> str | None:  # noqa: ANN401  # as events have it
    """A descriptor as Falco shows it: ``<f>/etc/passwd``; its number if nothing is known of it."""
    if fd is None or descriptor is None:
        return None if fd is None else str(fd)
    return f"<{_CHARACTERS.get(descriptor.type, '?')}>{descriptor.name}"


def descriptor_type(descriptor: Any) -> str | None:  # noqa: ANN401  # the same
    """Falco's word for what a descriptor is."""
    if descriptor is None:
        return None
    return "file" if descriptor.type in _FILES else str(descriptor.type)


def descriptor_typechar(descriptor: Any) -> str | None:  # noqa: ANN401  # the same
    """Falco's one letter for what a descriptor is."""
    return None if descriptor is None else _CHARACTERS.get(descriptor.type)


def descriptor_name(descriptor: Any) -> str | None:  # noqa: ANN401  # the same
    """The path or connection behind a descriptor."""
    return None if descriptor is None else descriptor.name or None


def descriptor_directory(descriptor: Any) -> str | None:  # noqa: ANN401  # the same
    """The directory of the file behind a descriptor."""
    name = descriptor_name(descriptor)
    return (dirname(name) or None) if name is not None and descriptor.type in _FILES else None


def descriptor_filename(descriptor: Any) -> str | None:  # noqa: ANN401  # the same
    """The name of the file behind a descriptor, without its directory."""
    name = descriptor_name(descriptor)
    return (basename(name) or name) if name is not None and descriptor.type in _FILES else None


def directory(fd: int) -> str:
    """The descriptor that a path is read from."""
    return "AT_FDCWD" if fd == _AT_FDCWD else str(fd)


@lru_cache(_CACHED)
def open_flags(flags: int) -> str:
    """The names of an open's flags."""
    names = [OPEN_ACCESS[flags & 3]] if flags & 3 in OPEN_ACCESS else []
    return "|".join(names + [name for bit, name in OPEN_FLAGS.items() if flags & bit]) or "0"


def exec_flags(p: Any) -> str:  # noqa: ANN401  # a process, which this package does not know
    """What is remarkable about the executable."""
    names = {"EXE_UPPER_LAYER": p.upper_layer, "EXE_FROM_MEMFD": p.memfd}
    return "|".join(name for name, holds in names.items() if holds) or "0"


@lru_cache(_CACHED)
def capabilities(mask: int | None) -> str | None:
    """The names in a set of capabilities."""
    if mask is None:
        return None
    return " ".join(f"CAP_{name}" for bit, name in enumerate(CAPABILITIES) if mask >> bit & 1)


def signed(number: int | None) -> int | None:
    """The kernel's "no user", all bits set, as -1."""
    return -1 if number == 0xFFFFFFFF else number


def typechar(family: str) -> str | None:
    """Falco's one letter for a family of sockets."""
    return {"ipv4": "4", "ipv6": "6", "unix": "u"}.get(family)


def serves(e: Any) -> bool:  # noqa: ANN401  # any of the events with these attributes
    """Whether the end that received is the server: the one with the lower port usually is."""
    return (e.local_port or 0) <= (e.remote_port or 0)


def socket_name(e: Any) -> str | None:  # noqa: ANN401  # any of the events with these attributes
    """``client:port->server:port``, ``address:port`` of a listening socket, or a unix socket's path."""
    if e.family == "unix":
        return e.path  # type: ignore[no-any-return]
    here = f"{e.local_ip}:{e.local_port}" if e.local_ip is not None else None
    if e.type in ("listen", "bind"):
        return here
    there = f"{e.remote_ip}:{e.remote_port}" if e.remote_ip is not None else None
    if here is None or there is None:
        return there or here
    inbound = e.type in ("accept", "accept4") or (e.type in RECEIVING and serves(e))
    return f"{there}->{here}" if inbound else f"{here}->{there}"


def together(arguments: Mapping[str, str | None]) -> str:
    """A call's arguments in one string."""
    return " ".join(f"{name}={'<NA>' if value is None else value}" for name, value in arguments.items())


def link_target(e: Any) -> str | None:  # noqa: ANN401  # an event of a symbolic link
    """The absolute path that a symbolic link leads to: a relative one starts where the link is."""
    target: str | None = e.text
    if target is None or target.startswith("/") or not e.path.startswith("/"):
        return target
    return normpath(join(dirname(e.path), target))


def variables(env: Sequence[str] | None) -> str | None:
    """The environment in one string."""
    return " ".join(env) if env else None


def variable(env: Sequence[str] | None, name: str) -> str | None:
    """The value of one variable of the environment."""
    for each in env or ():
        if each.startswith(name) and each[len(name) : len(name) + 1] == "=":
            return each[len(name) + 1 :]
    return None


def age(earlier: int | None, later: int | None) -> int | None:
    """The time between the two, if both are known."""
    return None if earlier is None or later is None else later - earlier


def exeline(p: Any) -> str | None:  # noqa: ANN401  # a process
    """The command line as it was given."""
    if p.exe is None:
        return None
    return f"{p.exe} {p.argline}" if p.argline else str(p.exe)


def argument(args: Sequence[str] | None, number: int) -> str | None:
    """An argument by its number, from 0."""
    return args[number] if args is not None and number < len(args) else None


def stdio_type(stdio: Sequence[Any], number: int) -> str | None:
    """The type of a standard descriptor."""
    descriptor = stdio[number] if number < len(stdio) else None
    return None if descriptor is None else descriptor.type


def stdio_name(stdio: Sequence[Any], number: int) -> str | None:
    """The path or connection behind a standard descriptor."""
    descriptor = stdio[number] if number < len(stdio) else None
    return (descriptor.name or None) if descriptor is not None else None


@lru_cache(_CACHED)
def repository(image: str | None) -> str | None:
    """An image's name without tag and digest; a port of the registry is no tag."""
    if image is None:
        return None
    name = image.partition("@")[0]
    return name[: name.rfind(":")] if name.rfind(":") > name.rfind("/") else name


def tag(image: str | None) -> str | None:
    """An image's tag."""
    if image is None:
        return None
    name = image.partition("@")[0]
    return name[name.rfind(":") + 1 :] if name.rfind(":") > name.rfind("/") else None


def moment(nanoseconds: int) -> str:
    """A time in ISO 8601 and UTC with nine digits of the second."""
    whole = datetime.fromtimestamp(nanoseconds // 10**9, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{nanoseconds % 10**9:09}"


def ancestor(p: Any, level: int) -> Any:  # noqa: ANN401  # processes
    """The process so many levels up."""
    for _ in range(level):
        p = p.parent
    return p


def ancestors(p: Any, attribute: str) -> Iterator[Any]:  # noqa: ANN401  # processes
    """An attribute of every known ancestor, the parent first."""
    while p.parent is not p:
        p = p.parent
        value = getattr(p, attribute)
        if value is not None:
            yield value


def leader(p: Any, attribute: str) -> Any:  # noqa: ANN401  # processes
    """The process itself or the highest of its ancestors in an unbroken line that share an attribute."""
    while p.parent is not p and getattr(p, attribute) is not None:
        if getattr(p.parent, attribute) != getattr(p, attribute):
            break
        p = p.parent
    return p


def plain(value: Any) -> Any:  # noqa: ANN401  # whatever a field can be
    """A value as JSON can hold it."""
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value


def printed(value: Any) -> str:  # noqa: ANN401  # the same
    """A value in an output; a missing one is ``<NA>``."""
    text = shown(value)
    return "<NA>" if text is None else text


def sized(value: Any, width: int) -> str:  # noqa: ANN401  # the same
    """A value in an output, cut or filled up to a width."""
    return printed(value)[:width].ljust(width)
