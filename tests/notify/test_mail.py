"""Mail through a real SMTP server with TLS and a log-in: threads, greylisting, refusals, hostile texts."""

import email
import email.policy
import json
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from pydantic import ValidationError

from notify.contract import Delivered, Never, ReceiverError, Retry
from notify.message import Message
from notify.receivers.mail import MailReceiver, Settings, compose, create
from tests.notify.hostile import messages, patient
from tests.notify.samples import alert, say
from tests.peers.server import free_port
from tests.peers.smtp import PASSWORD, USER, SmtpPeer
from wire import detection as wire_detection

MARKER = "marker-d41d8cd98f"
HEADERS = {
    "subject", "from", "to", "date", "message-id", "in-reply-to", "references", "auto-submitted",
    "x-auto-response-suppress", "importance", "x-tracetide-incident", "x-tracetide-severity",
    "mime-version", "content-type",
}  # fmt: skip


def mailer(peer: SmtpPeer, **changes: Any) -> MailReceiver:
    """A receiver that sends to the server."""
    given: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": peer.port,
        "tls": peer.tls,
        "ca": peer.ca,
        "username": USER,
        "password": PASSWORD,
        "sender": "tracetide <alerts@example.org>",
        "to": ["soc@example.org", "Team Shop <shop@example.org>"],
        "timeout": 5,
    }
    return create(Settings(**{**given, **changes}))


async def test_a_mail_arrives_over_tls_with_all_its_parts(smtp_peer: SmtpPeer) -> None:
    """Text, HTML and the detections, for everybody, after a log-in on a secured line."""
    assert await mailer(smtp_peer).deliver(say(), "") == Delivered()
    (mail,) = smtp_peer.mails
    assert (smtp_peer.logins, smtp_peer.secured) == ([USER], [True])
    assert smtp_peer.recipients == [["soc@example.org", "shop@example.org"]]
    assert mail["subject"] == "[CRITICAL] A web server started a shell in container shop on node-1"
    assert (mail["importance"], mail["auto-submitted"]) == ("high", "auto-generated")
    plain, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert page is not None
    assert "== What to do now ==" in plain.get_content()
    assert "What to do now</p>" in page.get_content()
    attached = list(mail.iter_attachments())
    assert wire_detection.decode(attached[0].get_content()).id == alert(1).id


async def test_an_incident_is_one_thread(smtp_peer: SmtpPeer) -> None:
    """Later mails answer the first one, by its id; the same message again has the same id."""
    receiver = mailer(smtp_peer)
    for message in (say(), say(1), say(2), say(2)):
        assert isinstance(await receiver.deliver(message, ""), Delivered)
    first, second, third, again = smtp_peer.mails
    assert first["references"] is None
    assert second["references"] == third["in-reply-to"] == first["message-id"]
    assert len({mail["message-id"] for mail in smtp_peer.mails}) == 3
    assert again["message-id"] == third["message-id"]
    assert second["subject"] == f"Re: {first['subject']}"


async def test_greylisting_is_waited_out_and_nobody_gets_it_twice(smtp_peer: SmtpPeer) -> None:
    """The server defers everybody, then one more: each has the mail once in the end."""
    smtp_peer.greylist = True
    receiver = mailer(smtp_peer)
    assert await receiver.deliver(say(), "") == Retry(
        "recipients are not taken now: shop@example.org: 451, soc@example.org: 451"
    )
    smtp_peer.refuse["shop@example.org"] = "452 4.2.2 Over quota"
    assert isinstance(await receiver.deliver(say(), ""), Retry)
    del smtp_peer.refuse["shop@example.org"]
    assert await receiver.deliver(say(), "") == Delivered()
    assert smtp_peer.recipients == [["soc@example.org"], ["shop@example.org"]]
    assert len({mail["message-id"] for mail in smtp_peer.mails}) == 1


async def test_a_refused_address_does_not_keep_it_from_the_others(
    smtp_peer: SmtpPeer, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged; when all are refused, the message is for nobody."""
    smtp_peer.refuse["shop@example.org"] = "550 5.1.1 no such user"
    assert await mailer(smtp_peer).deliver(say(), "") == Delivered()
    assert "shop@example.org: 550" in caplog.text
    smtp_peer.refuse["soc@example.org"] = "550 5.1.1 no such user"
    assert isinstance(await mailer(smtp_peer).deliver(say(), ""), Never)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("451 4.3.0 try again", Retry),
        ("452 4.3.1 no room", Retry),
        ("554 5.7.1 spam", Never),
        ("552 5.3.4 too big", Never),
        ("421 4.3.2 after all", Retry),
    ],
)
async def test_what_the_server_says_of_the_mail_is_understood(
    smtp_peer: SmtpPeer, answer: str, kind: type[Retry | Never]
) -> None:
    """4xx comes again, 5xx is for good; a mail that was taken all the same comes again with the same id."""
    smtp_peer.data = [answer]
    receiver = mailer(smtp_peer)
    assert isinstance(await receiver.deliver(say(), ""), kind)
    if kind is Retry:
        assert await receiver.deliver(say(), "") == Delivered()
        assert len({mail["message-id"] for mail in smtp_peer.mails}) == 1


async def test_a_wrong_password_waits_for_the_right_one_and_is_not_told(
    smtp_peer: SmtpPeer, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is lost meanwhile, and no password is in what is said."""
    caplog.set_level("DEBUG", "notify")
    receiver = mailer(smtp_peer, password=MARKER)
    outcome = await receiver.deliver(say(), "")
    assert outcome == Retry("127.0.0.1 answers 535: it does not take the user and the password")
    with pytest.raises(ReceiverError, match="does not take the user") as caught:
        await receiver.check()
    assert MARKER not in f"{outcome} {caught.value!r} {receiver!r} {caplog.text}"


async def test_a_server_nobody_vouches_for_gets_nothing(smtp_peer: SmtpPeer) -> None:
    """Neither the mail nor the password."""
    outcome = await mailer(smtp_peer, ca=None).deliver(say(), "")
    assert isinstance(outcome, Retry)
    assert (smtp_peer.logins, smtp_peer.mails) == ([], [])


async def test_a_check_tells_nobody(smtp_peer: SmtpPeer) -> None:
    """It logs in, sends no mail, and says when there is no server."""
    await mailer(smtp_peer).check()
    assert (smtp_peer.logins, smtp_peer.mails) == ([USER], [])
    with pytest.raises(ReceiverError, match="no good connection"):
        await mailer(smtp_peer, port=free_port()).check()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"tls": "none"}, "would travel in the clear"),
        ({"password": None}, "belong together"),
        ({"to": []}, "at least 1 item"),
        ({"to": ["a@b\r\nBcc: c@d"]}, "is no address"),
        ({"sender": "x"}, "is no address"),
    ],
)
def test_settings_that_cannot_work_are_said(changes: dict[str, Any], sentence: str) -> None:
    """Before the first alert needs them."""
    with pytest.raises(ValidationError, match=sentence):
        mailer(SmtpPeer(port=25, tls="starttls"), **changes)


@patient
@given(messages())
def test_a_mail_has_no_header_recipient_or_part_of_an_attacker(made: Message) -> None:
    """As another program reads it."""
    written = compose(made, mailer(SmtpPeer(port=25, tls="starttls")).settings).as_bytes()
    read = email.message_from_bytes(written, policy=email.policy.default)
    assert isinstance(read, EmailMessage)
    assert {name.lower() for name in read.keys()} <= HEADERS  # noqa: SIM118  # a mail is no mapping
    assert [each.addr_spec for each in read["to"].addresses] == ["soc@example.org", "shop@example.org"]
    assert [part.get_content_type() for part in read.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "text/html", "application/json"
    ]  # fmt: skip
    (attached,) = read.iter_attachments()
    assert attached.get_filename() == f"incident-{made.incident}-0.json"
    decoder, rest, count = json.JSONDecoder(), attached.get_content().decode(), 0
    while rest.strip():
        _, end = decoder.raw_decode(rest.strip())
        rest, count = rest.strip()[end:], count + 1
    assert count == len(made.detections)
