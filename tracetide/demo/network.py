"""The attacker's end of the wire: sockets in the container's own network, which has nothing but loopback."""

import asyncio
import ctypes
import os
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

_CLONE_NEWNET = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)


def listen(pid: int, port: int) -> socket.socket:
    """A listening socket on loopback in the network of process ``pid``."""
    return _inside(pid, lambda: socket.create_server(("127.0.0.1", port)))


def connect(pid: int, port: int) -> socket.socket:
    """A connection to loopback in the network of process ``pid``; raises ``OSError`` if nobody listens."""
    return _inside(pid, lambda: socket.create_connection(("127.0.0.1", port), timeout=5))


async def request(pid: int, port: int, target: str, body: str = "", patience: float = 10) -> str:
    """The whole answer, head and content, to an HTTP request in the network of process ``pid``.

    A GET, or a POST if there is a ``body``.
    """
    head = [f"{'POST' if body else 'GET'} {target} HTTP/1.0", "Host: shop", "User-Agent: Mozilla/5.0"]
    if body:
        head.append(f"Content-Length: {len(body.encode())}")
    reader, writer = await asyncio.open_connection(sock=connect(pid, port))
    try:
        writer.write("\r\n".join([*head, "", body]).encode())
        await writer.drain()
        return (await asyncio.wait_for(reader.read(), patience)).decode(errors="replace")
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


def _inside(pid: int, make: Callable[[], socket.socket]) -> socket.socket:
    """Let a thread enter the network and make the socket, which stays there when the thread has ended."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(_enter, pid, make).result()


def _enter(pid: int, make: Callable[[], socket.socket]) -> socket.socket:
    network = os.open(Path("/proc", str(pid), "ns/net"), os.O_RDONLY)
    try:
        if _libc.setns(network, _CLONE_NEWNET):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(network)
    return make()
