"""A real SMTP server on loopback, with TLS and a log-in, that can be as difficult as those of the world."""

import asyncio
import email
import email.policy
import ssl
import warnings
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

import pytest
import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.peers.server import free_port

USER, PASSWORD = "tracetide", "pass-phrase-of-mail"


@dataclass
class SmtpPeer:
    """What arrived, and how to answer: ``greylist`` defers each (sender, recipient) the first time."""

    port: int = 0
    ca: str = ""
    tls: str = ""
    greylist: bool = False
    refuse: dict[str, str] = field(default_factory=dict)
    data: list[str] = field(default_factory=list)
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    secured: list[bool] = field(default_factory=list)
    _seen: set[tuple[str, str]] = field(default_factory=set)

    async def handle_RCPT(  # noqa: N802  # the library's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Take a recipient or not."""
        if address in self.refuse:
            return self.refuse[address]
        key = str(envelope.mail_from), address
        if self.greylist and key not in self._seen:
            self._seen.add(key)
            return "451 4.7.1 Greylisting in action, please come back later"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # the same
        """Take a mail; ``data`` has the next answers, and a mail may have been taken all the same."""
        answer = self.data.pop(0) if self.data else "250 OK"
        if answer.startswith("250") or answer.endswith("after all"):
            content = envelope.original_content or b""
            parsed = email.message_from_bytes(content, policy=email.policy.default)
            self.mails.append(parsed)
            self.recipients.append(list(envelope.rcpt_tos))
            self.secured.append(self.tls == "tls" or session.ssl is not None)
        return answer

    def log_in(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: object
    ) -> AuthResult:
        """Know one user."""
        if not isinstance(given, LoginPassword):
            return AuthResult(success=False)
        self.logins.append(given.login.decode())
        right = (given.login, given.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=False)


class _Server(Controller):
    """The library's controller, whose server asks for STARTTLS and a log-in."""

    def __init__(self, peer: SmtpPeer, context: ssl.SSLContext, *, wrapped: bool) -> None:
        self.peer, self.context, self.wrapped = peer, context, wrapped
        peer.port = free_port()
        super().__init__(
            peer,
            hostname="127.0.0.1",
            port=peer.port,
            ssl_context=context if wrapped else None,
            ready_timeout=10,
        )

    def factory(self) -> SMTP:
        """A server for one connection."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it does not see that the whole connection is TLS
            return SMTP(
                self.peer,
                hostname="mail.example",
                tls_context=None if self.wrapped else self.context,
                require_starttls=not self.wrapped,
                authenticator=self.peer.log_in,
                auth_required=True,
                auth_require_tls=not self.wrapped,
                enable_SMTPUTF8=True,
            )


@pytest.fixture(params=["starttls", "tls"])
async def smtp_peer(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SmtpPeer]:
    """A server that wants TLS and a password, by either way of TLS; ``ca`` is the authority to trust."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    peer = SmtpPeer(ca=str(tmp_path / "ca.pem"), tls=request.param)
    controller = _Server(peer, context, wrapped=request.param == "tls")
    controller.start()
    try:
        yield peer
    finally:
        await asyncio.sleep(0.05)  # both ends say good-bye in TLS before the loop of the test is gone
        controller.stop()
