"""Sends detections as syslog (RFC 5424) over TLS, TCP or UDP; the message is JSON, CEF or LEEF.

Syslog acknowledges nothing. Over TLS and TCP a detection counts as delivered when the operating system of
the receiver has acknowledged its bytes and the connection still stands; what the receiver's program had not
read when it crashed is lost, and only a protocol with acknowledgements could tell.
"""

import asyncio
import contextlib
import fcntl
import socket
import ssl
import struct
import termios
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Literal, Self

from pydantic import Field, FilePath, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from sinks.body import body
from sinks.contract import Delivered, Never, Outcome, Retry, SinkError
from sinks.formats.cef import cef
from sinks.formats.leef import leef
from sinks.formats.times import timestamp
from sinks.formats.values import SYSLOG
from wire.detection import Detection

Protocol = Literal["tls", "tcp", "udp"]
Shape = Literal["json", "cef", "leef"]
Framing = Literal["octets", "lines"]

# What fits into a datagram over IPv4.
_DATAGRAM = 65_507

# TLS 1.3 lets a server refuse a certificate after the client thinks that all is well; seconds to wait for it.
_SECOND_THOUGHT = 0.1

# Seconds between two looks whether the receiver has acknowledged all bytes.
_LOOK = 0.02


class Settings(BaseSettings):
    """``TRACETIDE_SYSLOG_*``."""

    model_config = SettingsConfigDict(env_prefix="TRACETIDE_SYSLOG_")

    host: str = Field(description="the receiver's name or address", min_length=1)
    port: int = Field(
        6514, description="its port; 6514 is that of TLS, 514 that of TCP and UDP", gt=0, lt=65536
    )
    protocol: Protocol = Field(
        "tls", description="tls, tcp or udp; the last two let everybody read and write"
    )
    format: Shape = Field("json", description="json, cef or leef")
    framing: Framing = Field(
        "octets",
        description="octets counts the bytes of a message (RFC 6587), lines ends it with a line break",
    )
    facility: int = Field(13, description="the facility by its number; 13 is log audit", ge=0, le=23)
    ca_certs: FilePath | None = Field(
        None, description="a file with the certificate authority of the receiver"
    )
    client_cert: FilePath | None = Field(None, description="a file with the certificate to show the receiver")
    client_key: FilePath | None = Field(None, description="a file with its key")
    client_key_password: SecretStr | None = Field(None, description="the password of that key")
    timeout: float = Field(30, description="seconds to wait for the receiver", gt=0)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        files = [name for name in ("ca_certs", "client_cert", "client_key") if getattr(self, name)]
        if files and self.protocol != "tls":
            raise ValueError(f"TRACETIDE_SYSLOG_{files[0].upper()} is of use only with TLS")
        if (self.client_cert is None) != (self.client_key is None):
            raise ValueError("TRACETIDE_SYSLOG_CLIENT_CERT and TRACETIDE_SYSLOG_CLIENT_KEY need each other")
        return self


def create(settings: Settings) -> "SyslogSink":
    """The sink for these settings; raises ``SinkError`` if its certificates are none."""
    return SyslogSink(
        host=settings.host,
        port=settings.port,
        protocol=settings.protocol,
        message=_SHAPES[settings.format],
        lines=settings.framing == "lines",
        facility=settings.facility,
        timeout=settings.timeout,
        tls=_context(settings) if settings.protocol == "tls" else None,
    )


@dataclass
class SyslogSink:
    """One connection, made when it is needed and kept."""

    host: str
    port: int
    protocol: Protocol
    message: Callable[[Detection], bytes | Never]
    lines: bool
    facility: int
    timeout: float
    tls: ssl.SSLContext | None = field(repr=False)
    name: str = "syslog"
    at_once: int = 1
    _stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def deliver(self, detections: Sequence[Detection]) -> Sequence[Outcome]:
        """Write them all; after an error all are to be tried again, also those that may have arrived."""
        messages = [self._syslog(detection) for detection in detections]
        sound = [message for message in messages if isinstance(message, bytes)]
        try:
            async with asyncio.timeout(self.timeout):
                if self.protocol == "udp":
                    await self._send_datagrams(sound)
                elif sound:
                    await self._write(b"".join(map(self._framed, sound)))
        except (OSError, TimeoutError) as error:
            await self.close()
            return [
                message if isinstance(message, Never) else Retry(f"{self._place()}: {_why(error)}")
                for message in messages
            ]
        return [message if isinstance(message, Never) else Delivered() for message in messages]

    async def check(self) -> None:
        """Connect, with TLS also greet; who may write is not told before something is written."""
        try:
            async with asyncio.timeout(self.timeout):
                if self.protocol == "udp":
                    await asyncio.get_running_loop().getaddrinfo(self.host, self.port)
                else:
                    await self._connected()
        except (OSError, TimeoutError) as error:
            raise SinkError(
                f"the syslog receiver {self._place()} cannot be reached ({_why(error)})"
            ) from None

    async def close(self) -> None:
        """Close the connection."""
        if self._stream is not None:
            _, writer = self._stream
            self._stream = None
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), 2)

    async def _write(self, data: bytes) -> None:
        reader, writer = await self._connected()
        writer.write(data)
        await writer.drain()
        transport, connection = writer.transport, writer.get_extra_info("socket")
        while transport.get_write_buffer_size() or _unacknowledged(connection):
            if reader.at_eof() or reader.exception():
                break
            await asyncio.sleep(_LOOK)
        if reader.at_eof() or transport.is_closing():
            raise ConnectionResetError

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The connection, or a new one if the receiver has closed it meanwhile."""
        if self._stream and (self._stream[0].at_eof() or self._stream[1].transport.is_closing()):
            await self.close()
        if self._stream is None:
            self._stream = await asyncio.open_connection(
                self.host, self.port, ssl=self.tls, server_hostname=self.host if self.tls else None
            )
            await asyncio.sleep(_SECOND_THOUGHT if self.tls else 0)
            if self._stream[0].at_eof():
                await self.close()
                raise ConnectionRefusedError(0, "the receiver closed the connection after the greeting")
        return self._stream

    async def _send_datagrams(self, messages: Sequence[bytes]) -> None:
        loop = asyncio.get_running_loop()
        family, kind, protocol, _, address = (
            await loop.getaddrinfo(self.host, self.port, type=socket.SOCK_DGRAM)
        )[0]
        with socket.socket(family, kind, protocol) as datagrams:
            datagrams.setblocking(False)
            for message in messages:
                await loop.sock_sendto(datagrams, message, address)

    def _syslog(self, detection: Detection) -> bytes | Never:
        """Header, structured data, message; the header takes printable ASCII without spaces only."""
        message = self.message(detection)
        if isinstance(message, Never):
            return message
        try:
            moment = timestamp(detection.time)[:-4] + "Z"  # it takes six digits behind the point
        except (ArithmeticError, ValueError, OSError) as error:
            return Never(f"its time cannot be written: {error}")
        grade = self.facility * 8 + SYSLOG[detection.rule.priority]
        host = "".join(each for each in detection.host.name if "!" <= each <= "~")[:255] or "-"
        whole = f"<{grade}>1 {moment} {host} tracetide - detection - ".encode() + message
        if self.protocol == "udp" and len(whole) > _DATAGRAM:
            return Never(f"a message of {len(whole)} bytes does not fit into a datagram")
        return whole

    def _framed(self, message: bytes) -> bytes:
        return message + b"\n" if self.lines else str(len(message)).encode() + b" " + message

    def _place(self) -> str:
        return f"{self.protocol}://{self.host}:{self.port}"


def _unacknowledged(connection: Any) -> int:  # noqa: ANN401  # asyncio gives a wrapper that is no socket
    """Bytes that the receiver's system has not acknowledged (``SIOCOUTQ``, tcp(7))."""
    try:
        answer = fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, struct.pack("I", 0))
    except (OSError, ValueError):
        return 0  # it is closed, and the caller sees that
    return int(struct.unpack("I", answer)[0])


def _context(settings: Settings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca_certs)
        if settings.client_cert and settings.client_key:
            password = settings.client_key_password
            context.load_cert_chain(
                settings.client_cert,
                settings.client_key,
                password.get_secret_value if password else "",
            )
    except OSError as error:
        raise SinkError(f"the certificates of TRACETIDE_SYSLOG_* cannot be used: {_why(error)}") from None
    return context


def _why(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


def _cef(detection: Detection) -> bytes:
    return cef(detection, version("tracetide")).encode()


def _leef(detection: Detection) -> bytes:
    return leef(detection, version("tracetide")).encode()


_SHAPES: dict[Shape, Callable[[Detection], bytes | Never]] = {"json": body, "cef": _cef, "leef": _leef}
