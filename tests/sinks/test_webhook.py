"""The webhook sink against a real server with a script."""

import gzip
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from sinks.contract import Delivered, Never, Outcome, Retry, SinkError
from sinks.formats.template import NAMES
from sinks.formats.values import values
from sinks.http import retry_after
from sinks.settings import load
from sinks.webhook import Settings, WebhookSink, create, signature
from tests.peers.http import Answer, HttpPeer
from tests.peers.server import free_port
from tests.sinks.samples import detection, detections, process
from tests.sinks.test_ecs import EVENTS
from wire import detection as wire_detection


@pytest.fixture
async def webhook(http_peer: HttpPeer) -> AsyncIterator[WebhookSink]:
    """A sink that posts to the scripted server with a token."""
    address = SecretStr(f"{http_peer.url}/hooks/marker-in-path")
    sink = create(Settings(url=address, token=SecretStr("marker-token"), timeout=0.5))
    yield sink
    await sink.close()


async def test_each_detection_is_posted_with_its_id_and_the_token(
    webhook: WebhookSink, http_peer: HttpPeer
) -> None:
    """A receiver can tell by the header that it has one already."""
    assert await webhook.deliver(detections(20)) == [Delivered()] * 20
    posted = {request.headers["idempotency-key"]: request for request in http_peer.requests}
    assert set(posted) == {found.id for found in detections(20)}
    request = posted[detection(1).id]
    assert wire_detection.decode(request.body) == detection(1)
    assert request.headers["authorization"] == "Bearer marker-token"
    assert (request.method, request.path) == ("POST", "/hooks/marker-in-path")


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Answer(200), Delivered),
        (Answer(204), Delivered),
        (Answer(301, headers={"Location": "http://elsewhere.invalid/"}), Retry),
        (Answer(400), Never),
        (Answer(401), Retry),
        (Answer(403), Retry),
        (Answer(404), Never),
        (Answer(408), Retry),
        (Answer(413), Never),
        (Answer(422), Never),
        (Answer(429), Retry),
        (Answer(500), Retry),
        (Answer(503), Retry),
        (Answer(cut=True), Retry),
        (Answer(delay=1), Retry),
    ],
)
async def test_every_answer_has_an_outcome(
    webhook: WebhookSink, http_peer: HttpPeer, answer: Answer, outcome: type[Outcome]
) -> None:
    """Success is delivered, what may pass is tried again, what says no for good is a dead letter."""
    http_peer.script.append(answer)
    (got,) = await webhook.deliver([detection()])
    assert isinstance(got, outcome)
    assert len(http_peer.requests) == 1


async def test_the_server_says_when_to_come_back(webhook: WebhookSink, http_peer: HttpPeer) -> None:
    """Retry-After becomes part of the outcome."""
    http_peer.script.append(Answer(429, headers={"Retry-After": "17"}))
    (outcome,) = await webhook.deliver([detection()])
    assert isinstance(outcome, Retry)
    assert outcome.after == 17


KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


async def test_a_receiver_can_tell_who_sent_it(http_peer: HttpPeer) -> None:
    """The library of Standard Webhooks accepts the signature of this body, no other, and not for long."""
    sink = create(Settings(url=SecretStr(http_peer.url), secret=SecretStr(KEY)))
    await sink.deliver([detection()])
    await sink.close()
    (request,) = http_peer.requests
    receiver = Webhook(KEY)
    assert receiver.verify(request.body, request.headers)["id"] == detection().id
    for body, headers in (
        (request.body.replace(b"sh", b"xx"), request.headers),
        (request.body, {**request.headers, "webhook-timestamp": "1700000000"}),
        (request.body, {**request.headers, "webhook-id": detection(2).id}),
    ):
        with pytest.raises(WebhookVerificationError):
            receiver.verify(body, headers)


def test_the_signature_is_of_the_bytes_that_travel() -> None:
    """A compressed body is checked before it is unpacked."""
    packed = gzip.compress(b"{}")
    signed = signature(SecretStr(KEY), "1", 1, packed)["webhook-signature"]
    assert signed != signature(SecretStr(KEY), "1", 1, b"{}")["webhook-signature"]


async def test_bodies_may_be_compressed(http_peer: HttpPeer) -> None:
    """The header says so, and the whole detection comes out of it."""
    sink = create(Settings(url=SecretStr(http_peer.url), gzip=True))
    await sink.deliver([detection()])
    await sink.close()
    (request,) = http_peer.requests
    assert request.headers["content-encoding"] == "gzip"
    assert wire_detection.decode(request.body) == detection()


async def test_a_body_may_have_a_shape_of_its_own(http_peer: HttpPeer, tmp_path: Path) -> None:
    """Names in texts are filled in; what an attacker wrote neither ends a text nor names anything."""
    shape = {
        "text": "$rule on $host: $command_line",
        "n": 1,
        "list": ["${priority}", {"whole": "$detection"}, "costs $$5, $source_ip."],
    }
    (tmp_path / "shape.json").write_text(json.dumps(shape))
    sink = create(Settings(url=SecretStr(http_peer.url), template=tmp_path / "shape.json"))
    odd = detection(1, process=process(40, '"}, "admin": true, {"', "$host"))
    await sink.deliver([odd])
    await sink.close()
    body: dict[str, Any] = json.loads(http_peer.requests[0].body)
    assert body["text"] == 'A web server started a shell on node-1: "}, "admin": true, {" $host'
    assert body["list"][0] == "Critical"
    assert body["list"][1]["whole"]["id"] == odd.id
    assert body["list"][2] == "costs $5, ."
    assert set(body) == set(shape)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"text": "$rule', "the template is no JSON"),
        ('{"text": "$nonesuch"}', r"there is no \$nonesuch; there are ancestors, boot"),
        ('{"text": "5 $ and more"}', r"a \$ is followed by no name"),
    ],
)
def test_a_wrong_template_is_said_at_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, fault: str
) -> None:
    """A sentence with the variable and what is wrong."""
    (tmp_path / "shape.json").write_text(text)
    monkeypatch.setenv("TRACETIDE_WEBHOOK_URL", "https://hooks.example/")
    monkeypatch.setenv("TRACETIDE_WEBHOOK_TEMPLATE", str(tmp_path / "shape.json"))
    with pytest.raises(SinkError, match=f"TRACETIDE_WEBHOOK_TEMPLATE is wrong .*{fault}"):
        load(Settings)


def test_every_name_of_a_template_can_be_filled() -> None:
    """Names and values are of one list: a detection of each kind fills no others."""
    for event in EVENTS.values():
        assert set(values(detection(event=event))) <= set(NAMES)
    connect = values(detection(event=EVENTS["connect"], lost=1))
    opened = values(detection(event=EVENTS["read"]))
    assert set(NAMES) - {"title", "time", "epoch", "detection"} == set(connect) | set(opened)


@pytest.mark.parametrize("secret", ["no base64!", "c2hvcnQ="])
def test_a_weak_key_is_refused(monkeypatch: pytest.MonkeyPatch, secret: str) -> None:
    """Too short or no base64: said at the start, without the key."""
    monkeypatch.setenv("TRACETIDE_WEBHOOK_URL", "https://hooks.example/")
    monkeypatch.setenv("TRACETIDE_WEBHOOK_SECRET", secret)
    with pytest.raises(SinkError, match=r"TRACETIDE_WEBHOOK_SECRET is wrong .*24 bytes") as caught:
        load(Settings)
    assert secret not in str(caught.value)


def test_retry_after_has_two_forms() -> None:
    """Seconds or a date; anything else is no wish."""
    now = datetime(2026, 11, 25, 12, 0, 0, tzinfo=UTC)
    assert retry_after("120", now) == 120
    assert retry_after("Wed, 25 Nov 2026 12:00:30 GMT", now) == 30
    assert retry_after("Wed, 25 Nov 2026 11:00:00 GMT", now) == 0
    assert [retry_after(value, now) for value in (None, "soon", "-1", "Wed, 25 Nov 2026 12:00:30")] == [
        None
    ] * 4


async def test_a_server_that_is_not_there_is_a_reason_to_try_again() -> None:
    """Delivery waits for it; the check names it without the secret part of its address."""
    port = free_port()
    sink = create(Settings(url=SecretStr(f"http://127.0.0.1:{port}/marker-in-path")))
    (outcome,) = await sink.deliver([detection()])
    assert isinstance(outcome, Retry)
    assert "marker" not in outcome.reason
    with pytest.raises(SinkError, match=r"127\.0\.0\.1 cannot be reached") as caught:
        await sink.check()
    assert "marker" not in str(caught.value)
    await sink.close()
