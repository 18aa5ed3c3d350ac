"""Microsoft Teams: a card in a channel, by a workflow that takes web requests."""

from dataclasses import dataclass

from pydantic import Field, SecretStr, field_validator

from notify.contract import Delivered, Outcome
from notify.message import Message
from notify.receivers.http import Http, HttpError, http, whole
from notify.receivers.settings import ReceiverSettings
from notify.render.teams import payload


class Settings(ReceiverSettings):
    """``teams``: the address of a workflow "Send webhook alerts to a channel"."""

    url: SecretStr = Field(description="the workflow's address, which holds its key")
    timeout: float = Field(30, description="seconds to wait for an answer", gt=0)

    _whole = field_validator("url")(whole)


def create(settings: Settings) -> "TeamsReceiver":
    """What posts to the workflow."""
    return TeamsReceiver(http("Teams", "", settings.timeout), settings.url)


@dataclass(frozen=True)
class TeamsReceiver:
    """A workflow gives no name to a message, so each is a card of its own; its title tells the incident."""

    http: Http
    url: SecretStr

    async def deliver(self, message: Message, thread: str) -> Outcome:  # it has no threads
        """Post a card."""
        try:
            await self.http.json("POST", self.url.get_secret_value(), payload(message))
        except HttpError as error:
            return error.outcome
        return Delivered()

    async def check(self) -> None:
        """A workflow cannot be asked anything without telling people."""

    async def close(self) -> None:
        """Close the connections."""
        await self.http.close()
