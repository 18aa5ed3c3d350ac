"""Delivers detections to Elasticsearch, each once: bulk ``create`` under the detection's own id.

An alert goes into the index of the month of its event, so that whenever it is sent again it meets itself.
The default name ``logs-tracetide.alerts.2026.11`` is found by ``logs-*``, where Elastic Security and
Kibana look, but does not match ``logs-*-*``: of that pattern Elasticsearch makes data streams, which
roll over, and an id is unique only within what has not rolled over.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import urlsplit

import orjson
from elasticsearch import ApiError, AsyncElasticsearch, TransportError
from pydantic import Field, FilePath, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from sinks.contract import Delivered, Duplicate, Never, Outcome, Retry, SinkError
from sinks.ecs import document
from wire.detection import Detection

# A body above this is split; aiohttp warns of larger ones, because they hold up the event loop.
_BODY = 1 << 20

# These are about the state of the server: later it takes the same document.
_NOT_THE_DOCUMENTS_FAULT = {
    "cluster_block_exception",
    "index_closed_exception",
    "index_not_found_exception",
    "validation_exception",  # too many shards
}

_WANTED = ["errors", "items.*.status", "items.*.error", "items.*.failure_store"]


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
    """The sink for these settings. Its client never tries again by itself: the runner does."""
    options: dict[str, Any] = {}
    if settings.api_key:
        options["api_key"] = settings.api_key.get_secret_value()
    if settings.username and settings.password:
        options["basic_auth"] = (settings.username, settings.password.get_secret_value())
    if settings.ca_certs:
        options["ca_certs"] = str(settings.ca_certs)
    logging.getLogger("elastic_transport.node_pool").setLevel(logging.ERROR)  # the runner says it, and once
    client = AsyncElasticsearch(
        settings.url, request_timeout=settings.timeout, max_retries=0, retry_on_timeout=False, **options
    )
    return ElasticsearchSink(client, settings.index)


@dataclass(frozen=True)
class ElasticsearchSink:
    """Creates one document for each detection in ``INDEX.YYYY.MM``."""

    client: AsyncElasticsearch
    index: str
    name: str = "elasticsearch"

    async def deliver(self, detections: Sequence[Detection]) -> Sequence[Outcome]:
        """Send them in as many requests as their size asks for."""
        now = datetime.now(UTC)
        entries = [self._entry(detection, now) for detection in detections]
        sound = [entry for entry in entries if isinstance(entry, bytes)]
        outcomes = iter([outcome for part in _parts(sound) for outcome in await self._send(part)])
        return [next(outcomes) if isinstance(entry, bytes) else entry for entry in entries]

    async def check(self) -> None:
        """Ask whether this user may do what ``deliver`` does; a server without security lets everybody."""
        try:
            answer = await self.client.security.has_privileges(
                index=[{"names": [f"{self.index}.*"], "privileges": ["create_doc", "auto_configure"]}]
            )
        except ApiError as error:
            if error.status_code in (401, 403):
                raise SinkError(_refusal(error)) from error
            return
        except TransportError as error:
            raise SinkError(f"Elasticsearch cannot be reached: {error.message}") from error
        if not answer["has_all_requested"]:
            raise SinkError(
                f"the Elasticsearch user {answer['username']} needs the privileges create_doc and "
                f"auto_configure for {self.index}.*"
            )

    async def close(self) -> None:
        """Close the connections."""
        await self.client.close()

    def _entry(self, detection: Detection, now: datetime) -> bytes | Never:
        """Two lines of a bulk body; the event in a detection is not typed and may hold anything."""
        try:
            month = datetime.fromtimestamp(detection.time // 10**9, UTC)
            action = {"create": {"_index": f"{self.index}.{month:%Y.%m}", "_id": detection.id}}
            return orjson.dumps(action) + b"\n" + orjson.dumps(document(detection, now)) + b"\n"
        except (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError) as error:
            return Never(f"no document can be made of it: {error}")

    async def _send(self, entries: Sequence[bytes]) -> list[Outcome]:
        try:
            answer = await self.client.bulk(operations=entries, filter_path=_WANTED)  # type: ignore[arg-type]  # takes bytes as they are
        except ApiError as error:
            if error.status_code == 413:
                return await self._halve(entries)
            return [Retry(_refusal(error), _retry_after(error))] * len(entries)
        except TransportError as error:
            return [Retry(f"no answer: {error.message}")] * len(entries)
        return [classify(item["create"]) for item in answer["items"]]

    async def _halve(self, entries: Sequence[bytes]) -> list[Outcome]:
        """What is on the way takes no body of this size: find the largest that it takes."""
        if len(entries) == 1:
            return [Never(f"a document of {len(entries[0])} bytes is too large for the server")]
        middle = len(entries) // 2
        return [*await self._send(entries[:middle]), *await self._send(entries[middle:])]


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


def _parts(entries: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """The entries in order, in parts of at most ``_BODY`` bytes where one entry is not more than that."""
    start, size = 0, 0
    for end, entry in enumerate(entries):
        if size + len(entry) > _BODY and end > start:
            yield entries[start:end]
            start, size = end, 0
        size += len(entry)
    if start < len(entries):
        yield entries[start:]


def _reason(error: dict[str, Any]) -> str:
    cause = error.get("caused_by", {}).get("reason")
    return ": ".join(str(part) for part in (error.get("type"), error.get("reason"), cause) if part)[:500]


def _refusal(error: ApiError) -> str:
    """What to do about an answer to a whole request."""
    if error.status_code == 401:
        return "401: the server does not accept the API key or the password (TRACETIDE_ELASTICSEARCH_*)"
    if error.status_code == 403:
        return f"403: the user may not do this; it needs create_doc and auto_configure ({error.message})"
    return f"{error.status_code} {error.message}"[:500]


def _retry_after(error: ApiError) -> float | None:
    """The seconds of a Retry-After header; dates are not used by servers of this kind."""
    value = error.meta.headers.get("retry-after")
    return float(value) if value and value.isdecimal() else None
