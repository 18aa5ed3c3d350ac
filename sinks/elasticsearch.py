"""Delivers detections to Elasticsearch or OpenSearch, each once: bulk ``create`` under its own id.

An alert goes into the index of the month of its event, so that whenever it is sent again it meets itself.
The default name ``logs-tracetide.alerts.2026.11`` is found by ``logs-*``, where Elastic Security and
Kibana look, but does not match ``logs-*-*``: of that pattern Elasticsearch makes data streams, which
roll over, and an id is unique only within what has not rolled over.
"""

import asyncio
import base64
import gzip
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import chain
from typing import Any, Self
from urllib.parse import urlsplit

import httpx
import orjson
from pydantic import Field, FilePath, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from sinks import http
from sinks.contract import Delivered, Duplicate, Never, Outcome, Retry, SinkError
from sinks.ecs import document, observation
from wire.detection import Detection

# A body above this is split.
_BODY = 1 << 20

# These are about the state of the server: later it takes the same document.
_NOT_THE_DOCUMENTS_FAULT = {
    "cluster_block_exception",
    "index_closed_exception",
    "index_not_found_exception",
    "validation_exception",  # too many shards
}

# Of gzip: less than a tenth of the size in the least time.
_LEVEL = 1

_WANTED = "errors,items.*.status,items.*.error,items.*.failure_store"

# What a server without security answers when it is asked about users.
_UNKNOWN = {400, 404, 405, 500}


class Settings(BaseSettings):
    """``TRACETIDE_ELASTICSEARCH_*``."""

    model_config = SettingsConfigDict(env_prefix="TRACETIDE_ELASTICSEARCH_")

    url: str = Field(description="the server's address, such as https://elastic.example:9200")
    api_key: SecretStr | None = Field(None, description="an API key, encoded as Kibana shows it")
    username: str | None = Field(None, description="a user, if there is no API key")
    password: SecretStr | None = Field(None, description="the user's password")
    ca_certs: FilePath | None = Field(None, description="a file with the certificate authority of the server")
    index: str = Field(
        "logs-tracetide.alerts",
        description="what the names of the monthly indices begin with",
        pattern=r"^[a-z0-9][a-z0-9._-]*$",
    )
    namespace: str = Field(
        "default",
        description="the last part of the data stream of raw events, logs-tracetide.events-…",
        pattern=r"^[a-z0-9][a-z0-9_.]{0,99}$",
    )
    gzip: bool = Field(False, description="whether to compress bodies, for a line that is slow")
    timeout: float = Field(30, description="seconds to wait for an answer", gt=0)

    @field_validator("url")
    @classmethod
    def _whole(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("no http:// or https:// address")
        if parts.username or parts.password:
            raise ValueError("no place for a user and a password, they have variables of their own")
        if not parts.port:
            raise ValueError("no port; servers listen at 9200, clouds mostly at 443")
        return url

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.ca_certs and not self.url.startswith("https:"):
            raise ValueError("TRACETIDE_ELASTICSEARCH_CA_CERTS is of use only with an https:// address")
        if self.api_key and self.username:
            raise ValueError(
                "TRACETIDE_ELASTICSEARCH_API_KEY and TRACETIDE_ELASTICSEARCH_USERNAME are both set: keep one"
            )
        if (self.username is None) != (self.password is None):
            raise ValueError(
                "TRACETIDE_ELASTICSEARCH_USERNAME and TRACETIDE_ELASTICSEARCH_PASSWORD need each other"
            )
        return self


def create(settings: Settings) -> "ElasticsearchSink":
    """The sink for these settings."""
    return _sink(settings, settings.index)


def create_for_events(settings: Settings) -> "ElasticsearchSink":
    """The same for raw events, which go to a data stream: a replay after a roll-over stores them again."""
    stream = f"logs-tracetide.events-{settings.namespace}"
    return replace(_sink(settings, stream), name="elasticsearch-events", namespace=settings.namespace)


def _sink(settings: Settings, index: str) -> "ElasticsearchSink":
    return ElasticsearchSink(_client(settings), settings.url.rstrip("/"), index, gzip=settings.gzip)


@asynccontextmanager
async def connected(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """A client with the credentials of the settings."""
    async with _client(settings) as client:
        yield client


def _client(settings: Settings) -> httpx.AsyncClient:
    headers = {}
    if settings.api_key:
        headers["Authorization"] = f"ApiKey {settings.api_key.get_secret_value()}"
    if settings.username and settings.password:
        pair = f"{settings.username}:{settings.password.get_secret_value()}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    return http.client(headers, settings.timeout, settings.ca_certs)


@dataclass(frozen=True)
class ElasticsearchSink:
    """A document for each detection in ``INDEX.YYYY.MM``; with a namespace, in the stream ``INDEX``."""

    client: httpx.AsyncClient = field(repr=False)
    url: str
    index: str
    name: str = "elasticsearch"
    namespace: str | None = None
    gzip: bool = False
    at_once: int = 3

    async def deliver(self, detections: Sequence[Detection]) -> Sequence[Outcome]:
        """Send them in as many requests as their size asks for, at once."""
        now = datetime.now(UTC)
        entries = [self._entry(detection, now) for detection in detections]
        sound = [entry for entry in entries if isinstance(entry, bytes)]
        answers = await asyncio.gather(*map(self._send, http.parts(sound, len, _BODY)))
        outcomes = chain.from_iterable(answers)
        return [next(outcomes) if isinstance(entry, bytes) else entry for entry in entries]

    async def check(self) -> None:
        """Ask whether this user may do what ``deliver`` does; a server without security lets everybody."""
        names = [self.index if self.namespace else f"{self.index}.*"]
        asked = {"index": [{"names": names, "privileges": ["create_doc", "auto_configure"]}]}
        try:
            answer = await self.client.post(f"{self.url}/_security/user/_has_privileges", json=asked)
        except httpx.RequestError as error:
            raise SinkError(f"Elasticsearch at {self._host()} cannot be reached ({_kind(error)})") from None
        told = http.told(answer)
        if answer.status_code == 200 and told.get("has_all_requested") is False:
            raise SinkError(
                f"the Elasticsearch user {told.get('username')} needs the privileges create_doc and "
                f"auto_configure for {names[0]}"
            )
        if answer.status_code != 200 and answer.status_code not in _UNKNOWN:
            raise SinkError(f"{self._host()}: {_refusal(answer)}")

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()

    def _entry(self, detection: Detection, now: datetime) -> bytes | Never:
        """Two lines of a bulk body; the event in a detection is not typed and may hold anything."""
        try:
            if self.namespace:
                index, made = self.index, observation(detection, now, self.namespace)
            else:
                month = datetime.fromtimestamp(detection.time // 10**9, UTC)
                index, made = f"{self.index}.{month:%Y.%m}", document(detection, now)
            action = {"create": {"_index": index, "_id": detection.id}}
            return orjson.dumps(action) + b"\n" + made + b"\n"
        except (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError) as error:
            return Never(f"no document can be made of it: {error}")

    async def _send(self, entries: Sequence[bytes]) -> list[Outcome]:
        content, headers = b"".join(entries), {"Content-Type": "application/x-ndjson"}
        if self.gzip:
            content, headers["Content-Encoding"] = gzip.compress(content, _LEVEL), "gzip"
        try:
            answer = await self.client.post(
                f"{self.url}/_bulk", params={"filter_path": _WANTED}, content=content, headers=headers
            )
        except httpx.RequestError as error:
            return [Retry(f"no answer from {self._host()} ({_kind(error)})")] * len(entries)
        if answer.status_code == 413:
            return await self._halve(entries)
        items = http.told(answer).get("items")
        if answer.status_code != 200 or not isinstance(items, list) or len(items) != len(entries):
            return [Retry(f"{self._host()}: {_refusal(answer)}", http.wish(answer))] * len(entries)
        return [classify(item["create"]) for item in items]

    async def _halve(self, entries: Sequence[bytes]) -> list[Outcome]:
        """What is on the way takes no body of this size: find the largest that it takes."""
        if len(entries) == 1:
            return [Never(f"a document of {len(entries[0])} bytes is too large for the server")]
        middle = len(entries) // 2
        return [*await self._send(entries[:middle]), *await self._send(entries[middle:])]

    def _host(self) -> str:
        return httpx.URL(self.url).host


def classify(item: dict[str, Any]) -> Outcome:
    """The outcome of one item of a bulk answer."""
    status: int = item["status"]
    error: dict[str, Any] = item.get("error", {})
    if item.get("failure_store") == "used":
        return Never("the document did not fit and went to the failure store of the data stream")
    if status in (200, 201):
        return Delivered()
    if status == 409:
        return Duplicate()
    reason = f"{status} {_reason(error)}"
    if status in (400, 404) and error.get("type") not in _NOT_THE_DOCUMENTS_FAULT:
        return Never(reason)
    return Retry(reason)


def _reason(error: dict[str, Any]) -> str:
    cause = error.get("caused_by", {}).get("reason")
    return ": ".join(str(part) for part in (error.get("type"), error.get("reason"), cause) if part)[:500]


def _refusal(answer: httpx.Response) -> str:
    """What to do about an answer to a whole request."""
    if answer.status_code == 401:
        return "401: the server does not accept the API key or the password (TRACETIDE_ELASTICSEARCH_*)"
    error = http.told(answer).get("error")
    reason = _reason(error) if isinstance(error, dict) else ""
    if answer.status_code == 403:
        return f"403: the user may not do this; it needs create_doc and auto_configure ({reason})"
    if answer.status_code == 200:
        return "what answers there is no Elasticsearch"
    return f"{answer.status_code} {reason or answer.reason_phrase}"


def _kind(error: httpx.RequestError) -> str:
    return type(error).__name__
