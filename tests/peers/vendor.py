"""What servers have in common that stand for chats, pagers and trackers, on loopback.

Each checks what the real one checks, keeps what it is given, and can fail: before the work is done, after
it, or with the answer that the real one gives when it is asked too often.
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

TOKEN = "marker-d41d8cd98f"  # noqa: S105  # of servers on loopback


Json = dict[str, Any]


@dataclass(frozen=True)
class Trouble:
    """What goes wrong with a request: an answer instead of the work, or no answer after it (``lost``).

    ``before`` and ``after`` are seconds that pass before the work, and between the work and the answer.
    """

    status: int = 503
    headers: Json = field(default_factory=dict)
    lost: bool = False
    before: float = 0.0
    after: float = 0.0


@dataclass
class Vendor:
    """A service. ``troubles`` are those of the next requests that write; ``asked`` counts slow ones."""

    url: str = ""
    troubles: deque[Trouble] = field(default_factory=deque)
    asked: int = 0
    things: list[Json] = field(default_factory=list)
    notes: list[Json] = field(default_factory=list)

    def writes(self, request: web.Request) -> bool:
        """Whether a request changes anything."""
        return request.method != "GET"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Do what is asked, unless there is trouble."""
        trouble = self.troubles.popleft() if self.troubles and self.writes(request) else None
        if trouble and (trouble.before or trouble.after):
            return await self._slowly(request, trouble)
        if trouble and not trouble.lost:
            return web.json_response({"message": "no"}, status=trouble.status, headers=trouble.headers)
        body = json.loads(await request.read() or b"null")
        status, answer = self.work(request, body)
        if trouble and request.transport is not None:
            request.transport.abort()
        return web.json_response(answer, status=status) if answer is not None else web.Response(status=status)

    async def _slowly(self, request: web.Request, trouble: Trouble) -> web.StreamResponse:
        """Do what is asked, even if whoever asked is gone by then."""
        body = json.loads(await request.read() or b"null")
        self.asked += 1
        await asyncio.sleep(trouble.before)
        status, answer = self.work(request, body)
        await asyncio.sleep(trouble.after)
        return web.json_response(answer, status=status)

    def work(self, request: web.Request, body: Any) -> tuple[int, Any]:  # noqa: ANN401  # any JSON
        """The service itself."""
        raise NotImplementedError

    def close(self, thing: Json) -> None:
        """Close a ticket, as a person would."""
        thing["state"] = "closed"

    @staticmethod
    def is_closed(thing: Json) -> bool:
        """Whether a ticket is closed."""
        return bool(thing["state"] == "closed")


@asynccontextmanager
async def serving(made: Vendor) -> AsyncIterator[Vendor]:
    """A service at an address of its own."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", made.serve)
    runner = web.AppRunner(application, shutdown_timeout=0, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = site.name
    try:
        yield made
    finally:
        await runner.cleanup()
        await asyncio.sleep(0)
