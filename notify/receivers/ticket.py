"""What trackers share: one ticket for an incident, found before it is made, commented, raised."""

from dataclasses import dataclass
from typing import Protocol

from notify.contract import Delivered, Outcome, ReceiverError
from notify.message import Message
from notify.receivers.http import Http, HttpError

# What a tracker answers for a ticket that was deleted.
_GONE = (404, 410)


class Tracker(Protocol):
    """A tracker of tickets. All raise ``HttpError``."""

    @property
    def http(self) -> Http:
        """The way to it."""

    async def find(self, label: str) -> str | None:
        """The ticket that has a label, open or not."""

    async def open(self, message: Message, label: str) -> str:
        """A new ticket with the label; its key."""

    async def comments(self, key: str) -> list[str]:
        """The latest comments of a ticket."""

    async def comment(self, key: str, message: Message, mark: str) -> None:
        """Add to a ticket; ``mark`` is a text to be in the comment."""

    async def raised(self, key: str, message: Message) -> None:
        """The incident has become more severe."""

    async def ready(self) -> None:
        """Reach the tracker, and see that we may write."""


@dataclass(frozen=True)
class Tickets:
    """A ticket for each incident. ``thread`` is the ticket's key.

    The label of a ticket is made from the incident: after a lost answer the ticket is found and not made
    twice. A comment has a mark made from the message, for the same reason.
    """

    tracker: Tracker

    async def deliver(self, message: Message, thread: str) -> Outcome:
        """Open a ticket, or add to it; one that somebody has deleted is opened anew."""
        label = f"tracetide-{message.incident}"
        try:
            if thread and await self._added(thread, message):
                return Delivered(thread)
            key = await self.tracker.find(label)
            if key and await self._added(key, message):
                return Delivered(key)
            return Delivered(await self.tracker.open(message, label))
        except HttpError as error:
            return error.outcome

    async def _added(self, key: str, message: Message) -> bool:
        """Add what is not there yet; False if there is no such ticket."""
        if not message.number:
            return True
        mark = f"tracetide [{message.id}]"
        try:
            if not any(mark in said for said in await self.tracker.comments(key)):
                await self.tracker.comment(key, message, mark)
            if message.raised:
                await self.tracker.raised(key, message)
        except HttpError as error:
            if error.status in _GONE:
                return False
            raise
        return True

    async def check(self) -> None:
        """Reach the tracker."""
        try:
            await self.tracker.ready()
        except HttpError as error:
            raise ReceiverError(str(error)) from None

    async def close(self) -> None:
        """Close the connections."""
        await self.tracker.http.close()


def rows(answer: object) -> list[dict[str, object]]:
    """The objects of a list that a tracker answers."""
    return [each for each in answer if isinstance(each, dict)] if isinstance(answer, list) else []
