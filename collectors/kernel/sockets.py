"""Finds out what a socket is from its inode number, by the tables in ``/proc/PID/net``."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from collectors.kernel.decode import AF_INET, AF_INET6, End
from collectors.kernel.descriptors import socket_descriptor
from wire.event import Descriptor

_TABLES = {"tcp": AF_INET, "udp": AF_INET, "tcp6": AF_INET6, "udp6": AF_INET6}


@dataclass(slots=True)
class Sockets:
    """The sockets of every network namespace that was asked for, each read once."""

    _namespaces: dict[int, dict[int, Descriptor]] = field(default_factory=dict)

    def find(self, process: Path, inode: int) -> Descriptor:
        """The socket with this inode that the process with this directory in ``/proc`` has open."""
        try:
            namespace = (process / "ns/net").stat().st_ino
            if namespace not in self._namespaces:
                self._namespaces[namespace] = dict(_internet(process / "net")) | dict(_unix(process / "net"))
        except OSError:
            return Descriptor("other", "", inode)
        return self._namespaces[namespace].get(inode, Descriptor("other", "", inode))


def _internet(net: Path) -> Iterator[tuple[int, Descriptor]]:
    for table, family in _TABLES.items():
        if not (net / table).exists():  # a kernel without IPv6
            continue
        for line in (net / table).read_text().splitlines()[1:]:
            fields = line.split()
            inode = int(fields[9])
            yield inode, socket_descriptor(inode, _end(family, fields[1]), _end(family, fields[2]))


def _end(family: int, text: str) -> End:
    """Address and port: hexadecimal, the address in words of the host's byte order."""
    address, _, port = text.partition(":")
    words = [int(address[at : at + 8], 16) for at in range(0, len(address), 8)]
    return End(family, struct.pack(f"={len(words)}I", *words), int(port, 16))


def _unix(net: Path) -> Iterator[tuple[int, Descriptor]]:
    for line in (net / "unix").read_bytes().decode(errors="backslashreplace").splitlines()[1:]:
        fields = line.split(maxsplit=7)
        yield int(fields[6]), Descriptor("unix", fields[7] if len(fields) > 7 else "", int(fields[6]))
