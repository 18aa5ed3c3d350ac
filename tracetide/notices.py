"""Messages to people as a sink: a detection is delivered when it is on disk, and will be told."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from notify.config import Config, load
from notify.contract import ReceiverError
from notify.document import ConfigError
from notify.service import Notifier, notifier
from notify.store import StoreError
from sinks.contract import Delivered, Outcome, SinkError
from tracetide.errors import CommandError
from wire.detection import Detection


def load_routes(path: Path) -> Config:
    """The file of routes; raises ``CommandError`` with everything that is wrong with it."""
    try:
        return load(path)
    except ConfigError as error:
        count = len(error.faults)
        raise CommandError(f"{path} cannot be used, {count} error{'s' * (count != 1)}:\n{error}") from error


async def reach(config: Config) -> list[tuple[str, str]]:
    """Every way to people, and why it cannot be gone; empty where it can."""
    found = []
    for target in (target for ways in config.receivers.values() for target in ways):
        receiver = target.open()
        try:
            await receiver.check()
            found.append((target.name, ""))
        except ReceiverError as error:
            found.append((target.name, str(error)))
        finally:
            await receiver.close()
    return found


@dataclass
class NoticeSink:
    """Hands detections to the notifier, which ``telling`` runs. Its name is that of the consumer group."""

    notifier: Notifier
    telling: "asyncio.Task[None]"
    name: str = "notify"

    async def deliver(self, detections: Sequence[Detection]) -> Sequence[Outcome]:
        """Keep them; a disk that takes nothing is an error, and the runner comes again."""
        if self.telling.done():
            raise SinkError(f"nobody is told any more: {self.telling.exception()!r}")
        self.notifier.take(detections)
        return [Delivered()] * len(detections)

    async def check(self) -> None:
        """Reach every receiver."""
        wrong = [f"{name}: {problem}" for name, problem in await reach(self.notifier.config) if problem]
        if wrong:
            raise SinkError("; ".join(wrong))

    async def close(self) -> None:
        """The notifier goes on as long as its block."""


@asynccontextmanager
async def notices(config: Config, state: Path) -> AsyncIterator[NoticeSink]:
    """Tell people until the end of the block; what is not told by then is when it begins again."""
    try:
        one = notifier(config, state)
    except StoreError as error:
        raise CommandError(str(error)) from error
    telling = asyncio.create_task(one.run())
    try:
        yield NoticeSink(one, telling)
    finally:
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling
        one.store.close()
