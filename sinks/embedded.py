"""Delivers the detections of this process: for each sink a bounded queue and a runner, no broker.

With a ``Store`` the queues are on disk, and what a destination did not take is delivered after a restart.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial

from sinks.contract import Sink
from sinks.counters import Counters
from sinks.runner import Item, Pace, Refusal, Runner
from sinks.store import DiskQueue, Store
from wire.detection import Detection

# Somebody may be looking at a terminal.
PROMPT = Pace(age=0.2)

Grave = Callable[[str, Detection, Refusal], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Delivery:
    """Hands a detection to every sink; call it with one. The runners have the counters."""

    queues: Sequence["Queue | DiskQueue"]
    runners: Sequence[Runner]

    async def __call__(self, detection: Detection) -> None:
        """Wait while a sink is too far behind; raises what a sink failed with for good."""
        for queue in self.queues:
            await queue.put(detection)


@asynccontextmanager
async def delivering(
    sinks: Sequence[Sink], bury: Grave, pace: Pace = PROMPT, store: Store | None = None
) -> AsyncIterator[Delivery]:
    """Deliver what the block hands over; ``bury`` gets (sink's name, detection, refusal) of what one refuses.

    The end of the block waits until everything is delivered; after an error or a cancellation at most
    ``pace.grace`` seconds. The sinks stay open. What waits for the sinks of ``store`` outlives the process.
    """
    counters = [Counters() for _ in sinks]
    queues = [
        store.queue(sink.name, count)
        if store and sink.name in store.sinks
        else Queue(partial(bury, sink.name))
        for sink, count in zip(sinks, counters, strict=True)
    ]
    runners = [
        Runner(sink, queue, pace, count) for sink, queue, count in zip(sinks, queues, counters, strict=True)
    ]
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
        for queue in queues:
            await queue.keep()


async def _run(runner: Runner, queue: "Queue | DiskQueue") -> None:
    try:
        await runner.run()
    except Exception as error:
        queue.fail(error)
        raise


@dataclass
class Queue:
    """A source of items that the same process fills; holds at most ``size``."""

    bury: Callable[[Detection, Refusal], Awaitable[None]]
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

    async def keep(self) -> None:
        """Nothing can be kept: what was not delivered ends with the process."""

    def pause(self) -> None:
        """Nothing is fetched ahead."""

    def resume(self) -> None:
        """The same."""

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
