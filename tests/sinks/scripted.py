"""A sink that answers as a test wants, and remembers what it was given."""

from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from sinks.contract import Delivered, Outcome
from wire.detection import Detection

Answer = Callable[[Sequence[Detection]], Awaitable[Sequence[Outcome]]]


@dataclass
class ScriptedSink:
    """``script`` has a function for each of the next calls; after that everything is delivered."""

    script: deque[Answer] = field(default_factory=deque)
    calls: list[list[str]] = field(default_factory=list)
    name: str = "scripted"
    at_once: int = 1

    async def deliver(self, detections: Sequence[Detection]) -> Sequence[Outcome]:
        """Follow the script."""
        self.calls.append([detection.id for detection in detections])
        if self.script:
            return await self.script.popleft()(detections)
        return [Delivered()] * len(detections)

    async def check(self) -> None:
        """Nothing to reach."""

    async def close(self) -> None:
        """Nothing to close."""
