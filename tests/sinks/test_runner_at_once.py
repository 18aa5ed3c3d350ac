"""The runner with a sink that takes several batches at once: how many are under way, and what in trouble."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from sinks.contract import Delivered, Outcome, Retry, SinkError
from sinks.counters import Counters
from sinks.runner import Pace, Runner
from tests.sinks.samples import detection, detections
from tests.sinks.scripted import ScriptedSink
from tests.sinks.test_runner import QUICK, ListSource, raising
from wire.detection import Detection


@dataclass
class Gate:
    """Answers when a test lets it; knows how many calls wait and how many were the most at a time."""

    waiting: dict[str, asyncio.Future[Sequence[Outcome]]] = field(default_factory=dict)
    most: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, given: Sequence[Detection]) -> Sequence[Outcome]:
        """See ``Answer``."""
        answer: asyncio.Future[Sequence[Outcome]] = asyncio.get_running_loop().create_future()
        self.waiting[given[0].id] = answer
        self.most = max(self.most, len(self.waiting))
        self.changed.set()
        try:
            return await answer
        finally:
            del self.waiting[given[0].id]
            self.changed.set()

    async def reached(self, *numbers: int) -> None:
        """Wait until exactly the calls that begin with these detections are under way."""
        async with asyncio.timeout(5):
            while set(self.waiting) != {detection(number).id for number in numbers}:
                self.changed.clear()
                await self.changed.wait()

    def answer(self, number: int, *outcomes: Outcome) -> None:
        """Let the call that begins with this detection end."""
        self.waiting[detection(number).id].set_result(outcomes)


def gated(at_once: int) -> tuple[ScriptedSink, Gate]:
    """A sink that takes so many calls at once, and its gate."""
    gate = Gate()
    sink = ScriptedSink(at_once=at_once)
    sink.script.extend([gate] * 100)
    return sink, gate


async def test_a_sink_gets_as_many_batches_at_once_as_it_takes() -> None:
    """The next batch goes out when one of them is done, whichever that is."""
    sink, gate = gated(2)
    source = ListSource([*detections(10)])
    running = asyncio.create_task(Runner(sink, source, QUICK).run())
    await gate.reached(1, 5)
    gate.answer(5, *[Delivered()] * 4)
    await gate.reached(1, 9)
    assert sorted(source.settled) == [4, 5, 6, 7]
    gate.answer(9, *[Delivered()] * 2)
    gate.answer(1, *[Delivered()] * 4)
    await running
    assert source.settled == [4, 5, 6, 7, 8, 9, 0, 1, 2, 3]
    assert gate.most == 2


async def test_a_sink_that_takes_one_batch_at_a_time_gets_them_in_order() -> None:
    """Nothing of the second batch is under way before the first is settled, however often that is tried."""
    sink, gate = gated(1)
    running = asyncio.create_task(Runner(sink, ListSource([*detections(8)]), QUICK).run())
    for _ in range(3):
        await gate.reached(1)
        gate.answer(1, *[Retry("later")] * 4)
        await asyncio.sleep(0)
    await gate.reached(1)
    gate.answer(1, *[Delivered()] * 4)
    await gate.reached(5)
    gate.answer(5, *[Delivered()] * 4)
    await running
    assert [call[0] for call in sink.calls] == [detection(1).id] * 4 + [detection(5).id]


async def test_in_trouble_one_batch_at_a_time_is_tried_and_none_begun() -> None:
    """Those under way end their try; then one alone is tried until it is settled, then the next."""
    sink, gate = gated(3)
    source = ListSource([*detections(16)])
    runner = Runner(sink, source, QUICK)
    running = asyncio.create_task(runner.run())
    await gate.reached(1, 5, 9)
    for first in (5, 1, 9):
        gate.answer(first, *[Retry("busy")] * 4)
    for first in (5, 1, 9):
        await gate.reached(first)
        await asyncio.sleep(0.02)
        await gate.reached(first)
        gate.answer(first, *[Delivered()] * 4)
    await gate.reached(13)
    gate.answer(13, *[Delivered()] * 4)
    await running
    assert runner.counters == Counters(delivered=16, retries=12)


async def test_the_breaker_is_one_for_all_batches(caplog: pytest.LogCaptureFixture) -> None:
    """Of three batches that wait, one item alone asks; the trouble and its end are said once."""

    async def down(given: Sequence[Detection]) -> Sequence[Outcome]:
        await asyncio.sleep(0.01)
        return [Retry("down")] * len(given)

    sink = ScriptedSink(at_once=3)
    sink.script.extend([down] * (3 + 4 + 3))
    source = ListSource([*detections(12)])
    with caplog.at_level(logging.INFO):
        await Runner(sink, source, QUICK).run()
    assert [len(call) for call in sink.calls] == [4] * 7 + [1] * 4 + [3, 4, 4]
    assert source.flow == ["paused", "resumed"]
    assert sorted(source.settled) == list(range(12))
    assert [record.message.partition(" after")[0] for record in caplog.records] == [
        "scripted: not delivered, trying again until it is: down",
        "scripted: delivering again",
    ]


async def test_no_more_is_held_than_the_batches_under_way() -> None:
    """A destination that is down costs as many batches as it takes at once, and no memory beyond."""
    sink = ScriptedSink(at_once=3)
    sink.script.extend([raising(OSError())] * 10_000)
    source = ListSource([*detections(1000)])
    running = asyncio.create_task(Runner(sink, source, QUICK).run())
    await asyncio.sleep(0.2)
    assert source._next == 12
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert source.settled == []


async def test_a_stop_finishes_all_that_is_in_flight() -> None:
    """Cancelled while two batches are under way, the runner waits for both and begins nothing new."""
    sink, gate = gated(2)
    source = ListSource([*detections(100)], ends=False)
    running = asyncio.create_task(Runner(sink, source, Pace(count=4, age=0, grace=5)).run())
    await gate.reached(1, 5)
    source.waiting = source.waiting[:8]
    running.cancel()
    await asyncio.sleep(0.02)
    gate.answer(5, *[Delivered()] * 4)
    gate.answer(1, *[Delivered()] * 4)
    with pytest.raises(asyncio.CancelledError):
        await running
    assert sorted(source.settled) == list(range(8))
    assert source.commits[-1] == 8


async def test_a_sink_that_gives_up_ends_all_batches() -> None:
    """The error is passed on as it is, and what the others had under way is not settled."""
    sink, gate = gated(2)
    source = ListSource([*detections(8)])
    running = asyncio.create_task(Runner(sink, source, QUICK).run())
    await gate.reached(1, 5)
    gate.waiting[detection(5).id].set_exception(SinkError("nobody reads any more"))
    with pytest.raises(SinkError, match="nobody reads"):
        await running
    assert (source.settled, gate.waiting) == ([], {})
