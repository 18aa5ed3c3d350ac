"""Delivers the detections of this process: for each sink a bounded queue and a runner, no broker."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

from sinks.contract import Sink
from sinks.runner import Item, Pace, Runner
from wire.detection import Detection

# Somebody may be looking at a terminal.
PROMPT = Pace(age=0.2)

Grave = Callable[[str, Detection, str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Delivery:
    """Hands a detection to every sink; call it with one. The runners have the counters."""

    queues: Sequence["Queue"]
    runners: Sequence[Runner]

    async def __call__(self, detection: Detection) -> None:
        """Wait while a sink is too far behind; raises what a sink failed with for good."""
        for queue in self.queues:
            await queue.put(detection)


@asynccontextmanager
async def delivering(sinks: Sequence[Sink], bury: Grave, pace: Pace = PROMPT) -> AsyncIterator[Delivery]:
    """Deliver what the block hands over; ``bury`` gets (sink's name, detection, reason) of what one refuses.

    The end of the block waits until everything is delivered; after an error or a cancellation at most
    ``pace.grace`` seconds. The sinks stay open.
    """
    queues = [Queue(partial(bury, sink.name)) for sink in sinks]
    runners = [Runner(sink, queue, pace) for sink, queue in zip(sinks, queues, strict=True)]
    tasks = [asyncio.create_task(_run(runner, queue)) for runner, queue in zip(runners, queues, strict=True)]
    try:
        yield Delivery(queues, runners)
        for queue in queues:
            queue.close()
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _run(runner: Runner, queue: "Queue") -> None:
    try:
        await runner.run()
    except Exception as error:
        queue.fail(error)
        raise


@dataclass
class Queue:
    """A source of items that the same process fills; holds at most ``size``."""

    bury: Callable[[Detection, str], Awaitable[None]]
    size: int = 10_000
    _waiting: deque[Detection] = field(default_factory=deque)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _closed: bool = False
    _error: Exception | None = None

    async def put(self, detection: Detection) -> None:
        """Wait for room; raises what its reader failed with."""
        while len(self._waiting) >= self.size and self._error is None:
            await self._change()
        if self._error is not None:
            raise self._error
        self._waiting.append(detection)
        self._changed.set()

    async def take(self, limit: int, seconds: float) -> Sequence[Item] | None:
        """See ``Source``."""
        if not self._waiting and not self._closed:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._change(), seconds)
        taken = [self._waiting.popleft() for _ in range(min(limit, len(self._waiting)))]
        self._changed.set()
        if not taken and self._closed:
            return None
        return [Item(detection, _nothing, partial(self.bury, detection)) for detection in taken]

    async def commit(self) -> None:
        """There is nobody to tell."""

    def close(self) -> None:
        """See ``Source``."""
        self._closed = True
        self._changed.set()

    def fail(self, error: Exception) -> None:
        """Let nobody wait for a reader that is gone."""
        self._error = error
        self._changed.set()

    async def _change(self) -> None:
        self._changed.clear()
        await self._changed.wait()


def _nothing() -> None:
    """A queue in memory has nothing to keep for a restart."""
