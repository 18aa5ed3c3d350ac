"""Writes detections as findings of the Open Cybersecurity Schema Framework, to a file or an HTTP address."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Self

import httpx
import orjson
from pydantic import Field, FilePath, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from sinks import http
from sinks.contract import Never, Outcome, Retry, SinkError
from sinks.formats.ocsf import finding
from sinks.jsonl import JsonLinesSink
from wire.detection import Detection

# Requests under way at once.
_AT_ONCE = 8


class Settings(BaseSettings):
    """``TRACETIDE_OCSF_*``."""

    model_config = SettingsConfigDict(env_prefix="TRACETIDE_OCSF_")

    path: str | None = Field(
        None, description="the file to append to, or - for standard output", min_length=1
    )
    url: SecretStr | None = Field(None, description="or the address to post each finding to")
    token: SecretStr | None = Field(None, description="what to send there as Authorization: Bearer")
    ca_certs: FilePath | None = Field(None, description="a file with the certificate authority of the server")
    timeout: float = Field(30, description="seconds to wait for an answer", gt=0)

    @field_validator("url")
    @classmethod
    def _whole(cls, url: SecretStr | None) -> SecretStr | None:
        return None if url is None else http.whole(url)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.path is None) == (self.url is None):
            raise ValueError("set TRACETIDE_OCSF_PATH or TRACETIDE_OCSF_URL, and one of them only")
        return self


def create(settings: Settings) -> "JsonLinesSink | OcsfSink":
    """The sink for these settings."""
    if settings.path:
        path = None if settings.path == "-" else Path(settings.path)
        return JsonLinesSink(path, _encoded, "ocsf")
    headers = {"Content-Type": "application/json"}
    if settings.token:
        headers["Authorization"] = f"Bearer {settings.token.get_secret_value()}"
    url = settings.url or SecretStr("")
    return OcsfSink(http.client(headers, settings.timeout, settings.ca_certs), url)


@dataclass(frozen=True)
class OcsfSink:
    """One request for each finding, a few at a time; ``metadata.uid`` is the detection's id."""

    client: httpx.AsyncClient = field(repr=False)
    url: SecretStr
    name: str = "ocsf"
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    async def deliver(self, detections: Sequence[Detection]) -> Sequence[Outcome]:
        """Post them all; 2xx is delivered."""
        return await asyncio.gather(*map(self._post, detections))

    async def check(self) -> None:
        """Reach the server; what it says to a finding only a finding can tell."""
        try:
            await self.client.head(self.url.get_secret_value())
        except httpx.RequestError as error:
            raise SinkError(f"{self._host()} cannot be reached ({type(error).__name__})") from None

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()

    async def _post(self, detection: Detection) -> Outcome:
        content = _encoded(detection)
        if isinstance(content, Never):
            return content
        headers = {"Idempotency-Key": detection.id}
        async with self._slots:
            try:
                answer = await self.client.post(self.url.get_secret_value(), content=content, headers=headers)
            except httpx.RequestError as error:
                return Retry(f"no answer from {self._host()} ({type(error).__name__})")
        return http.classify(self._host(), answer)

    def _host(self) -> str:
        return httpx.URL(self.url.get_secret_value()).host


def _encoded(detection: Detection) -> bytes | Never:
    try:
        return orjson.dumps(finding(detection, version("tracetide")))
    except (AttributeError, LookupError, TypeError, ValueError, RecursionError) as error:
        return Never(f"no finding can be made of it: {error}")
