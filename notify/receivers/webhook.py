"""Any address that takes JSON: our message, Alertmanager's form, or a form of the user's own."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from pydantic import Field, SecretStr, field_validator

from notify.contract import Delivered, Outcome, ReceiverError
from notify.document import suggestion
from notify.escape import inert, shown, visible
from notify.labels import labels_of
from notify.message import Message
from notify.receivers.http import Http, HttpError, http, whole
from notify.receivers.settings import ReceiverSettings
from notify.render.text import subject, text

_PLACE = re.compile(r"\{(\w+)\}")


def values(message: Message) -> dict[str, str]:
    """What a form of the user's own can name in braces, inert: only the user knows where it is shown."""
    texts = {
        "subject": subject(message),
        "text": text(message),
        "incident": message.incident,
        "message": message.id,
        "kind": message.kind,
        "severity": message.severity,
        "rule": shown(message.rule),
        "place": shown(message.place),
        "output": shown(message.output),
        "owner": shown(message.owner.name),
        "news": message.news,
        "count": str(message.count),
        "total": str(message.total),
    }
    return {name: inert(text) for name, text in texts.items()}


NAMES = (
    "subject", "text", "incident", "message", "kind", "severity", "rule", "place", "output", "owner",
    "news", "count", "total",
)  # fmt: skip


class Settings(ReceiverSettings):
    """``webhook``: an address, perhaps with a token, and what it takes."""

    url: SecretStr = Field(description="the address, which may hold a key")
    token: SecretStr | None = Field(None, description="what to send as Authorization: Bearer")
    form: Literal["tracetide", "alertmanager", "own"] = Field(
        "tracetide", description="tracetide, alertmanager (version 4), or own, which body says"
    )
    body: Any = Field(None, description="the JSON of the form own, whose texts may have {places}")
    timeout: float = Field(30, description="seconds to wait for an answer", gt=0)

    _whole = field_validator("url")(whole)

    @field_validator("body")
    @classmethod
    def _known(cls, body: Any) -> Any:  # noqa: ANN401  # any JSON
        for name in _PLACE.findall(str(body)):
            if name not in NAMES:
                raise ValueError(f"nothing is known by the name {{{name}}}{suggestion(name, NAMES)}")
        return body


def create(settings: Settings) -> "WebhookReceiver":
    """What posts to the address."""
    headers = {"Authorization": f"Bearer {settings.token.get_secret_value()}"} if settings.token else {}
    return WebhookReceiver(http("the webhook", "", settings.timeout, headers), settings)


@dataclass(frozen=True)
class WebhookReceiver:
    """``Idempotency-Key`` is the message's id."""

    http: Http
    settings: Settings

    async def deliver(self, message: Message, thread: str) -> Outcome:  # the body has the incident
        """Post."""
        content, key = body(message, self.settings), {"Idempotency-Key": message.id}
        try:
            await self.http.json("POST", self.settings.url.get_secret_value(), content, headers=key)
        except HttpError as error:
            return error.outcome
        return Delivered()

    async def check(self) -> None:
        """Reach the server; what it says to a message only a message can tell."""
        try:
            await self.http.json("HEAD", self.settings.url.get_secret_value())
        except HttpError as error:
            if "no answer" in str(error):
                raise ReceiverError(str(error)) from None

    async def close(self) -> None:
        """Close the connections."""
        await self.http.close()


def body(message: Message, settings: Settings) -> Any:  # noqa: ANN401  # any JSON
    """What is posted, in the form that the settings say."""
    if settings.form == "own":
        return _filled(settings.body, values(message))
    return alertmanager(message) if settings.form == "alertmanager" else tracetide(message)


def _filled(form: Any, known: Mapping[str, str]) -> Any:  # noqa: ANN401  # any JSON
    """The form with its places filled, in texts only: a value cannot add to the JSON."""
    if isinstance(form, dict):
        return {name: _filled(value, known) for name, value in form.items()}
    if isinstance(form, list):
        return [_filled(value, known) for value in form]
    return _PLACE.sub(lambda place: known[place[1]], form) if isinstance(form, str) else form


def tracetide(message: Message) -> dict[str, Any]:
    """The message as it is, raw: whoever shows it escapes it. Detections are named by their ids."""
    said = asdict(message)
    del said["detections"]
    return {**said, "detections": [one.id for one in message.detections], "subject": subject(message)}


def alertmanager(message: Message) -> dict[str, Any]:
    """The body of Alertmanager's webhook, version 4, with an alert for each detection that is shown."""
    common = {"alertname": message.rule, "severity": message.severity, "owner": message.owner.name}
    return {
        "version": "4",
        "groupKey": message.incident,
        "truncatedAlerts": max(0, message.count - len(message.detections)),
        "status": "firing",
        "receiver": message.why.rpartition(" ")[2],
        "groupLabels": dict(message.group),
        "commonLabels": common,
        "commonAnnotations": {"summary": inert(subject(message)), "description": inert(text(message))},
        "externalURL": message.links[0][1] if message.links else "",
        "alerts": [
            {
                "status": "firing",
                "labels": {
                    "alertname": one.rule.name,
                    **{
                        name: visible(", ".join(values))
                        for name, values in labels_of(one).items()
                        if "." not in name
                    },
                },
                "annotations": {"summary": inert(shown(one.output))},
                "startsAt": datetime.fromtimestamp(one.time / 1e9, UTC).isoformat(timespec="milliseconds"),
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": message.links[0][1] if message.links else "",
                "fingerprint": one.id[:16],
            }
            for one in message.detections
        ],
    }
