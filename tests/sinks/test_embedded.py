"""Delivery inside one process: to every sink, with a bound on what waits, and until it is done."""

import asyncio

import pytest

from sinks.contract import Never, Retry, SinkError
from sinks.embedded import Queue, delivering
from sinks.runner import Pace, Refusal
from tests.sinks.samples import detection, detections
from tests.sinks.scripted import ScriptedSink
from tests.sinks.test_runner import answering, hanging, raising
from wire.detection import Detection

QUICK = Pace(age=0, first_wait=0.001, longest_wait=0.002, timeout=0.2, grace=0.3)


async def no_grave(sink: str, found: Detection, refusal: Refusal) -> None:
    """For tests in which nothing is refused."""
    raise AssertionError(refusal)


def received(sink: ScriptedSink) -> list[str]:
    """The ids that the sink was given, in order."""
    return [one for call in sink.calls for one in call]


async def test_the_end_of_the_block_waits_until_all_is_delivered() -> None:
    """Every sink gets every detection in order, one that has to try again too."""
    first, second = ScriptedSink(), ScriptedSink(name="second")
    second.script.append(answering(Retry("busy")))
    async with delivering([first, second], no_grave, QUICK) as deliver:
        for found in detections(5):
            await deliver(found)
    ids = [found.id for found in detections(5)]
    assert received(first) == ids
    assert list(dict.fromkeys(received(second))) == ids
    assert [runner.counters.delivered for runner in deliver.runners] == [5, 5]


async def test_what_a_sink_refuses_is_buried_under_its_name() -> None:
    """The grave learns which sink, which detection, and why."""
    buried = []

    async def bury(sink: str, found: Detection, refusal: Refusal) -> None:
        buried.append((sink, found.id, refusal.reason))

    sink = ScriptedSink()
    sink.script.append(answering(Never("odd")))
    async with delivering([sink], bury, QUICK) as deliver:
        await deliver(detection())
    assert buried == [("scripted", detection().id, "odd")]


async def test_a_sink_that_gives_up_ends_the_block() -> None:
    """Whoever hands over detections learns that there is no use in it."""
    sink = ScriptedSink()
    sink.script.append(raising(SinkError("nobody reads")))

    async def work() -> None:
        async with delivering([sink], no_grave, QUICK) as deliver:
            for found in detections(1000):
                await deliver(found)
                await asyncio.sleep(0.001)

    with pytest.raises(SinkError, match="nobody reads"):
        await work()


async def test_a_sink_that_gives_up_at_the_end_is_reported_too() -> None:
    """An error after the last detection is not lost."""
    sink = ScriptedSink()
    sink.script.append(raising(SinkError("nobody reads")))
    with pytest.raises(SinkError, match="nobody reads"):
        async with delivering([sink], no_grave, QUICK) as deliver:
            await deliver(detection())


async def test_a_stop_delivers_what_was_handed_over() -> None:
    """Cancelled, the block still delivers what waits in its queues."""
    sink, begun = ScriptedSink(), asyncio.Event()

    async def work() -> None:
        async with delivering([sink], no_grave, QUICK) as deliver:
            for found in detections(3):
                await deliver(found)
            begun.set()
            await asyncio.sleep(3600)

    working = asyncio.create_task(work())
    await begun.wait()
    working.cancel()
    with pytest.raises(asyncio.CancelledError):
        await working
    assert received(sink) == [found.id for found in detections(3)]


async def test_a_stop_does_not_wait_for_a_sink_that_hangs() -> None:
    """The grace time is the longest that the end of the block takes."""
    sink = ScriptedSink()
    sink.script.extend([hanging] * 100)

    async def work() -> None:
        async with delivering([sink], no_grave, QUICK) as deliver:
            await deliver(detection())
            raise RuntimeError("over")

    with pytest.raises(RuntimeError, match="over"):
        await asyncio.wait_for(work(), 2)


async def test_a_full_queue_holds_the_source_back() -> None:
    """Nothing is dropped and nothing grows: whoever puts waits for room."""
    queue = Queue(lambda found, refusal: no_grave("", found, refusal), size=2)
    await queue.put(detection(1))
    await queue.put(detection(2))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(queue.put(detection(3)), 0.05)
    waiting = asyncio.create_task(queue.put(detection(4)))
    taken = await queue.take(1, 0)
    assert taken is not None
    assert [item.content for item in taken] == [detection(1)]
    await asyncio.wait_for(waiting, 1)
