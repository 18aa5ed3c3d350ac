"""PagerDuty: an incident by its Events API, version 2; what comes later belongs to the same."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import Field, SecretStr

from notify.contract import Delivered, Outcome
from notify.escape import shown
from notify.message import Message
from notify.receivers.http import Http, HttpError, http
from notify.receivers.settings import ReceiverSettings
from notify.render.text import subject, text

_SEVERITY = {"critical": "critical", "high": "error", "medium": "warning", "low": "info"}


class Settings(ReceiverSettings):
    """``pagerduty``: the integration key of a service."""

    routing_key: SecretStr = Field(description="the integration key of a service, for Events API v2")
    url: str = Field("https://events.pagerduty.com/v2/", description="where PagerDuty's interface is")
    timeout: float = Field(30, description="seconds to wait for an answer", gt=0)


def create(settings: Settings) -> "PagerdutyReceiver":
    """What triggers incidents of the service."""
    return PagerdutyReceiver(http("PagerDuty", settings.url, settings.timeout), settings.routing_key)


@dataclass(frozen=True)
class PagerdutyReceiver:
    """The incident is the ``dedup_key``: an event that comes again or follows opens no second one."""

    http: Http
    routing_key: SecretStr

    async def deliver(self, message: Message, thread: str) -> Outcome:  # the key is the thread
        """Trigger, or add to what was triggered."""
        try:
            await self.http.json("POST", "enqueue", event(message, self.routing_key.get_secret_value()))
        except HttpError as error:
            return error.outcome
        return Delivered()

    async def check(self) -> None:
        """It takes no question that would not wake somebody."""

    async def close(self) -> None:
        """Close the connections."""
        await self.http.close()


def event(message: Message, key: str) -> dict[str, Any]:
    """The body of an event; texts there are shown as they are."""
    place = {fact.label: fact.shown for fact in message.facts}
    when = datetime.fromtimestamp(message.since / 1e9, UTC)
    return {
        "routing_key": key,
        "event_action": "trigger",
        "dedup_key": f"tracetide-{message.incident}",
        "client": "tracetide",
        "payload": {
            "summary": subject(message)[:1024],
            "source": place.get("Pod") or place.get("Node") or "unknown",
            "severity": _SEVERITY[message.severity],
            "timestamp": when.isoformat(timespec="milliseconds"),
            "component": place.get("Container") or "host",
            "group": shown(message.owner.name) or "nobody",
            "class": shown(message.rule),
            "custom_details": {
                "alerts": message.total,
                "news": message.news,
                "message": text(message)[:60_000],
            },
        },
        "links": [{"href": url, "text": title} for title, url in message.links],
    }
