"""What trackers share: one ticket for an incident, found before it is made, commented, raised, reopened."""

from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

from pydantic import Field

from notify.contract import Delivered, Never, Outcome, ReceiverError, Retry
from notify.message import Message
from notify.receivers.http import Http, HttpError
from notify.receivers.settings import ReceiverSettings

Closed = Literal["reopen", "follow", "comment"]

# What a tracker answers for a ticket that was deleted, and for a change that its workflow does not have.
_GONE = (404, 410)
_NO_WAY = (400, 403, 405, 409, 422)


class TicketSettings(ReceiverSettings):
    """What all trackers let one choose."""

    settles: ClassVar[float] = 10.0
    closed: Closed = Field(
        "reopen",
        description="what news of an incident does to its ticket that somebody has closed: reopen it, "
        "follow with a new ticket, or only comment. One that cannot be reopened is followed",
    )


class Tracker(Protocol):
    """A tracker of tickets. All raise ``HttpError``."""

    @property
    def http(self) -> Http:
        """The way to it."""

    async def find(self, label: str) -> str | None:
        """The ticket that has a label, open or not."""

    async def open(self, message: Message, label: str) -> str:
        """A new ticket with the label; its key."""

    async def closed(self, key: str) -> bool:
        """Whether nobody works on the ticket any more."""

    async def reopen(self, key: str) -> None:
        """Have it worked on again."""

    async def comments(self, key: str) -> list[str]:
        """The latest comments of a ticket, or what tells them apart."""

    async def comment(self, key: str, message: Message, mark: str) -> None:
        """Add to a ticket; ``mark`` is a text to be in what ``comments`` gives of it."""

    async def raised(self, key: str, message: Message) -> None:
        """The incident has become more severe."""

    async def ready(self) -> None:
        """Reach the tracker, and see that we may write."""


@dataclass(frozen=True)
class Tickets:
    """A ticket for each incident. ``thread`` is the ticket's key.

    The label of a ticket is made from the incident, or from the message that follows a closed one: after a
    lost answer the ticket is found and not made twice. A comment has a mark made from the message, for the
    same reason.
    """

    tracker: Tracker
    settings: TicketSettings

    async def deliver(self, message: Message, thread: str) -> Outcome:
        """Open a ticket, or add to it; one that somebody has deleted is opened anew."""
        label = f"tracetide-{message.incident}"
        try:
            if thread and (there := await self._added(thread, message)):
                return Delivered(there)
            key = await self.tracker.find(label)
            if key and (there := await self._added(key, message)):
                return Delivered(there)
            return Delivered(await self.tracker.open(message, label))
        except HttpError as error:
            return self._settled(error)

    def _settled(self, error: HttpError) -> Outcome:
        """What is wrong, and when to ask again: without an answer of its own the tracker may be busy yet."""
        outcome = error.outcome
        if isinstance(outcome, Never) or 0 < error.status < 500:
            return outcome
        return Retry(outcome.reason, max(self.settings.settles, outcome.after or 0.0))

    async def _added(self, key: str, message: Message) -> str:
        """Add what is not there yet; the ticket that has it, none if that one does not exist."""
        if not message.number:
            return key
        try:
            closed = await self.tracker.closed(key)
            if closed and message.kind != "reminder" and not await self._worked_on(key):
                return await self._follow(message)
            mark = f"tracetide [{message.id}]"
            if not any(mark in said for said in await self.tracker.comments(key)):
                await self.tracker.comment(key, message, mark)
            if message.raised:
                await self.tracker.raised(key, message)
        except HttpError as error:
            if error.status in _GONE:
                return ""
            raise
        return key

    async def _worked_on(self, key: str) -> bool:
        """Whether a closed ticket can take news, reopened if that is wanted."""
        if self.settings.closed != "reopen":
            return self.settings.closed == "comment"
        try:
            await self.tracker.reopen(key)
        except HttpError as error:
            if error.status not in _NO_WAY:
                raise
            return False
        return True

    async def _follow(self, message: Message) -> str:
        """A ticket after a closed one."""
        label = f"tracetide-{message.id}"
        return await self.tracker.find(label) or await self.tracker.open(message, label)

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


def part(answer: object, *names: str) -> object:
    """What an answer has below these names; None where it has not."""
    for name in names:
        answer = answer.get(name) if isinstance(answer, dict) else None
    return answer
