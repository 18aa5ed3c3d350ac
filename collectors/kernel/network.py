"""Decodes the records of ``network.bpf.c``: connect, accept, bind, listen, and what is sent and received."""

from __future__ import annotations

import struct
from typing import Literal

import msgspec

from collectors.kernel.decode import AF_UNIX, TICK, Context, End, family_of, unix_path
from collectors.kernel.layout import SOCKET, compiled
from wire.event import Socket

_SOCKET = compiled(SOCKET)

# struct sockaddr_in and struct sockaddr_in6: the family in the host's order, the port in the network's.
_FAMILY = struct.Struct("=H")
_PORT = struct.Struct("!2xH")
_ADDRESSES = {2: slice(4, 8), 10: slice(8, 24)}

_SOCK_RAW = 3
_TRANSFERS = frozenset({"sendto", "sendmsg", "recvfrom", "recvmsg"})
_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp"}


def socket(
    context: Context,
    name: Literal[
        "connect", "accept", "accept4", "bind", "listen", "sendto", "sendmsg", "recvfrom", "recvmsg"
    ],
    seq: int,
    data: bytes,
    at: int,
    _end: int,
) -> Socket:
    """A system call on a socket, successful or not."""
    (
        time, start, cgroup, pid, tid, uid, _, comm, result, size, fd, address_size, data_size,
        local_address, remote_address, local_port, remote_port, family, kind, protocol,
    ) = _SOCKET.unpack_from(data, at)  # fmt: skip
    address_at = at + _SOCKET.size
    data_at = address_at + address_size
    address = data[address_at:data_at]
    local, remote = End(family, local_address, local_port), End(family, remote_address, remote_port)
    # A socket that failed to connect or bind has no such end any more; the program said what it was to be.
    if name == "connect" and remote_port == 0:
        remote = _passed(address, remote)
    elif name == "bind" and result < 0:
        local = _passed(address, local)
    connected, named = True, False
    if name in _TRANSFERS:
        peer, remote = remote, _passed(address, remote)
        connected, named = peer.known, remote != peer
    unix, raw = family == AF_UNIX, kind == _SOCK_RAW
    event = Socket(
        type=name,
        seq=seq,
        time=time + context.epoch,
        pid=pid,
        tid=tid,
        start=start - start % TICK,
        comm=context.comm(comm),
        uid=uid,
        cgroup=cgroup,
        result=result,
        fd=fd,
        family="unix" if unix else family_of(local, remote),
        proto=None if unix else "raw" if raw else _PROTOCOLS.get(protocol),
        connected=connected,
        named=named,
    )
    return msgspec.structs.replace(
        event,
        local_ip=local.ip if local.known else None,
        local_port=local.port if local.known and not raw else None,
        remote_ip=remote.ip if remote.known else None,
        remote_port=remote.port if remote.known and not raw else None,
        path=unix_path(address) if unix else None,
        size=size,
        data=data[data_at : data_at + data_size] if data_size else None,
    )


def _passed(address: bytes, otherwise: End) -> End:
    """The end named by a struct sockaddr, if it is one that can be read."""
    if len(address) < _FAMILY.size:
        return otherwise
    (family,) = _FAMILY.unpack_from(address)
    where = _ADDRESSES.get(family)
    if where is None or len(address) < where.stop:
        return otherwise
    return End(family, address[where], _PORT.unpack_from(address)[0])
