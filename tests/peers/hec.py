"""Splunk's HTTP Event Collector as its documentation has it, to test what the sink makes of its answers.

Splunk itself cannot be had by the package registries; what others made of its protocol is in ``otel.py``.
This one can be told to be late, busy, full or forgetful. Nothing here is shared with the sink.
"""

import asyncio
import gzip
import json
import re
import time
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

TOKEN = "marker-hec-token"  # noqa: S105  # of this server alone
TEXTS = {
    0: (200, "Success"),
    1: (403, "Token disabled"),
    2: (401, "Token is required"),
    3: (401, "Invalid authorization"),
    4: (403, "Invalid token"),
    5: (400, "No data"),
    6: (400, "Invalid data format"),
    7: (400, "Incorrect index"),
    8: (500, "Internal server error"),
    9: (503, "Server is busy"),
    10: (400, "Data channel is missing"),
    11: (400, "Invalid data channel"),
    12: (400, "Event field is required"),
    13: (400, "Event field cannot be blank"),
    14: (400, "ACK is disabled"),
    15: (400, "Error in handling indexed fields"),
    16: (400, "Query string authorization is not enabled"),
    17: (200, "HEC is healthy"),
    18: (503, "HEC is unhealthy, queues are full"),
    19: (503, "HEC is unhealthy, ack service unavailable"),
    20: (503, "HEC is unhealthy, queues are full, ack service unavailable"),
    23: (503, "Server is shutting down"),
    24: (200, "Queue is approaching capacity"),
    25: (200, "Ack is approaching capacity"),
    26: (429, "Queue is at capacity"),
    27: (429, "Ack channel is at capacity"),
    28: (400, "Data channel is missing, or the load balancer is not sticky"),
}
GUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


@dataclass
class HecPeer:
    """``index`` is what was indexed, ``memory`` what was taken and is not on disk yet.

    ``ack_after`` is how long that takes in seconds, None for ever. ``script`` gives codes to answer instead
    of doing anything; ``busy_at`` the number of the event at which the server gets busy, once.
    """

    url: str = ""
    use_ack: bool = True
    indexes: tuple[str, ...] = ("main", "alerts")
    ack_after: float | None = 0.0
    largest: int = 1 << 30
    script: deque[int] = field(default_factory=deque)
    retry_after: str | None = None
    busy_at: int | None = None
    refuse: set[str] = field(default_factory=set)
    index: list[dict[str, Any]] = field(default_factory=list)
    memory: dict[tuple[str, int], tuple[float, list[dict[str, Any]]]] = field(default_factory=dict)
    requests: list[int] = field(default_factory=list)
    polls: int = 0
    _acks: dict[str, int] = field(default_factory=dict)
    _done: set[tuple[str, int]] = field(default_factory=set)

    def crash(self) -> None:
        """What was not on disk is gone, and nobody remembers a channel."""
        self.memory.clear()
        self._acks.clear()
        self._done.clear()

    async def events(self, request: web.Request) -> web.Response:
        """``/services/collector/event``."""
        if self.script:
            return self._said(self.script.popleft())
        channel = request.headers.get("X-Splunk-Request-Channel", "")
        if code := self._wrong(request, channel):
            return self._said(code)
        raw = await request.read()
        text = (
            raw
            if request.headers.get("Content-Encoding") != "gzip" or raw[:1] == b"{"
            else gzip.decompress(raw)
        )
        if len(text) > self.largest:
            return web.Response(status=413, text="<html>too large</html>")
        if not text.strip():
            return self._said(5)
        return self._take(channel, text.decode())

    async def acks(self, request: web.Request) -> web.Response:
        """``/services/collector/ack``."""
        self.polls += 1
        channel = request.headers.get("X-Splunk-Request-Channel", "")
        if code := self._wrong(request, channel):
            return self._said(code)
        if not self.use_ack:
            return self._said(14)
        asked: list[int] = json.loads(await request.read())["acks"]
        self._write()
        told = {str(ack): (channel, ack) in self._done for ack in asked}
        self._done -= {(channel, ack) for ack in asked}  # it is said once
        return web.json_response({"acks": told})

    async def health(self, _request: web.Request) -> web.Response:
        """``/services/collector/health``."""
        return self._said(17)

    def _wrong(self, request: web.Request, channel: str) -> int | None:
        given = request.headers.get("Authorization")
        if given is None:
            return 2
        kind, _, token = given.partition(" ")
        if kind != "Splunk" or not token:
            return 3
        if token != TOKEN:
            return 4
        if self.use_ack and not channel:
            return 10
        return 11 if channel and not GUID.fullmatch(channel) else None

    def _take(self, channel: str, text: str) -> web.Response:
        taken: list[dict[str, Any]] = []
        place, number = 0, 0
        while place < len(text):
            start, code = place, None
            try:
                envelope, place = json.JSONDecoder().raw_decode(text, place)
                place += len(text[place:]) - len(text[place:].lstrip())
                code = self._fault(envelope, text[start:place])
            except ValueError:
                code = 6
            if self.busy_at == number:
                self.busy_at, code = None, 9
            if code is not None:
                return self._said(code, **{"invalid-event-number": number, **self._keep(channel, taken)})
            taken.append(envelope)
            number += 1
        self.requests.append(len(taken))
        return self._said(0, **self._keep(channel, taken))

    def _fault(self, envelope: dict[str, Any], raw: str) -> int | None:
        if "event" not in envelope:
            return 12
        if envelope["event"] in ("", None) or envelope["event"] == {}:
            return 13
        if envelope.get("index") not in (None, *self.indexes):
            return 7
        moment = re.search(r'"time":\s*([^,}]+)', raw)
        flat = all(
            isinstance(value, str)
            or (isinstance(value, list) and all(isinstance(each, str) for each in value))
            for value in envelope.get("fields", {}).values()
        )
        if not flat or (moment and not re.fullmatch(r'"?\d+(\.\d+)?"?', moment[1])):
            return 15
        return 6 if envelope.get("fields", {}).get("detection_id") in self.refuse else None

    def _keep(self, channel: str, taken: list[dict[str, Any]]) -> dict[str, int]:
        if not self.use_ack:
            self.index += taken
            return {}
        ack = self._acks[channel] = self._acks.get(channel, -1) + 1
        self.memory[channel, ack] = (time.monotonic(), taken)
        self._write()
        return {"ackId": ack}

    def _write(self) -> None:
        """Bring to the disk what is old enough."""
        for place, (since, taken) in list(self.memory.items()):
            if self.ack_after is not None and time.monotonic() - since >= self.ack_after:
                self.index += taken
                self._done.add(place)
                del self.memory[place]

    def _said(self, code: int, **more: object) -> web.Response:
        status, text = TEXTS[code]
        headers = {"Server": "Splunkd"}
        if self.retry_after and status in (429, 503):
            headers["Retry-After"] = self.retry_after
        return web.json_response({"text": text, "code": code, **more}, status=status, headers=headers)


@pytest.fixture
async def hec() -> AsyncIterator[HecPeer]:
    """A collector that takes everything and acknowledges at once."""
    peer = HecPeer()
    application = web.Application(client_max_size=1 << 30)
    application.router.add_post("/services/collector/event", peer.events)
    application.router.add_post("/services/collector/ack", peer.acks)
    application.router.add_get("/services/collector/health", peer.health)
    runner = web.AppRunner(application, shutdown_timeout=0, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    peer.url = site.name
    try:
        yield peer
    finally:
        await runner.cleanup()
        await asyncio.sleep(0)
