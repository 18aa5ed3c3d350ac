"""A proxy in front of an HTTP server that does what networks and servers do on bad days, from a seed.

It passes requests on one at a time and bytes as they are; between a sink and a real server it takes the place
of everything that can break there.
"""

import asyncio
import contextlib
import json
import re
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Literal

from tests.peers.halves import halves

Fault = Literal["none", "cut", "lost", "busy", "busy_wish", "down", "slow", "no_news", "half", "stranger"]

# How often each of them happens, in parts of the whole.
USUAL: Mapping[Fault, int] = {
    "none": 60,
    "cut": 8,  # the connection breaks in the middle of the request's body
    "lost": 8,  # the server does what it is asked, and its answer never arrives
    "busy": 6,  # 429
    "busy_wish": 6,  # 429 with a Retry-After
    "down": 6,  # 503
    "slow": 6,  # the answer comes in drops
}

# With these too, where the server takes many at a time and the proxy speaks TLS.
ALL: Mapping[Fault, int] = {
    **USUAL,
    "half": 8,  # the server takes the first half of a request and is busy then
    "stranger": 4,  # the connection breaks, and the next one meets a certificate that nobody knows
}


@dataclass
class Faults:
    """``happened`` counts what was done. ``stranger`` is the certificate that is not to be trusted."""

    upstream: int
    random: Random
    chances: Mapping[Fault, int] = field(default_factory=lambda: USUAL)
    stranger: ssl.SSLContext | None = None
    port: int = 0
    happened: Counter[Fault] = field(default_factory=Counter)
    connections: set[asyncio.StreamWriter] = field(default_factory=set)
    _masked: bool = False

    def greet(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        """Choose the certificate of a new connection."""
        if self._masked and self.stranger is not None:
            connection.context = self.stranger
        self._masked = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, request after request."""
        self.connections.add(writer)
        try:
            while await self._request(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            writer.transport.abort()
        finally:
            self.connections.discard(writer)
            writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Whether the connection can take another one."""
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        size = int(length[1]) if length else 0
        fault = self._choose(head)
        self.happened[fault] += 1
        if fault == "stranger":
            self._masked = True
            writer.transport.abort()
            return False
        if fault == "cut":
            half = await reader.readexactly(size // 2)
            with contextlib.suppress(OSError):
                await self._ask(head, half, whole=False)
            writer.transport.abort()
            return False
        body = await reader.readexactly(size)
        if fault == "lost":
            await self._ask(head, body)
            writer.transport.abort()
            return False
        if fault in ("none", "slow"):
            answer = await self._ask(head, body)
        elif fault == "half":
            first, finish = halves(head, body)
            answer = finish(await self._ask(*first))
        else:
            answer = _own(fault, body)
        for drop in _drops(answer, 20 if fault == "slow" else 1):
            writer.write(drop)
            await writer.drain()
            await asyncio.sleep(0.02 if fault == "slow" else 0)
        return fault not in ("none", "slow")  # a server's answer ends with its connection

    def _choose(self, head: bytes) -> Fault:
        chances = dict(self.chances)
        if b"/ack " not in head and b"/ack?" not in head:
            chances.pop("no_news", None)
        if not any(path in head for path in (b"/_bulk", b"/collector/event")):
            chances.pop("half", None)
        names: Sequence[Fault] = list(chances)
        return self.random.choices(names, list(chances.values()))[0]

    async def _ask(self, head: bytes, body: bytes, *, whole: bool = True) -> bytes:
        """The server's whole answer; with less than the whole body none is waited for."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.upstream)
        try:
            lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
            writer.write(b"\r\n".join([lines[0], b"Connection: close", *lines[1:]]) + body)
            await writer.drain()
            return await reader.read() if whole else b""
        finally:
            writer.transport.abort()


def _own(fault: Fault, body: bytes) -> bytes:
    """An answer that does not come from the server."""
    if fault == "no_news":
        told = json.dumps({"acks": {str(ack): False for ack in json.loads(body)["acks"]}}).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(told), told)
    status = b"503 Service Unavailable" if fault == "down" else b"429 Too Many Requests"
    wish = b"Retry-After: 1\r\n" if fault == "busy_wish" else b""
    return b"HTTP/1.1 %b\r\n%bContent-Length: 0\r\n\r\n" % (status, wish)


def _drops(answer: bytes, count: int) -> list[bytes]:
    size = max(1, -(-len(answer) // count))
    return [answer[start : start + size] for start in range(0, len(answer), size)]


@asynccontextmanager
async def faulty(
    upstream: int,
    seed: int,
    chances: Mapping[Fault, int] = USUAL,
    *,
    trusted: ssl.SSLContext | None = None,
    stranger: ssl.SSLContext | None = None,
) -> AsyncIterator[Faults]:
    """The proxy at a port of its own in front of the one at ``upstream``; with ``trusted`` it speaks TLS."""
    faults = Faults(upstream, Random(seed), chances, stranger)  # noqa: S311  # the same every time is wanted
    if trusted is not None:
        trusted.sni_callback = faults.greet
    server = await asyncio.start_server(faults.serve, "127.0.0.1", 0, limit=1 << 24, ssl=trusted)
    faults.port = server.sockets[0].getsockname()[1]
    try:
        yield faults
    finally:
        server.close()
        for connection in faults.connections:
            connection.transport.abort()
        await server.wait_closed()
