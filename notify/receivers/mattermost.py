"""Mattermost: a post in a channel, and what comes later in its thread."""

from dataclasses import dataclass

from pydantic import Field, SecretStr

from notify.contract import Delivered, Outcome, ReceiverError
from notify.message import Message
from notify.receivers.http import Http, HttpError, http
from notify.receivers.settings import ReceiverSettings
from notify.render.markdown import chat


class Settings(ReceiverSettings):
    """``mattermost``: a bot's token, and a channel that it is in."""

    url: str = Field(description="the server's address, such as https://mattermost.example.org")
    token: SecretStr = Field(description="the bot's token")
    channel: str = Field(description="the channel's id, of 26 characters", pattern="^[a-z0-9]{26}$")
    timeout: float = Field(30, description="seconds to wait for an answer", gt=0)


def create(settings: Settings) -> "MattermostReceiver":
    """What posts to the channel."""
    headers = {"Authorization": f"Bearer {settings.token.get_secret_value()}"}
    base = settings.url.rstrip("/") + "/api/v4/"
    return MattermostReceiver(http("Mattermost", base, settings.timeout, headers), settings.channel)


@dataclass(frozen=True)
class MattermostReceiver:
    """``thread`` is the id of the first post. ``pending_post_id`` tells one that comes again."""

    http: Http
    channel: str

    async def deliver(self, message: Message, thread: str) -> Outcome:
        """Post."""
        body = {"channel_id": self.channel, "message": chat(message), "root_id": thread}
        try:
            answer = await self.http.json("POST", "posts", {**body, "pending_post_id": message.id})
        except HttpError as error:
            if thread and error.status in (400, 404):  # somebody has deleted the first post
                return await self.deliver(message, "")
            return error.outcome
        return Delivered(thread or (str(answer.get("id", "")) if isinstance(answer, dict) else ""))

    async def check(self) -> None:
        """Ask for the channel."""
        try:
            await self.http.json("GET", f"channels/{self.channel}")
        except HttpError as error:
            raise ReceiverError(str(error)) from None

    async def close(self) -> None:
        """Close the connections."""
        await self.http.close()
