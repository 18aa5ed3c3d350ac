"""Delivers detections to Splunk's HTTP Event Collector; with its acknowledgement they are on disk there.

A 200 alone says that an event is in the memory of the server. So by default a detection counts as
delivered when the indexer has acknowledged its request; until then the sink remembers the request, and a
detection that is tried again meanwhile is asked after, not sent twice.
"""

import asyncio
import gzip
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import httpx
import orjson
from pydantic import Field, FilePath, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from sinks import http
from sinks.body import body
from sinks.contract import Delivered, Never, Outcome, Retry, SinkError
from wire.detection import Detection

# A body above this is split, before compression; servers take at least that.
_BODY = 1 << 20

# Seconds between two questions for acknowledgements: the first, and the longest.
_FIRST_POLL, _LONGEST_POLL = 0.25, 10.0

# Codes in the body of an answer, and what they mean (Splunk's documentation of the collector).
_FAULT_OF_ONE_EVENT = {6, 12, 13, 15}
_ACK_DISABLED = {12, 14}  # 12: a collector without acknowledgement takes the question for an event
_REMEDIES = {
    1: "the token is disabled",
    2: "no token was given",
    3: "the token was not understood",
    4: "there is no such token (TRACETIDE_SPLUNK_TOKEN)",
    7: "the token may not write to this index (TRACETIDE_SPLUNK_INDEX)",
    9: "the server is busy",
    10: "the channel did not arrive; something on the way removes X-Splunk-Request-Channel",
    11: "the channel is not accepted",
    18: "its queues are full",
    19: "its acknowledgements are not available",
    20: "its queues are full and its acknowledgements are not available",
    21: "there is no such token (TRACETIDE_SPLUNK_TOKEN)",
    22: "the token is disabled",
    23: "the server is shutting down",
    26: "its queue is at capacity",
    27: "its acknowledgement channel is at capacity",
    28: "the load balancer must send a channel to the same indexer every time",
}
_NO_ACK = (
    "the token of Splunk has no indexer acknowledgement: enable it there, or set "
    "TRACETIDE_SPLUNK_ACKNOWLEDGE=false and accept that a crash of the indexer may lose alerts"
)


class Settings(BaseSettings):
    """``TRACETIDE_SPLUNK_*``."""

    model_config = SettingsConfigDict(env_prefix="TRACETIDE_SPLUNK_")

    url: str = Field(description="the collector's address, such as https://splunk.example:8088")
    token: SecretStr = Field(description="the token of the collector's input")
    index: str | None = Field(None, description="the index to write to, if not the token's own")
    source: str = Field("tracetide", description="the source of the events")
    sourcetype: str = Field("tracetide:detection", description="their source type; deploy/splunk explains it")
    acknowledge: bool = Field(True, description="whether delivered means acknowledged by the indexer")
    patience: float = Field(
        300, description="seconds to wait for an acknowledgement before sending again", gt=0
    )
    ca_certs: FilePath | None = Field(None, description="a file with the certificate authority of the server")
    timeout: float = Field(30, description="seconds to wait for an answer", gt=0)

    @field_validator("url")
    @classmethod
    def _whole(cls, url: str) -> str:
        address = httpx.URL(http.whole(SecretStr(url)).get_secret_value())
        if address.userinfo:
            raise ValueError("no place for a user and a password, the token has a variable of its own")
        if address.path not in ("", "/"):
            raise ValueError("no path: the sink adds /services/collector itself")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.ca_certs and not self.url.startswith("https:"):
            raise ValueError("TRACETIDE_SPLUNK_CA_CERTS is of use only with an https:// address")
        return self


def create(settings: Settings) -> "SplunkSink":
    """The sink for these settings."""
    headers = {
        "Authorization": f"Splunk {settings.token.get_secret_value()}",
        "X-Splunk-Request-Channel": str(uuid.uuid4()),
    }
    given = {"source": settings.source, "sourcetype": settings.sourcetype}
    if settings.index:
        given["index"] = settings.index
    return SplunkSink(
        client=http.client(headers, settings.timeout, settings.ca_certs),
        collector=f"{settings.url}/services/collector",
        given=given,
        acknowledge=settings.acknowledge,
        patience=settings.patience,
    )


@dataclass(frozen=True, slots=True)
class _Sent:
    """A request that the server took and has not acknowledged, and when it was sent."""

    ack: int
    at: float


@dataclass
class SplunkSink:
    """One request for many detections. ``wait`` is the longest time that one call waits, in seconds."""

    client: httpx.AsyncClient = field(repr=False)
    collector: str
    given: dict[str, str]
    acknowledge: bool
    patience: float
    wait: float = 60.0
    name: str = "splunk"
    at_once: int = 1
    _sent: dict[str, _Sent] = field(default_factory=dict)
    _last_ack: int = -1

    async def deliver(self, detections: Sequence[Detection]) -> Sequence[Outcome]:
        """Send what was not sent before, then wait for the acknowledgements of all."""
        self._forget_old()
        new = list({one.id: one for one in detections if one.id not in self._sent}.values())
        entries = [_entry(detection, self.given) for detection in new]
        sound = [(one.id, entry) for one, entry in zip(new, entries, strict=True) if isinstance(entry, bytes)]
        outcomes: dict[str, Outcome] = {
            one.id: entry for one, entry in zip(new, entries, strict=True) if isinstance(entry, Never)
        }
        for part in http.parts(sound, lambda entry: len(entry[1]), _BODY):
            outcomes |= await self._send(part)
        waiting = {one.id for one in detections} - set(outcomes)
        outcomes |= await self._acknowledged(waiting)
        return [outcomes[detection.id] for detection in detections]

    async def check(self) -> None:
        """Ask for an acknowledgement: the answer tells whether the token is good, and may have one."""
        try:
            health = await self.client.get(f"{self.collector}/health")
            answer = await self.client.post(f"{self.collector}/ack", json={"acks": [0]})
        except httpx.RequestError as error:
            raise SinkError(f"Splunk at {self._host()} cannot be reached ({type(error).__name__})") from None
        if answer.status_code in (401, 403) or health.status_code >= 500:
            bad = answer if answer.status_code in (401, 403) else health
            raise SinkError(f"Splunk at {self._host()}: {_reason(bad)}")
        if answer.status_code == 404:
            raise SinkError(f"Splunk at {self._host()} has no event collector at {self.collector}")
        if self.acknowledge and _code(answer) in _ACK_DISABLED:
            raise SinkError(_NO_ACK)
        if self.acknowledge and not isinstance(http.told(answer).get("acks"), dict):
            raise SinkError(f"Splunk at {self._host()} acknowledges nothing: {_reason(answer)}")

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()

    async def _send(self, part: Sequence[tuple[str, bytes]]) -> dict[str, Outcome]:
        """One request; what is not in the answer was taken and waits for its acknowledgement.

        When an event is refused Splunk has already taken those before it: only those behind it are sent
        again, so that nothing is indexed twice.
        """
        if not part:
            return {}
        try:
            answer = await self.client.post(
                f"{self.collector}/event",
                content=gzip.compress(b"\n".join(entry for _, entry in part), 5),
                headers={"Content-Encoding": "gzip", "Content-Type": "application/json"},
            )
        except httpx.RequestError as error:
            return self._all(part, Retry(f"no answer from {self._host()} ({type(error).__name__})"))
        if answer.status_code == 200:
            return self._took(part, answer)
        if answer.status_code == 413:
            return await self._halve(part, "too large for the server")
        return await self._refused(part, answer)

    async def _refused(self, part: Sequence[tuple[str, bytes]], answer: httpx.Response) -> dict[str, Outcome]:
        number = http.told(answer).get("invalid-event-number")
        code, reason = _code(answer), _reason(answer)
        fault = answer.status_code == 400 and code in _FAULT_OF_ONE_EVENT
        if fault and isinstance(number, int) and 0 <= number < len(part):
            before = (
                self._took(part[:number], answer)
                if self._took_some(answer)
                else await self._send(part[:number])
            )
            behind = await self._send(part[number + 1 :])
            return {**before, part[number][0]: Never(f"{self._host()}: {reason}"), **behind}
        if fault:
            return await self._halve(part, reason)
        retry = Retry(f"{self._host()}: {reason}", http.wish(answer))
        partly = isinstance(number, int) and code in (9, 26) and 0 <= number <= len(part)
        taken = number if partly and self._took_some(answer) else 0
        return {**self._took(part[:taken], answer), **self._all(part[taken:], retry)}

    def _took_some(self, answer: httpx.Response) -> bool:
        """Whether a server that refused an event has taken those before it.

        Splunk has, and says so by the number to ask after. The OpenTelemetry Collector has taken none;
        without acknowledgement only the name of the server tells the two apart.
        """
        if self.acknowledge:
            return "ackId" in http.told(answer)
        server: str = answer.headers.get("server", "")
        return server.lower().startswith("splunkd")

    async def _halve(self, part: Sequence[tuple[str, bytes]], reason: str) -> dict[str, Outcome]:
        """The server does not say which event is at fault: find it."""
        if len(part) == 1:
            return {part[0][0]: Never(f"{self._host()}: {reason} ({len(part[0][1])} bytes)")}
        middle = len(part) // 2
        return {**await self._send(part[:middle]), **await self._send(part[middle:])}

    def _took(self, part: Sequence[tuple[str, bytes]], answer: httpx.Response) -> dict[str, Outcome]:
        """The server has them in memory. Raises ``SinkError`` if it acknowledges nothing though it should."""
        if not self.acknowledge:
            return self._all(part, Delivered())
        if not part:
            return {}
        ack = http.told(answer).get("ackId")
        if not isinstance(ack, int):
            raise SinkError(_NO_ACK)
        if ack <= self._last_ack:
            self._sent.clear()  # the server began to count anew: it knows nothing of what it had in memory
        self._last_ack = ack
        self._sent |= {each: _Sent(ack, time.monotonic()) for each, _ in part}
        return {}

    async def _acknowledged(self, ids: set[str]) -> dict[str, Outcome]:
        """Ask until all requests of ``ids`` are acknowledged, or this call has waited long enough."""
        outcomes: dict[str, Outcome] = {}
        deadline, pause = time.monotonic() + self.wait, _FIRST_POLL
        while waiting := ids - set(outcomes):
            self._forget_old()
            done = await self._poll(sorted({self._sent[each].ack for each in waiting if each in self._sent}))
            for each in waiting:
                if each not in self._sent:
                    outcomes[each] = Retry("never acknowledged: the server forgot it, or its answer was lost")
                elif self._sent[each].ack in done:
                    del self._sent[each]
                    outcomes[each] = Delivered()
            if time.monotonic() + pause > deadline:
                break
            if ids - set(outcomes):
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_POLL)
        return {each: outcomes.get(each, Retry("not acknowledged by the indexer yet")) for each in ids}

    async def _poll(self, acks: list[int]) -> set[int]:
        """Those of the requests that are on disk. No answer is no news."""
        if not acks:
            return set()
        try:
            answer = await self.client.post(f"{self.collector}/ack", json={"acks": acks})
        except httpx.RequestError:
            return set()
        if answer.status_code != 200:
            if _code(answer) in _ACK_DISABLED:
                raise SinkError(_NO_ACK)
            return set()
        told = http.told(answer).get("acks")
        return {ack for ack in acks if isinstance(told, dict) and told.get(str(ack)) is True}

    def _forget_old(self) -> None:
        """What has waited too long is sent again."""
        oldest = time.monotonic() - self.patience
        self._sent = {each: sent for each, sent in self._sent.items() if sent.at > oldest}

    def _all(self, part: Sequence[tuple[str, bytes]], outcome: Outcome) -> dict[str, Outcome]:
        return {each: outcome for each, _ in part}

    def _host(self) -> str:
        return httpx.URL(self.collector).host


def _entry(detection: Detection, given: dict[str, str]) -> bytes | Never:
    """The envelope of an event. Its time is written in full: the collector takes no exponents."""
    event = body(detection)
    if isinstance(event, Never):
        return event
    seconds, rest = divmod(detection.time, 10**9)
    fields = {
        "detection_id": detection.id,
        "priority": detection.rule.priority,
        "mitre_technique_id": [technique.id for technique in detection.rule.techniques],
    }
    return orjson.dumps(
        {
            "time": orjson.Fragment(f"{seconds}.{rest:09d}"),
            "host": detection.host.name,
            **given,
            "fields": {name: value for name, value in fields.items() if value},
            "event": orjson.Fragment(event),
        }
    )


def _code(answer: httpx.Response) -> int | None:
    code = http.told(answer).get("code")
    return code if isinstance(code, int) else None


def _reason(answer: httpx.Response) -> str:
    code = _code(answer)
    text = _REMEDIES.get(-1 if code is None else code) or str(http.told(answer).get("text", ""))[:200]
    return f"{answer.status_code} {answer.reason_phrase}" + (f", code {code}: {text}" if text else "")
