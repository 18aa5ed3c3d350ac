"""Posts each detection as JSON to an address of the user's choice."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from sinks.body import body
from sinks.contract import Delivered, Never, Outcome, Retry, SinkError
from wire.detection import Detection

# Requests under way at once.
_AT_ONCE = 8

# Not the detection's fault: the credentials, or the server's state.
_NOT_NOW = {401, 403, 407, 408, 425, 429}


class Settings(BaseSettings):
    """``TRACETIDE_WEBHOOK_*``. The address is a secret too: many services put a key into its path."""

    model_config = SettingsConfigDict(env_prefix="TRACETIDE_WEBHOOK_")

    url: SecretStr = Field(description="the address to post to, http:// or https://")
    token: SecretStr | None = Field(None, description="what to send as Authorization: Bearer")
    timeout: float = Field(30, description="seconds to wait for an answer", gt=0)

    @field_validator("url")
    @classmethod
    def _whole(cls, url: SecretStr) -> SecretStr:
        try:
            address = httpx.URL(url.get_secret_value())
        except httpx.InvalidURL:
            address = httpx.URL()
        if address.scheme not in ("http", "https") or not address.host:
            raise ValueError("no http:// or https:// address")
        return url


def create(settings: Settings) -> "WebhookSink":
    """The sink for these settings. Redirects are not followed: they would take the detections elsewhere."""
    headers = {"Content-Type": "application/json", "User-Agent": "tracetide"}
    if settings.token:
        headers["Authorization"] = f"Bearer {settings.token.get_secret_value()}"
    logging.getLogger("httpx").setLevel(logging.WARNING)  # below that it logs every address whole
    client = httpx.AsyncClient(headers=headers, timeout=settings.timeout, follow_redirects=False)
    return WebhookSink(client, settings.url)


@dataclass(frozen=True)
class WebhookSink:
    """One request for each detection, a few at a time; ``Idempotency-Key`` is the detection's id."""

    client: httpx.AsyncClient
    url: SecretStr
    name: str = "webhook"
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def deliver(self, detections: Sequence[Detection]) -> Sequence[Outcome]:
        """Post them all; 2xx is delivered."""
        return await asyncio.gather(*map(self._post, detections))

    async def check(self) -> None:
        """Reach the server; what it says to a detection only a detection can tell."""
        try:
            await self.client.head(self.url.get_secret_value())
        except httpx.RequestError as error:
            raise SinkError(f"{self._host()} cannot be reached ({type(error).__name__})") from None

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()

    async def _post(self, detection: Detection) -> Outcome:
        content = body(detection)
        if isinstance(content, Never):
            return content
        async with self._slots:
            try:
                answer = await self.client.post(
                    self.url.get_secret_value(),
                    content=content,
                    headers={"Idempotency-Key": detection.id},
                )
            except httpx.RequestError as error:
                return Retry(f"no answer from {self._host()} ({type(error).__name__})")
        return self._classify(answer)

    def _classify(self, answer: httpx.Response) -> Outcome:
        status = answer.status_code
        if 200 <= status < 300:
            return Delivered()
        reason = f"{self._host()} answers {status} {answer.reason_phrase}".rstrip()
        if 400 <= status < 500 and status not in _NOT_NOW:
            return Never(reason)
        return Retry(reason, retry_after(answer.headers.get("retry-after"), datetime.now(UTC)))

    def _host(self) -> str:
        return httpx.URL(self.url.get_secret_value()).host


def retry_after(value: str | None, now: datetime) -> float | None:
    """The seconds that a Retry-After header asks for, in either of its forms (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    except (ValueError, TypeError):
        return None
