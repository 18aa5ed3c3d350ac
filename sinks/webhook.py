"""Posts each detection to an address of the user's choice: as JSON or in the user's own shape, signed."""

import asyncio
import base64
import binascii
import gzip
import hashlib
import hmac
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import httpx
from pydantic import Field, FilePath, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from sinks import http
from sinks.body import body
from sinks.contract import Never, Outcome, Retry, SinkError
from sinks.formats.template import read_template
from wire.detection import Detection

# Requests under way at once.
_AT_ONCE = 8


class Settings(BaseSettings):
    """``TRACETIDE_WEBHOOK_*``. The address is a secret too: many services put a key into its path."""

    model_config = SettingsConfigDict(env_prefix="TRACETIDE_WEBHOOK_")

    url: SecretStr = Field(description="the address to post to, http:// or https://")
    token: SecretStr | None = Field(None, description="what to send as Authorization: Bearer")
    secret: SecretStr | None = Field(
        None, description="the key of the signature, in base64, as Standard Webhooks has it (whsec_…)"
    )
    template: FilePath | None = Field(
        None, description="a JSON file with the shape of the body, $names in its texts"
    )
    gzip: bool = Field(False, description="whether to compress bodies")
    ca_certs: FilePath | None = Field(None, description="a file with the certificate authority of the server")
    timeout: float = Field(30, description="seconds to wait for an answer", gt=0)

    @field_validator("url")
    @classmethod
    def _whole(cls, url: SecretStr) -> SecretStr:
        return http.whole(url)

    @field_validator("secret")
    @classmethod
    def _decodable(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and len(_key(secret)) < 24:
            raise ValueError("not at least 24 bytes in base64")
        return secret

    @field_validator("template")
    @classmethod
    def _usable(cls, path: FilePath | None) -> FilePath | None:
        if path is not None:
            read_template(path)
        return path


def create(settings: Settings) -> "WebhookSink":
    """The sink for these settings."""
    headers = {"Content-Type": "application/json"}
    if settings.token:
        headers["Authorization"] = f"Bearer {settings.token.get_secret_value()}"
    if settings.gzip:
        headers["Content-Encoding"] = "gzip"
    return WebhookSink(
        client=http.client(headers, settings.timeout, settings.ca_certs),
        url=settings.url,
        secret=settings.secret,
        encode=read_template(settings.template) if settings.template else body,
        gzip=settings.gzip,
    )


@dataclass(frozen=True)
class WebhookSink:
    """One request for each detection, a few at a time; ``Idempotency-Key`` is the detection's id."""

    client: httpx.AsyncClient = field(repr=False)
    url: SecretStr
    secret: SecretStr | None = None
    encode: Callable[[Detection], bytes | Never] = body
    gzip: bool = False
    name: str = "webhook"
    at_once: int = 1
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
        content = self.encode(detection)
        if isinstance(content, Never):
            return content
        if self.gzip:
            content = gzip.compress(content, 5)
        headers = {"Idempotency-Key": detection.id}
        if self.secret:
            headers |= signature(self.secret, detection.id, int(time.time()), content)
        async with self._slots:
            try:
                answer = await self.client.post(self.url.get_secret_value(), content=content, headers=headers)
            except httpx.RequestError as error:
                return Retry(f"no answer from {self._host()} ({type(error).__name__})")
        return http.classify(self._host(), answer)

    def _host(self) -> str:
        return httpx.URL(self.url.get_secret_value()).host


def signature(secret: SecretStr, identity: str, seconds: int, content: bytes) -> dict[str, str]:
    """The headers of Standard Webhooks: a receiver sees who sent it, and that nobody sends it again later.

    Signed are the bytes as they travel, so that nothing needs to be unpacked before it is known to be ours.
    """
    signed = f"{identity}.{seconds}.".encode() + content
    digest = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    return {
        "webhook-id": identity,
        "webhook-timestamp": str(seconds),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def _key(secret: SecretStr) -> bytes:
    """The key; empty where the text is no base64."""
    try:
        return base64.b64decode(secret.get_secret_value().removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        return b""
