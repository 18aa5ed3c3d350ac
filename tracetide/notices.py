"""Messages to people as a sink: a detection is delivered when it is on disk, and will be told."""

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from notify.config import Config, load
from notify.contract import Delivered as Taken
from notify.contract import ReceiverError
from notify.document import ConfigError
from notify.message import Message
from notify.receivers import Target
from notify.service import Notifier, notifier
from notify.store import StoreError
from notify.trial import trial
from sinks.contract import Delivered, Outcome, SinkError
from tracetide.errors import CommandError
from tracetide.following import Following
from wire.detection import Detection

_log = logging.getLogger(__name__)


def load_routes(path: Path) -> Config:
    """The file of routes; raises ``CommandError`` with everything that is wrong with it."""
    try:
        return load(path)
    except ConfigError as error:
        count = len(error.faults)
        raise CommandError(f"{path} cannot be used, {count} error{'s' * (count != 1)}:\n{error}") from error


def described(config: Config) -> str:
    """What is in a file, in a few words."""
    ways = sum(len(each) for each in config.receivers.values())
    return f"{len(config.receivers)} receivers, {ways} ways to people"


async def reach(config: Config) -> list[tuple[str, str]]:
    """Every way to people, and why it cannot be gone; empty where it can."""
    targets = [target for ways in config.receivers.values() for target in ways]
    problems = await asyncio.gather(*map(_reach, targets))
    return [(target.name, problem) for target, problem in zip(targets, problems, strict=True)]


async def send_trials(config: Config, receivers: Sequence[str]) -> list[tuple[str, str]]:
    """Send a test by every way of ``receivers``, and why one has not taken it; empty where it has."""
    now, host = time.time(), socket.gethostname()
    pairs = [
        (target, trial(config, name, host, now)) for name in receivers for target in config.receivers[name]
    ]
    problems = await asyncio.gather(*(_send(target, message) for target, message in pairs))
    return [(target.name, problem) for (target, _), problem in zip(pairs, problems, strict=True)]


async def _send(target: Target, message: Message) -> str:
    receiver = target.open()
    try:
        outcome = await receiver.deliver(message, "")
        return "" if isinstance(outcome, Taken) else outcome.reason
    finally:
        await receiver.close()


async def _reach(target: Target) -> str:
    receiver = target.open()
    try:
        await receiver.check()
    except ReceiverError as error:
        return str(error)
    finally:
        await receiver.close()
    return ""


@dataclass
class NoticeSink:
    """Hands detections to the notifier, which ``telling`` runs. Its name is that of the consumer group.

    ``following`` reads the files of routes again when they change.
    """

    notifier: Notifier
    telling: "asyncio.Task[None]"
    name: str = "notify"
    at_once: int = 1
    following: Following = field(init=False)

    def __post_init__(self) -> None:
        self.following = Following("routes", lambda: self.notifier.config.files, self.reload)

    async def reload(self) -> None:
        """Go on with the file as it is now, if it is right: all that is open or waits is on disk."""
        files = self.notifier.config.files
        try:
            config = await asyncio.to_thread(load, files[0])
        except ConfigError as error:
            _log.error("the new routes cannot be used, those before stay in use\n%s", error)
            return
        await self.end()
        self.notifier = replace(self.notifier, config=config)
        self.telling = asyncio.create_task(self.notifier.run())
        _log.warning("routes were loaded again: %s", described(config))

    async def end(self) -> None:
        """Tell nobody any more; what is being told is finished first."""
        self.telling.cancel()
        with suppress(asyncio.CancelledError):
            await self.telling

    async def deliver(self, detections: Sequence[Detection]) -> Sequence[Outcome]:
        """Keep them; a disk that takes nothing is an error, and the runner comes again."""
        if self.telling.done() and not self.telling.cancelled():
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
    sink = NoticeSink(one, asyncio.create_task(one.run()))
    try:
        async with sink.following.running():
            yield sink
    finally:
        await sink.end()
        one.store.close()
