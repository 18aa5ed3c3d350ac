"""Discord: a message by a webhook; in a forum each incident is a thread of its own."""

from dataclasses import dataclass
from typing import Any

from pydantic import Field, SecretStr, field_validator

from notify.contract import Delivered, Outcome, ReceiverError
from notify.message import Message
from notify.receivers.http import Http, HttpError, http, whole
from notify.receivers.settings import ReceiverSettings
from notify.render.chat import headline
from notify.render.markdown import chat

# Discord takes 2000 characters in a message, and 100 in a thread's name.
_LONGEST, _NAME = 1990, 100


class Settings(ReceiverSettings):
    """``discord``: the address of a webhook."""

    url: SecretStr = Field(description="the webhook's address, which holds its key")
    forum: bool = Field(False, description="whether its channel is a forum: each incident is a thread then")
    timeout: float = Field(30, description="seconds to wait for an answer", gt=0)

    _whole = field_validator("url")(whole)


def create(settings: Settings) -> "DiscordReceiver":
    """What posts by the webhook."""
    return DiscordReceiver(http("Discord", "", settings.timeout), settings)


@dataclass(frozen=True)
class DiscordReceiver:
    """``thread`` is the id of the thread, in a forum. Nobody is mentioned, whatever a text says."""

    http: Http
    settings: Settings

    async def deliver(self, message: Message, thread: str) -> Outcome:
        """Post, and wait for Discord to say that it is there."""
        body: dict[str, Any] = {
            "content": chat(message, _LONGEST),
            "allowed_mentions": {"parse": []},
            "flags": 4,  # no previews of links
        }
        query = {"wait": "true"}
        if self.settings.forum and thread:
            query["thread_id"] = thread
        elif self.settings.forum:
            body["thread_name"] = headline(message)[:_NAME]
        try:
            answer = await self.http.json("POST", self.settings.url.get_secret_value(), body, query)
        except HttpError as error:
            if "thread_id" in query and error.status in (400, 404):  # somebody has deleted the thread
                return await self.deliver(message, "")
            return error.outcome
        began = str(answer.get("channel_id", "")) if isinstance(answer, dict) else ""
        return Delivered(thread or began if self.settings.forum else "")

    async def check(self) -> None:
        """Ask for the webhook."""
        try:
            await self.http.json("GET", self.settings.url.get_secret_value())
        except HttpError as error:
            raise ReceiverError(str(error)) from None

    async def close(self) -> None:
        """Close the connections."""
        await self.http.close()
