"""The Splunk sink against a collector that others wrote: OpenTelemetry's, with its acknowledgements."""

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import orjson
import pytest
from pydantic import SecretStr

from sinks import splunk as module
from sinks.contract import Delivered, Never, Outcome, Retry, SinkError
from sinks.splunk import Settings, SplunkSink, create
from tests.peers.otel import TOKEN, Otel
from tests.sinks.samples import detection, detections
from wire.detection import Detection

pytestmark = pytest.mark.slow  # the collector is compiled first: a minute and a half on two cores


def opened(otel: Otel, **settings: Any) -> SplunkSink:  # any setting
    """A sink that does not wait long."""
    made = create(Settings(**{"url": otel.url, "token": SecretStr(TOKEN), "timeout": 5, **settings}))
    made.wait = 1.0
    return made


@pytest.fixture
async def sink(otel: Otel) -> AsyncIterator[SplunkSink]:
    """A sink with acknowledgement."""
    made = opened(otel)
    yield made
    await made.close()


def ids(found: Sequence[Mapping[str, Any]]) -> list[str]:
    """Which detections came, in order."""
    return [each["event"]["id"] for each in found]


async def test_an_event_has_its_time_host_source_and_fields(sink: SplunkSink, otel: Otel) -> None:
    """A compressed request is understood as it was meant; only nanoseconds are rounded."""
    await sink.check()
    assert await sink.deliver(detections(300)) == [Delivered()] * 300
    found = otel.found(300)
    assert ids(found) == [one.id for one in detections(300)]
    first = found[0]
    assert math.isclose(first["time"], detection().time, abs_tol=1000)
    assert first["resource"] == {"host": "node-1", "source": "tracetide", "sourcetype": "tracetide:detection"}
    assert first["fields"] == {
        "detection_id": detection().id,
        "priority": "Critical",
        "mitre_technique_id": ["T1505.003", "T1190"],
    }
    assert first["event"]["process"]["args"] == ["/bin/sh", "-c", "id"]


async def test_delivered_means_acknowledged(sink: SplunkSink, otel: Otel) -> None:
    """An acknowledgement is given once: who did not hear it sends again when the patience is over."""
    sink.patience = 0.5
    sink.wait = 0.0
    polls = 0
    ask = sink._poll

    async def deaf(acks: list[int]) -> set[int]:
        nonlocal polls
        polls += 1
        await ask(acks)
        return set()

    sink._poll = deaf  # type: ignore[method-assign]  # the answer is lost on the way
    assert all(isinstance(outcome, Retry) for outcome in await sink.deliver(detections(3)))
    sink._poll = ask  # type: ignore[method-assign]
    assert all(isinstance(outcome, Retry) for outcome in await sink.deliver(detections(3)))
    assert polls == 1
    assert len(otel.found(3)) == 3
    await asyncio.sleep(0.5)
    assert await sink.deliver(detections(3)) == [Delivered()] * 3
    assert Counter(ids(otel.found(6))) == {one.id: 2 for one in detections(3)}


async def test_a_restart_of_the_collector_is_noticed(sink: SplunkSink, otel: Otel) -> None:
    """It numbers requests from one again: an old number does not stand for a new request."""
    sink.wait = 0.0
    for number in (1, 2):
        sent = detection(number)
        sink._sent |= await _unheard(sink, sent)
    await asyncio.to_thread(otel.server.stop)
    (down,) = await sink.deliver([detection(3)])
    assert isinstance(down, Retry)
    await asyncio.to_thread(otel.server.start)
    sink.wait = 1.0
    outcomes = await sink.deliver([detection(1), detection(2), detection(3)])
    assert [type(outcome) for outcome in outcomes] == [Retry, Retry, Delivered]
    assert await sink.deliver([detection(1), detection(2)]) == [Delivered()] * 2
    assert set(ids(otel.found(5))) == {one.id for one in detections(3)}


async def _unheard(sink: SplunkSink, sent: Detection) -> dict[str, Any]:
    """Send it; the request that the sink goes on to ask after."""
    await sink._send([(sent.id, _as_event(sent))])
    return {sent.id: sink._sent[sent.id]}


def _as_event(sent: Detection, **changes: Any) -> bytes:  # any part of the envelope
    entry = module._entry(sent, {"source": "tracetide"})
    assert isinstance(entry, bytes)
    return orjson.dumps(orjson.loads(entry) | changes)


@pytest.mark.parametrize("acknowledge", [True, False])
@pytest.mark.parametrize("fault", [{"fields": {"nested": {"a": 1}}}, {"event": ""}, {"event": None}])
async def test_one_refused_event_costs_nothing_else(
    otel: Otel, acknowledge: bool, fault: dict[str, Any]
) -> None:
    """It takes none of a request that it refuses an event of: those before it are sent again, once."""
    sink = opened(otel, acknowledge=acknowledge)
    part = [(one.id, _as_event(one, **(fault if one.id == detection(3).id else {}))) for one in detections(6)]
    refused: dict[str, Outcome] = await sink._send(part)
    assert [each for each, outcome in refused.items() if isinstance(outcome, Never)] == [detection(3).id]
    others = [one for one in detections(6) if one.id != detection(3).id]
    if acknowledge:
        assert await sink.deliver(others) == [Delivered()] * 5
    assert Counter(ids(otel.found(5))) == {one.id: 1 for one in others}
    await sink.close()


async def test_a_wrong_token_is_said_and_holds_everything(otel: Otel) -> None:
    """The collector repeats the token in its answer; the sink does not."""
    sink = opened(otel, token=SecretStr("marker-wrong"))
    with pytest.raises(SinkError, match="401 Unauthorized") as caught:
        await sink.check()
    (outcome,) = await sink.deliver([detection()])
    assert isinstance(outcome, Retry)
    assert "marker" not in f"{caught.value} {outcome}"
    assert otel.found() == []
    await sink.close()


async def test_a_token_without_acknowledgement_is_said(otel_without_ack: Otel) -> None:
    """The check and the first delivery say what to do; with that done it delivers."""
    sink = opened(otel_without_ack)
    with pytest.raises(SinkError, match="TRACETIDE_SPLUNK_ACKNOWLEDGE=false"):
        await sink.check()
    with pytest.raises(SinkError, match="TRACETIDE_SPLUNK_ACKNOWLEDGE=false"):
        await sink.deliver([detection(1)])
    await sink.close()
    sink = opened(otel_without_ack, acknowledge=False)
    await sink.check()
    assert await sink.deliver([detection(2)]) == [Delivered()]
    assert ids(otel_without_ack.found(2)) == [detection(1).id, detection(2).id]
    await sink.close()


async def test_a_collector_that_is_away_is_waited_for(otel: Otel) -> None:
    """It takes what it did not have when it is back, once."""
    sink = opened(otel)
    await asyncio.to_thread(otel.server.kill)
    with pytest.raises(SinkError, match="cannot be reached"):
        await sink.check()
    assert all(isinstance(outcome, Retry) for outcome in await sink.deliver(detections(2)))
    await asyncio.to_thread(otel.server.start)
    assert await sink.deliver(detections(2)) == [Delivered()] * 2
    assert Counter(ids(otel.found(2))) == {one.id: 1 for one in detections(2)}
    await sink.close()
