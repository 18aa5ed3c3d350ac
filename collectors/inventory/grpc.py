"""Single calls of gRPC over a unix socket: a request and an answer each, on httpx with HTTP/2.

https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from collectors.inventory.protobuf import Message, Value, decode, encode

if TYPE_CHECKING:
    import httpx

_TIMEOUT = 5.0
_HEADERS = {"content-type": "application/grpc", "te": "trailers"}
_PREFIX = struct.Struct(">?I")

NOT_FOUND = 5
UNIMPLEMENTED = 12


class CallError(Exception):
    """A call that the server answered with a status other than OK."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True, slots=True)
class Channel:
    """A connection to a server of one service."""

    client: httpx.AsyncClient
    service: str

    async def call(self, method: str, request: Mapping[int, Value | list[Value]]) -> Message:
        """Call a method; raises ``CallError`` for a bad status, ``ValueError`` for an answer that is none."""
        data = encode(request)
        answer = await self.client.post(
            f"/{self.service}/{method}", content=_PREFIX.pack(False, len(data)) + data, headers=_HEADERS
        )
        answer.raise_for_status()
        # A server that fails says so in the headers, because no answer follows.
        status = int(answer.headers.get("grpc-status", "0"))
        if status:
            raise CallError(status, unquote(answer.headers.get("grpc-message", "")) or f"status {status}")
        body = answer.content
        if len(body) < _PREFIX.size:
            raise ValueError("the call ended without an answer")
        compressed, size = _PREFIX.unpack_from(body)
        if compressed or len(body) != _PREFIX.size + size:
            raise ValueError("the answer is compressed or cut off")
        return decode(body[_PREFIX.size :])


@asynccontextmanager
async def channel(socket: Path, service: str) -> AsyncIterator[Channel]:
    """A channel that is closed at the end of the block."""
    import httpx  # noqa: PLC0415  # 10 MB that a host without this socket need not have

    # Nothing is encrypted here, so that no certificates have to be loaded; nor does a proxy apply.
    transport = httpx.AsyncHTTPTransport(uds=str(socket), verify=False, http1=False, http2=True)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost", timeout=_TIMEOUT, trust_env=False
    ) as client:
        yield Channel(client, service)
