"""The Splunk sink against a collector that does what Splunk's documentation says, its errors included."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from sinks.contract import Delivered, Never, Outcome, Retry, SinkError
from sinks.splunk import Settings, SplunkSink, _entry, create
from tests.peers.hec import TEXTS, TOKEN, HecPeer
from tests.peers.http import Answer, HttpPeer
from tests.peers.server import free_port
from tests.sinks.samples import NOVEMBER, detection, detections
from wire import detection as wire_detection


def opened(url: str, **settings: Any) -> SplunkSink:  # any setting
    """A sink that does not wait long."""
    made = create(Settings(**{"url": url, "token": SecretStr(TOKEN), "timeout": 0.5, **settings}))
    made.wait = 0.4
    return made


@pytest.fixture
async def splunk(hec: HecPeer) -> AsyncIterator[SplunkSink]:
    """A sink with acknowledgement."""
    made = opened(hec.url)
    yield made
    await made.close()


def indexed(hec: HecPeer) -> list[str]:
    """The ids on disk, in order."""
    return [event["event"]["id"] for event in hec.index]


async def test_an_event_has_its_time_host_source_and_fields(splunk: SplunkSink, hec: HecPeer) -> None:
    """What Splunk searches by is outside of the event, and the event is the whole detection."""
    assert await splunk.deliver([detection()]) == [Delivered()]
    (event,) = hec.index
    assert event["time"] == pytest.approx((NOVEMBER + 1) / 10**9)
    assert (event["host"], event["source"], event["sourcetype"]) == (
        "node-1",
        "tracetide",
        "tracetide:detection",
    )
    assert event["fields"] == {
        "detection_id": detection().id,
        "priority": "Critical",
        "mitre_technique_id": ["T1505.003", "T1190"],
    }
    assert wire_detection.decode(wire_detection.encode(detection())).id == event["event"]["id"]
    assert "index" not in event


async def test_a_batch_is_one_request(splunk: SplunkSink, hec: HecPeer) -> None:
    """Many events in one body, all acknowledged with one question."""
    assert await splunk.deliver(detections(300)) == [Delivered()] * 300
    assert hec.requests == [300]
    assert indexed(hec) == [found.id for found in detections(300)]


async def test_delivered_means_acknowledged(splunk: SplunkSink, hec: HecPeer) -> None:
    """What is only in the server's memory is to be tried again, and then asked after instead of sent."""
    hec.ack_after = None
    assert all(isinstance(outcome, Retry) for outcome in await splunk.deliver(detections(5)))
    assert hec.index == []
    hec.ack_after = 0.0
    assert await splunk.deliver(detections(6)) == [Delivered()] * 6
    assert hec.requests == [5, 1]
    assert sorted(indexed(hec)) == sorted(found.id for found in detections(6))


async def test_a_late_acknowledgement_is_waited_for(splunk: SplunkSink, hec: HecPeer) -> None:
    """The sink asks again, less and less often."""
    splunk.wait = 2
    hec.ack_after = 0.6
    assert await splunk.deliver(detections(2)) == [Delivered()] * 2
    assert 2 <= hec.polls <= 4


async def test_what_is_never_acknowledged_is_sent_again(hec: HecPeer) -> None:
    """After the patience is over the events are given up for lost."""
    splunk = opened(hec.url, patience=0.1)
    hec.ack_after = None
    await splunk.deliver(detections(2))
    hec.crash()
    hec.ack_after = 0.0
    assert await splunk.deliver(detections(2)) == [Delivered()] * 2
    assert len(hec.index) == 2
    await splunk.close()


async def test_a_crash_of_the_indexer_is_noticed(splunk: SplunkSink, hec: HecPeer) -> None:
    """Acknowledgements are numbered from nought again: an old number must not stand for a new request."""
    hec.ack_after = None
    await splunk.deliver([detection(1)])
    await splunk.deliver([detection(2)])
    hec.crash()
    hec.ack_after = 0.0
    outcomes = await splunk.deliver([detection(1), detection(2), detection(3)])
    assert [type(outcome) for outcome in outcomes] == [Retry, Retry, Delivered]
    assert await splunk.deliver([detection(1), detection(2)]) == [Delivered()] * 2
    assert sorted(indexed(hec)) == sorted(found.id for found in detections(3))


@pytest.mark.parametrize("acknowledge", [True, False])
async def test_one_refused_event_costs_nothing_else(hec: HecPeer, acknowledge: bool) -> None:
    """Those before it are indexed already and not sent again; those behind it are sent without it."""
    hec.use_ack = acknowledge
    splunk = opened(hec.url, acknowledge=acknowledge)
    hec.refuse = {detection(3).id, detection(6).id}
    outcomes = await splunk.deliver(detections(8))
    assert [number for number, outcome in enumerate(outcomes, 1) if isinstance(outcome, Never)] == [3, 6]
    assert outcomes.count(Delivered()) == 6
    assert indexed(hec) == [detection(number).id for number in (1, 2, 4, 5, 7, 8)]
    await splunk.close()


@pytest.mark.parametrize("acknowledge", [True, False])
async def test_a_server_that_gets_busy_has_taken_what_came_before(hec: HecPeer, acknowledge: bool) -> None:
    """Only the rest is tried again: nothing is indexed twice."""
    hec.use_ack = acknowledge
    splunk = opened(hec.url, acknowledge=acknowledge)
    hec.busy_at = 3
    outcomes = await splunk.deliver(detections(5))
    assert [type(outcome) for outcome in outcomes] == [Delivered] * 3 + [Retry] * 2
    assert await splunk.deliver(detections(5)[3:]) == [Delivered()] * 2
    assert indexed(hec) == [found.id for found in detections(5)]
    await splunk.close()


@pytest.mark.parametrize("code", [code for code, (status, _) in TEXTS.items() if status != 200])
async def test_every_code_is_waited_out_or_blamed_on_the_event(
    splunk: SplunkSink, hec: HecPeer, code: int
) -> None:
    """Codes of a bad event refuse it; what is wrong with token, channel, index or server may be mended."""
    hec.script.append(code)
    hec.retry_after = "7"
    (outcome,) = await splunk.deliver([detection()])
    assert isinstance(outcome, Never if code in (6, 12, 13, 15) else Retry)
    assert f"code {code}" in outcome.reason
    if isinstance(outcome, Retry):
        assert outcome.after == (7 if TEXTS[code][0] in (429, 503) else None)
    assert TOKEN not in outcome.reason


@pytest.mark.parametrize("code", [24, 25])
async def test_a_warning_is_a_success(hec: HecPeer, code: int) -> None:
    """A queue that fills has taken the events all the same."""
    splunk = opened(hec.url, acknowledge=False)
    hec.script.append(code)
    assert await splunk.deliver([detection()]) == [Delivered()]
    await splunk.close()


@pytest.mark.parametrize(
    "answer",
    [
        Answer(404),
        Answer(502, "<html>"),
        Answer(cut=True),
        Answer(delay=2),
        Answer(302),
        Answer(400, "what?"),
    ],
)
async def test_a_proxy_that_answers_is_no_splunk(http_peer: HttpPeer, answer: Answer) -> None:
    """What is not of a collector says nothing about an event."""
    splunk = opened(http_peer.url)
    http_peer.script.append(answer)
    (outcome,) = await splunk.deliver([detection()])
    assert isinstance(outcome, Retry)
    await splunk.close()


async def test_a_body_that_is_too_large_is_halved(splunk: SplunkSink, hec: HecPeer) -> None:
    """One that is too large alone is refused, the others arrive in their order."""
    hec.largest = 6000
    large = detection(2, fields={"x": "y" * 6000})
    outcomes = await splunk.deliver([detection(1), large, *detections(7)[2:]])
    assert [type(outcome) for outcome in outcomes] == [Delivered, Never] + [Delivered] * 5
    assert indexed(hec) == [detection(number).id for number in (1, 3, 4, 5, 6, 7)]


async def test_a_token_without_acknowledgement_is_said(hec: HecPeer) -> None:
    """Delivered would mean less than was asked for: the check and the first delivery say what to do."""
    hec.use_ack = False
    splunk = opened(hec.url)
    with pytest.raises(SinkError, match="TRACETIDE_SPLUNK_ACKNOWLEDGE=false"):
        await splunk.check()
    with pytest.raises(SinkError, match="TRACETIDE_SPLUNK_ACKNOWLEDGE=false"):
        await splunk.deliver([detection()])
    await splunk.close()


async def test_the_check_finds_what_is_wrong(hec: HecPeer) -> None:
    """A good token passes, a bad one and a server that is not there are sentences without it."""
    for url, token, wrong in (
        (hec.url, TOKEN, None),
        (hec.url, "marker-wrong", "there is no such token"),
        (f"http://127.0.0.1:{free_port()}", TOKEN, "cannot be reached"),
    ):
        splunk = opened(url, token=SecretStr(token))
        if wrong is None:
            await splunk.check()
        else:
            with pytest.raises(SinkError, match=wrong) as caught:
                await splunk.check()
            assert "marker" not in str(caught.value)
        await splunk.close()


async def test_the_same_detection_twice_is_sent_once(splunk: SplunkSink, hec: HecPeer) -> None:
    """Kafka may hold a detection twice; both are delivered by the same event."""
    assert await splunk.deliver([detection(), detection()]) == [Delivered()] * 2
    assert len(hec.index) == 1


async def test_a_wrong_index_holds_everything(hec: HecPeer) -> None:
    """The index is a setting: no event is to blame, and nothing is given up."""
    splunk = opened(hec.url, index="nonesuch")
    outcomes: list[Outcome] = list(await splunk.deliver(detections(3)))
    assert all(
        isinstance(outcome, Retry) and "TRACETIDE_SPLUNK_INDEX" in outcome.reason for outcome in outcomes
    )
    await splunk.close()


@given(time=st.integers(0, 2**63 - 1))
def test_times_are_written_in_full(time: int) -> None:
    """All nine digits, and never an exponent."""
    entry = _entry(detection(time=time), {})
    assert isinstance(entry, bytes)
    assert f'"time":{time // 10**9}.{time % 10**9:09d},'.encode() in entry
