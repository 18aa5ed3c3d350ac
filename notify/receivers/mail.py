"""Mail by SMTP: one thread for each incident, HTML and text, the detections attached."""

import hashlib
import logging
import ssl
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import Literal

import aiosmtplib
import msgspec
from pydantic import Field, SecretStr, field_validator, model_validator

from notify.contract import Delivered, Never, Outcome, ReceiverError, Retry
from notify.message import Message
from notify.receivers.settings import ReceiverSettings
from notify.render.html import html
from notify.render.text import subject, text
from wire import detection as wire_detection
from wire.detection import Detection

_log = logging.getLogger(__name__)

# Room for a subject in one line: some programs show where a longer one was folded. RFC 5322 allows 998.
_LINE = 300
_URGENT = ("critical", "high")


class Settings(ReceiverSettings):
    """``mail``: a server, who sends, who receives."""

    host: str = Field(description="the SMTP server")
    port: int = Field(587, description="587 for STARTTLS, 465 for TLS from the start", gt=0, lt=65536)
    tls: Literal["starttls", "tls", "none"] = Field("starttls", description="starttls, tls, or none")
    ca: str | None = Field(None, description="a file with the certificate authority of the server")
    username: str | None = Field(None, description="who logs in, if the server wants that")
    password: SecretStr | None = Field(None, description="the password of that user")
    sender: str = Field(description="the address the mail comes from, such as tracetide <alerts@example.org>")
    to: list[str] = Field(description="the addresses it goes to", min_length=1)
    attach: bool = Field(True, description="whether the detections are attached as JSON")
    timeout: float = Field(30, description="seconds to wait for an answer", gt=0)

    @field_validator("to", mode="before")
    @classmethod
    def _one_or_many(cls, to: object) -> object:
        return [to] if isinstance(to, str) else to

    @field_validator("to")
    @classmethod
    def _addresses(cls, to: list[str]) -> list[str]:
        return [_address(each) for each in to]

    @field_validator("sender")
    @classmethod
    def _sender(cls, sender: str) -> str:
        return _address(sender)

    @model_validator(mode="after")
    def _safe(self) -> "Settings":
        if self.username and self.tls == "none":
            raise ValueError("a password would travel in the clear: set tls to starttls or tls")
        if bool(self.username) != bool(self.password):
            raise ValueError("username and password belong together")
        return self


def _address(written: str) -> str:
    address = parseaddr(written)[1]
    if "@" not in address or any(ord(character) < 32 for character in written):
        raise ValueError(f"'{written}' is no address")
    return written


def create(settings: Settings) -> "MailReceiver":
    """What delivers to these addresses."""
    return MailReceiver(settings)


@dataclass(frozen=True)
class MailReceiver:
    """One connection for each message: there are few, and a server closes those that idle.

    ``_taken`` are the addresses that have a message which others have not yet.
    """

    settings: Settings
    _taken: dict[str, set[str]] = field(default_factory=dict)

    async def deliver(self, message: Message, thread: str) -> Outcome:
        """Send; the Message-ID is the message's own, so that one sent again is known to be the same."""
        mail = compose(message, self.settings)
        taken = self._taken.setdefault(message.id, set())
        left = [parseaddr(each)[1] for each in self.settings.to if parseaddr(each)[1] not in taken]
        try:
            async with self._client() as client:
                refused, _ = await client.sendmail(mail["From"].addresses[0].addr_spec, left, mail.as_bytes())
        except aiosmtplib.SMTPRecipientsRefused as error:
            refused = {one.recipient: aiosmtplib.SMTPResponse(one.code, "") for one in error.recipients}
        except (aiosmtplib.SMTPException, OSError) as error:
            return _outcome(error, self.settings.host)
        taken |= set(left) - refused.keys()
        outcome = _partly({address: response.code for address, response in refused.items()}, some=bool(taken))
        if not isinstance(outcome, Retry):
            del self._taken[message.id]
        return outcome

    async def check(self) -> None:
        """Connect, secure the line and log in."""
        try:
            async with self._client():
                return
        except (aiosmtplib.SMTPException, OSError) as error:
            outcome = _outcome(error, self.settings.host)
            raise ReceiverError(f"mail: {outcome.reason}") from None

    async def close(self) -> None:
        """Nothing is held."""

    def _client(self) -> aiosmtplib.SMTP:
        settings = self.settings
        context = ssl.create_default_context(cafile=settings.ca) if settings.tls != "none" else None
        return aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            username=settings.username,
            password=settings.password.get_secret_value() if settings.password else None,
            use_tls=settings.tls == "tls",
            start_tls=settings.tls == "starttls",
            tls_context=context,
            timeout=settings.timeout,
        )


def compose(message: Message, settings: Settings) -> EmailMessage:
    """The mail. A header is one line whatever is in it: the texts are made visible before."""
    title = subject(message)
    mail = EmailMessage(policy=SMTP.clone(max_line_length=_LINE) if title.isascii() else SMTP)
    mail["Subject"] = title if message.number == 0 else f"Re: {title}"
    mail["From"], mail["To"] = settings.sender, ", ".join(settings.to)
    mail["Date"] = format_datetime(datetime.fromtimestamp(message.time, UTC))
    mail["Message-ID"] = _message_id(message.incident, message.number, settings)
    if message.number:
        first = _message_id(message.incident, 0, settings)
        mail["In-Reply-To"], mail["References"] = first, first
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    if message.severity in _URGENT:
        mail["Importance"] = "high"
    mail["X-Tracetide-Incident"], mail["X-Tracetide-Severity"] = message.incident, message.severity
    mail.set_content(text(message))
    mail.add_alternative(html(message), subtype="html")
    if settings.attach:
        mail.add_attachment(
            attachment(message.detections),
            maintype="application",
            subtype="json",
            filename=f"incident-{message.incident}-{message.number}.json",
        )
    return mail


def attachment(detections: Sequence[Detection]) -> bytes:
    """The detections as JSON, one after the other; what cannot be written as JSON is left out."""
    written = []
    for detection in detections:
        with suppress(TypeError, ValueError, RecursionError):
            written.append(msgspec.json.format(wire_detection.encode(detection)))
    return b"\n".join(written)


def _message_id(incident: str, number: int, settings: Settings) -> str:
    """The same for the same message; each list of recipients has a thread of its own."""
    whom = hashlib.blake2b(" ".join(settings.to).encode(), digest_size=4).hexdigest()
    domain = parseaddr(settings.sender)[1].rpartition("@")[2]
    return f"<tracetide.{incident}.{whom}.{number}@{domain}>"


def _outcome(error: Exception, host: str) -> Retry | Never:
    """4xx is greylisting or a busy server; what concerns the server or the log-in is mended there."""
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return Retry(f"{host} answers {error.code}: it does not take the user and the password")
    if isinstance(error, aiosmtplib.SMTPSenderRefused | aiosmtplib.SMTPDataError) and error.code >= 500:
        return Never(f"{host} answers {error.code}: it refuses the mail")
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return Retry(f"{host} answers {error.code}")
    return Retry(f"{host} gives no good connection ({type(error).__name__})")


def _partly(codes: dict[str, int], *, some: bool) -> Outcome:
    """What becomes of recipients that were refused; those that are refused for good do not hold up others."""
    told = ", ".join(f"{address}: {code}" for address, code in sorted(codes.items()))
    if any(code < 500 for code in codes.values()):
        return Retry(f"recipients are not taken now: {told}")
    if codes and not some:
        return Never(f"recipients are refused: {told}")
    if codes:
        _log.warning("mail: recipients are refused, the others have it: %s", told)
    return Delivered()
