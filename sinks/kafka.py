"""Writes detections to a Kafka topic of the user's choice, on a Kafka that need not be tracetide's own."""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, RecordTooLargeError
from pydantic import Field, FilePath, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from sinks.body import body
from sinks.contract import Delivered, Never, Outcome, Retry, SinkError
from sinks.ecs import document
from sinks.formats.ocsf import encoded as ocsf
from wire.detection import Detection

Shape = Literal["tracetide", "ecs", "ocsf"]

# What the destination takes in one record; its own limit is asked by trying.
_LARGEST = 8 << 20


class Settings(BaseSettings):
    """``TRACETIDE_KAFKA_*``; without anything behind it, ``TRACETIDE_KAFKA`` is where tracetide's own is."""

    model_config = SettingsConfigDict(env_prefix="TRACETIDE_KAFKA_")

    servers: str = Field(description="where that Kafka is, HOST:PORT[,…]")
    topic: str = Field(description="the topic; it must exist", pattern=r"^[A-Za-z0-9._-]{1,249}$")
    format: Shape = Field("tracetide", description="what the values are: tracetide, ecs or ocsf")
    tls: bool = Field(False, description="whether to speak TLS")
    ca_certs: FilePath | None = Field(None, description="a file with the certificate authority there")
    username: str | None = Field(None, description="a user, for SASL")
    password: SecretStr | None = Field(None, description="the user's password")
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="how SASL proves the password"
    )
    timeout: float = Field(30, description="seconds to wait for an acknowledgement", gt=0)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.ca_certs and not self.tls:
            raise ValueError("TRACETIDE_KAFKA_CA_CERTS is of use only with TRACETIDE_KAFKA_TLS=true")
        if (self.username is None) != (self.password is None):
            raise ValueError("TRACETIDE_KAFKA_USERNAME and TRACETIDE_KAFKA_PASSWORD need each other")
        if self.mechanism == "PLAIN" and self.password and not self.tls:
            raise ValueError("TRACETIDE_KAFKA_MECHANISM PLAIN shows the password to the network without TLS")
        return self


def create(settings: Settings) -> "KafkaSink":
    """The sink for these settings; it connects with the first detection."""
    options: dict[str, Any] = {
        "security_protocol": ("SASL_" if settings.username else "") + ("SSL" if settings.tls else "PLAINTEXT")
    }
    if settings.tls:
        options["ssl_context"] = ssl.create_default_context(cafile=settings.ca_certs)
    if settings.username and settings.password:
        options |= {
            "sasl_mechanism": settings.mechanism,
            "sasl_plain_username": settings.username,
            "sasl_plain_password": settings.password.get_secret_value(),
        }
    return KafkaSink(settings.servers, settings.topic, settings.format, settings.timeout, options)


@dataclass
class KafkaSink:
    """One record for each detection; its key is the detection's id, so a compacted topic keeps it once."""

    servers: str
    topic: str
    shape: Shape
    timeout: float
    options: Mapping[str, Any] = field(repr=False)
    name: str = "kafka"
    at_once: int = 1
    _producer: AIOKafkaProducer = None

    async def deliver(self, detections: Sequence[Detection]) -> Sequence[Outcome]:
        """Send them all, then wait for the acknowledgement of all replicas in sync."""
        if not detections:
            return []
        try:
            producer = await self._connected()
        except KafkaError as error:
            return [Retry(f"Kafka cannot be reached ({type(error).__name__})")] * len(detections)
        return await asyncio.gather(*(self._send(producer, detection) for detection in detections))

    async def check(self) -> None:
        """Reach the brokers and find the topic."""
        try:
            producer = await self._connected()
            async with asyncio.timeout(self.timeout):
                await producer.partitions_for(self.topic)
        except (KafkaError, TimeoutError) as error:
            raise SinkError(
                f"Kafka at {self.servers} has no topic {self.topic}, or cannot be reached "
                f"({type(error).__name__})"
            ) from None

    async def close(self) -> None:
        """Close the connections."""
        if self._producer is not None:
            producer, self._producer = self._producer, None
            await producer.stop()

    async def _connected(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self.servers,
                acks="all",  # and not idempotent: after one refused record such a producer sends no more
                compression_type="zstd",
                max_request_size=_LARGEST,
                request_timeout_ms=int(self.timeout * 1000),
                **self.options,
            )
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        return self._producer

    async def _send(self, producer: AIOKafkaProducer, detection: Detection) -> Outcome:
        value = _SHAPES[self.shape](detection)
        if isinstance(value, Never):
            return value
        try:
            async with asyncio.timeout(self.timeout):
                await producer.send_and_wait(self.topic, value, key=detection.id.encode())
        except (MessageSizeTooLargeError, RecordTooLargeError):
            return Never(f"a record of {len(value)} bytes is too large for the topic {self.topic}")
        except (KafkaError, TimeoutError) as error:
            return Retry(f"Kafka does not take it ({type(error).__name__})")
        return Delivered()


def _ecs(detection: Detection) -> bytes | Never:
    try:
        return document(detection, datetime.now(UTC))
    except (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError) as error:
        return Never(f"no document can be made of it: {error}")


_SHAPES = {"tracetide": body, "ecs": _ecs, "ocsf": ocsf}
