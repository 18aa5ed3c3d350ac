"""What a receiver promises: it says what became of a message, and nothing more."""

from dataclasses import dataclass
from typing import Protocol

from notify.message import Message


@dataclass(frozen=True, slots=True)
class Delivered:
    """It is there. ``thread`` is what the next message of the incident needs to find its place."""

    thread: str = ""


@dataclass(frozen=True, slots=True)
class Retry:
    """Not now. ``after`` is the wish of the other side in seconds, if it had one."""

    reason: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Never:
    """It refuses this message for good."""

    reason: str


Outcome = Delivered | Retry | Never


class Receiver(Protocol):
    """A way to people. It never sleeps, never tries again and never drops: the delivery does."""

    async def deliver(self, message: Message, thread: str) -> Outcome:
        """Hand over a message. ``thread`` is what came of the last one of its incident; empty for the first.

        The same message may come again when its answer was lost. Raises nothing it can classify.
        """

    async def check(self) -> None:
        """Reach the other side without telling people anything; raises ``ReceiverError``."""

    async def close(self) -> None:
        """Let go of connections."""


class ReceiverError(Exception):
    """A receiver cannot be used: the message says which, why, and what to do. It holds no secret."""
