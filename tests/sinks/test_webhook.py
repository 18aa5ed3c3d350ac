"""The webhook sink against a real server with a script."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from sinks.contract import Delivered, Never, Outcome, Retry, SinkError
from sinks.webhook import Settings, WebhookSink, create, retry_after
from tests.peers.http import Answer, HttpPeer
from tests.peers.java import free_port
from tests.sinks.samples import detection, detections
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
