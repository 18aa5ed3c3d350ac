"""What a source of events promises to whoever reads from it."""

from collections.abc import AsyncIterator
from typing import Protocol

from wire.batch import MAX_EVENTS, Batch

# Numbers that are left free before the first event of each batch of a host: as many containers can be
# described before it as there can be in it.
SPARE = MAX_EVENTS


class CollectorError(Exception):
    """A source cannot be opened or read on: the message says what is wrong, where, and what to do."""


class Source(Protocol):
    """Where event batches come from: the kernel of this host, or a recording."""

    def batches(self) -> AsyncIterator[Batch]:
        """Batches in the order of their sequence numbers, as soon as they are there.

        Ends when the source ends; cancelling the reader closes the source and leaves nothing behind.
        Raises ``CollectorError`` when it cannot go on; what was yielded before stays good.
        """
