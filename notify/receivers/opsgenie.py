"""Opsgenie, and Jira Service Management, which takes the same requests: an alert for each incident.

Opsgenie is not sold since June 2025 and ends in April 2027; the same integration in Jira Service
Management has the address https://api.atlassian.com/jsm/ops/integration/v2/.
"""

from dataclasses import dataclass
from typing import Any

from pydantic import Field, SecretStr

from notify.contract import Delivered, Outcome, ReceiverError
from notify.escape import inert, shown
from notify.message import Message
from notify.receivers.http import Http, HttpError, http
from notify.receivers.settings import ReceiverSettings
from notify.render.text import subject, text

_PRIORITY = {"critical": "P1", "high": "P2", "medium": "P3", "low": "P4"}
_SHORT, _LONG, _NOTE = 130, 15_000, 25_000
_BY_ALIAS = {"identifierType": "alias"}


class Settings(ReceiverSettings):
    """``opsgenie``: the key of an API integration."""

    key: SecretStr = Field(description="the key of an API integration")
    url: str = Field(
        "https://api.opsgenie.com/v2/",
        description="https://api.eu.opsgenie.com/v2/ in Europe, "
        "https://api.atlassian.com/jsm/ops/integration/v2/ in Jira Service Management",
    )
    tags: list[str] = Field([], description="tags for every alert", max_length=15)
    timeout: float = Field(30, description="seconds to wait for an answer", gt=0)


def create(settings: Settings) -> "OpsgenieReceiver":
    """What creates alerts."""
    headers = {"Authorization": f"GenieKey {settings.key.get_secret_value()}"}
    base = settings.url.rstrip("/") + "/"
    return OpsgenieReceiver(http("Opsgenie", base, settings.timeout, headers), settings)


@dataclass(frozen=True)
class OpsgenieReceiver:
    """The incident is the ``alias``: of open alerts there is one with it, and what comes again counts up."""

    http: Http
    settings: Settings

    async def deliver(self, message: Message, thread: str) -> Outcome:  # the alias is the thread
        """Create the alert, which is a new one only if it is not open; then what is new in it."""
        there = f"alerts/tracetide-{message.incident}"
        try:
            await self.http.json("POST", "alerts", alert(message, self.settings.tags))
            if message.raised:
                priority = {"priority": _PRIORITY[message.severity]}
                await self.http.json("PUT", f"{there}/priority", priority, _BY_ALIAS)
            if message.kind == "update":
                note = {"note": inert(text(message))[:_NOTE], "source": "tracetide"}
                await self.http.json("POST", f"{there}/notes", note, _BY_ALIAS)
        except HttpError as error:
            return error.outcome
        return Delivered()

    async def check(self) -> None:
        """Ask for an alert; a key that may create but not read is a good one."""
        try:
            await self.http.json("GET", "alerts", query={"limit": "1"})
        except HttpError as error:
            if error.status != 403:  # HTTP
                raise ReceiverError(str(error)) from None

    async def close(self) -> None:
        """Close the connections."""
        await self.http.close()


def alert(message: Message, tags: list[str]) -> dict[str, Any]:
    """The body of a new alert. Opsgenie shows HTML in some of the texts."""
    place = {fact.label: fact.shown for fact in message.facts}
    details = {
        "incident": message.incident,
        "rule": inert(shown(message.rule)),
        "owner": inert(shown(message.owner.name)) or "nobody",
        **dict(message.links),
    }
    return {
        "message": inert(subject(message))[:_SHORT],
        "alias": f"tracetide-{message.incident}",
        "description": inert(text(message))[:_LONG],
        "priority": _PRIORITY[message.severity],
        "source": "tracetide",
        "entity": inert(place.get("Pod") or place.get("Container") or place.get("Node") or "")[:512],
        "tags": [*tags, *(one.id for one in message.attacks[:5])],
        "details": details,
    }
