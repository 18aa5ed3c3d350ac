"""A real HTTP server on loopback whose answers the test decides, and which remembers what it was asked."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp import web


@dataclass(frozen=True)
class Answer:
    """What to answer. ``cut`` breaks the connection instead of answering."""

    status: int = 200
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut: bool = False


@dataclass(frozen=True)
class Request:
    """What was asked, header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class HttpPeer:
    """``script`` gives the next answers in turn; when it is used up every answer is ``otherwise``."""

    url: str = ""
    script: deque[Answer] = field(default_factory=deque)
    otherwise: Answer = Answer()
    requests: list[Request] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Handle any request."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append(Request(request.method, request.path_qs, headers, await request.read()))
        answer = self.script.popleft() if self.script else self.otherwise
        await asyncio.sleep(answer.delay)
        if answer.cut and request.transport is not None:
            request.transport.abort()
        return web.Response(status=answer.status, text=answer.body, headers=answer.headers)


@pytest.fixture
async def http_peer() -> AsyncIterator[HttpPeer]:
    """A server that answers 200 until the test says otherwise."""
    peer = HttpPeer()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", peer.answer)
    runner = web.AppRunner(application, shutdown_timeout=0, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    peer.url = site.name
    try:
        yield peer
    finally:
        await runner.cleanup()
