"""Apprise: a hundred services more, each by an address of its own; it comes with ``tracetide[apprise]``."""

import asyncio
import logging
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from pydantic import Field, SecretStr, field_validator

from notify.contract import Delivered, Outcome, Retry
from notify.escape import inert
from notify.message import Message
from notify.receivers.settings import ReceiverSettings
from notify.render.text import subject, text

if TYPE_CHECKING:
    from apprise import Apprise

# Apprise's kinds of messages, which many services give a colour.
_KINDS = {"critical": "failure", "high": "failure", "medium": "warning", "low": "info"}

# What they log has addresses in it, and those have keys.
_TALKATIVE = ("apprise", "urllib3", "requests_oauthlib")


class Settings(ReceiverSettings):
    """``apprise``: an address of Apprise."""

    url: SecretStr = Field(description="the address as Apprise writes it, such as pover://user@token")

    @field_validator("url")
    @classmethod
    def _known(cls, url: SecretStr) -> SecretStr:
        if find_spec("apprise") is None:
            raise ValueError("Apprise is not installed: pip install 'tracetide[apprise]'")
        _opened(url)
        return url


def create(settings: Settings) -> "AppriseReceiver":
    """What sends to the address."""
    return AppriseReceiver(settings, _opened(settings.url))


@dataclass(frozen=True)
class AppriseReceiver:
    """Apprise says whether the service has taken a message, and not why it has not."""

    settings: Settings
    services: "Apprise"

    async def deliver(self, message: Message, thread: str) -> Outcome:  # it has no threads
        """Send; the library waits for answers, so it has a thread of its own."""
        taken = await asyncio.to_thread(
            self.services.notify,
            title=inert(subject(message)),
            body=inert(text(message)),
            notify_type=_KINDS[message.severity],
            body_format="text",
            interpret_escapes=False,
        )
        return Delivered() if taken else Retry("the service behind Apprise does not take it")

    async def check(self) -> None:
        """There is no question that would not tell somebody."""

    async def close(self) -> None:
        """Nothing is held."""


def _opened(url: SecretStr) -> "Apprise":
    """The service at an address; raises ``ValueError`` for one that Apprise does not know."""
    from apprise import Apprise, AppriseAsset  # noqa: PLC0415  # it is large, and few have it

    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    services = Apprise(asset=AppriseAsset(app_id="tracetide", app_desc="run-time security"))
    if not services.add(url.get_secret_value()):
        raise ValueError("no address that Apprise knows")
    return services
