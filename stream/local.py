"""The runtime for one process: a source's batches through the engine, no broker in between."""

from collections.abc import AsyncIterable, Awaitable, Callable

from stream.engine import Engine
from wire.batch import Batch
from wire.detection import Detection

Receiver = Callable[[Detection], Awaitable[None]]


async def run(batches: AsyncIterable[Batch], engine: Engine, receive: Receiver) -> None:
    """Feed the engine until the source ends. A receiver that takes its time holds the source back."""
    async for batch in batches:
        for detection in engine.process(batch):
            await receive(detection)
