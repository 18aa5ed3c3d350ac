"""A relay for any protocol over TCP on which connections break, stall and end, from a seed."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from random import Random
from typing import Literal

Break = Literal["none", "refuse", "cut", "lost", "slow", "farewell", "stranger"]

# How often each of them happens to a connection, in parts of the whole.
ROUGH: Mapping[Break, int] = {
    "none": 10,
    "refuse": 15,  # nobody listens
    "cut": 20,  # after some bytes both ends are torn off
    "lost": 20,  # the server gets some bytes more, and its answers to them never arrive
    "slow": 20,  # a little at a time, and then as the next
    "farewell": 15,  # the client is told that this is the end, and what it has sent still arrives
}

# For a protocol without answers: what was taken over is passed on.
GENTLE: Mapping[Break, int] = {
    "none": 10,
    "refuse": 20,
    "slow": 25,
    "farewell": 30,
    "stranger": 15,  # another server answers, with a certificate that nobody knows
}

_MOST = 3 << 20
_PIECE = 1 << 16


@dataclass
class Relay:
    """``happened`` counts connections by what was done to them. ``elsewhere`` is the port of the stranger."""

    upstream: int
    random: Random
    chances: Mapping[Break, int]
    elsewhere: int = 0
    port: int = 0
    happened: Counter[Break] = field(default_factory=Counter)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        fault = self.random.choices(list(self.chances), list(self.chances.values()))[0]
        self.happened[fault] += 1
        try:
            if fault != "refuse":
                await self._pass_on(reader, writer, fault)
        except OSError:
            pass
        finally:
            writer.transport.abort()
            self.tasks.discard(task)

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, fault: Break
    ) -> None:
        port = self.elsewhere if fault == "stranger" else self.upstream
        there, back = await asyncio.open_connection("127.0.0.1", port)
        enough = None if fault in ("none", "stranger") else self.random.randrange(_MOST)
        answers = asyncio.create_task(_pump(there, writer))
        try:
            await _pump(reader, back, enough, pause=0.02 if fault == "slow" else 0)
            if fault == "lost":
                answers.cancel()
                with suppress(TimeoutError):
                    await asyncio.wait_for(_pump(reader, back), 0.5)
            elif fault in ("farewell", "slow"):
                writer.write_eof()
                await _pump(reader, back)
            if fault != "cut" and not back.transport.is_closing():
                back.write_eof()
                await asyncio.wait([answers], timeout=2)
        finally:
            answers.cancel()
            await asyncio.gather(answers, return_exceptions=True)
            back.transport.abort()


async def _pump(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, most: int | None = None, pause: float = 0
) -> None:
    """Pass on until the end, or ``most`` bytes."""
    passed = 0
    while most is None or passed < most:
        piece = await reader.read(_PIECE)
        if not piece:
            return
        writer.write(piece)
        await writer.drain()
        passed += len(piece)
        await asyncio.sleep(pause)


@asynccontextmanager
async def relayed(
    upstream: int, seed: int, chances: Mapping[Break, int] = ROUGH, *, port: int = 0, elsewhere: int = 0
) -> AsyncIterator[Relay]:
    """The relay in front of the server at ``upstream``, at ``port`` or one of its own."""
    relay = Relay(upstream, Random(seed), chances, elsewhere)  # noqa: S311  # the same every time is wanted
    server = await asyncio.start_server(relay.serve, "127.0.0.1", port)
    relay.port = server.sockets[0].getsockname()[1]
    try:
        yield relay
    finally:
        server.close()
        for task in relay.tasks:
            task.cancel()
        await asyncio.gather(*relay.tasks, return_exceptions=True)
        await server.wait_closed()
