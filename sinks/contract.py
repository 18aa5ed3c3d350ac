"""What a destination promises: it says what became of each detection, and nothing more."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from wire.detection import Detection


@dataclass(frozen=True, slots=True)
class Delivered:
    """The destination has it and has acknowledged that."""


@dataclass(frozen=True, slots=True)
class Duplicate:
    """The destination had it already; as good as delivered."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Not now. ``after`` is the destination's own wish in seconds, if it had one."""

    reason: str
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Never:
    """The destination refuses this one for good; it goes to the dead letters with the reason."""

    reason: str


Outcome = Delivered | Duplicate | Retry | Never


class Sink(Protocol):
    """A destination for detections. It never sleeps, never retries and never drops: the runner does."""

    @property
    def name(self) -> str:
        """As it is registered."""

    @property
    def at_once(self) -> int:
        """How many calls of ``deliver`` it takes at a time. With more than one their order is lost."""

    async def deliver(self, detections: Sequence[Detection]) -> Sequence[Outcome]:
        """Hand over the detections; one outcome for each, in their order. Raises nothing it can classify."""

    async def check(self) -> None:
        """Reach the destination and make sure that it may be written; raises ``SinkError``."""

    async def close(self) -> None:
        """Let go of connections and files."""


class SinkError(Exception):
    """A destination cannot be used: the message says which, why, and what to do. It holds no secret."""
