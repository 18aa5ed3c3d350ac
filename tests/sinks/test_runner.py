"""The runner: what a sink says of each detection is carried out, and nothing is forgotten."""

import asyncio
import logging
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import cycle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinks.contract import Delivered, Duplicate, Never, Outcome, Retry, SinkError
from sinks.counters import Counters
from sinks.runner import Item, Pace, Refusal, Runner
from tests.sinks.samples import detection, detections
from tests.sinks.scripted import Answer, ScriptedSink
from wire.detection import Detection

QUICK = Pace(count=4, age=0.0, first_wait=0.001, longest_wait=0.002, timeout=0.2, grace=0.3)


@dataclass
class ListSource:
    """Items from a list, at most ``chunk`` at a time; remembers what became of them."""

    waiting: list[Detection | Never]
    chunk: int = 100
    ends: bool = True
    settled: list[int] = field(default_factory=list)
    buried: list[tuple[int, str]] = field(default_factory=list)
    refusals: list[Refusal] = field(default_factory=list)
    commits: list[int] = field(default_factory=list)
    flow: list[str] = field(default_factory=list)
    unburiable: int = 0
    size: int = 0
    _next: int = 0
    _closed: bool = False

    async def take(self, limit: int, seconds: float) -> Sequence[Item] | None:
        """See ``Source``."""
        numbers = range(self._next, min(self._next + min(limit, self.chunk), len(self.waiting)))
        if not numbers and (self.ends or self._closed):
            return None
        self._next = numbers.stop
        await asyncio.sleep(0 if numbers else min(seconds, 0.01))
        return [self._item(number) for number in numbers]

    async def commit(self) -> None:
        """See ``Source``."""
        self.commits.append(len(self.settled))

    def pause(self) -> None:
        """See ``Source``."""
        self.flow.append("paused")

    def resume(self) -> None:
        """See ``Source``."""
        self.flow.append("resumed")

    def close(self) -> None:
        """See ``Source``."""
        self._closed = True

    def _item(self, number: int) -> Item:
        async def bury(refusal: Refusal) -> None:
            if self.unburiable:
                self.unburiable -= 1
                raise ConnectionError
            self.buried.append((number, refusal.reason))
            self.refusals.append(refusal)

        return Item(self.waiting[number], lambda: self.settled.append(number), bury, self.size)


def answering(*outcomes: Outcome) -> Answer:
    """An answer for a call of as many detections."""

    async def answer(_: Sequence[Detection]) -> Sequence[Outcome]:
        return outcomes

    return answer


def raising(error: Exception) -> Answer:
    """A call that fails."""

    async def answer(_: Sequence[Detection]) -> Sequence[Outcome]:
        raise error

    return answer


async def hanging(_: Sequence[Detection]) -> Sequence[Outcome]:
    """A call that never ends."""
    await asyncio.sleep(3600)
    return []


async def test_each_outcome_is_counted_and_settled() -> None:
    """Delivered, duplicate and refused items are settled; only the one to retry goes to the sink again."""
    sink = ScriptedSink()
    sink.script.append(answering(Delivered(), Retry("busy"), Duplicate(), Never("too odd")))
    source = ListSource([*detections(4)])
    runner = Runner(sink, source, QUICK)
    await runner.run()
    assert source.settled == [0, 2, 3, 1]
    assert source.buried == [(3, "too odd")]
    assert runner.counters == Counters(delivered=2, duplicates=1, retries=1, dead=1)
    assert sink.calls[1] == [detection(2).id]


async def test_an_exception_is_a_reason_to_try_again() -> None:
    """A sink that raises loses nothing and stops nothing."""
    sink = ScriptedSink()
    sink.script.extend([raising(RuntimeError()), raising(KeyError())])
    runner = Runner(sink, source := ListSource([*detections(2)]), QUICK)
    await runner.run()
    assert source.settled == [0, 1]
    assert runner.counters == Counters(delivered=2, retries=4)


async def test_the_message_of_an_exception_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """An exception's text may hold an address with a password, so only its kind and place are said."""
    sink = ScriptedSink()
    sink.script.append(raising(RuntimeError("https://me:hunter2@example")))
    with caplog.at_level(logging.DEBUG):
        await Runner(sink, ListSource([detection()]), QUICK).run()
    assert "RuntimeError at test_runner.py" in caplog.text
    assert "hunter2" not in caplog.text


async def test_a_sink_that_counts_wrongly_is_asked_again() -> None:
    """As many outcomes as detections, or none of them is believed."""
    sink = ScriptedSink()
    sink.script.append(answering(Delivered()))
    runner = Runner(sink, source := ListSource([*detections(2)]), QUICK)
    await runner.run()
    assert (len(sink.calls), source.settled) == (2, [0, 1])


async def test_a_call_that_hangs_is_given_up_and_repeated() -> None:
    """No call lasts longer than the pace allows."""
    sink = ScriptedSink()
    sink.script.append(hanging)
    runner = Runner(sink, ListSource([detection()]), QUICK)
    await asyncio.wait_for(runner.run(), 5)
    assert runner.counters == Counters(delivered=1, retries=1)


async def test_what_is_no_detection_is_buried_without_asking_the_sink() -> None:
    """A poison record goes to the dead letters, its neighbours to the sink."""
    source = ListSource([detection(1), Never("not a detection"), detection(2)])
    sink = ScriptedSink()
    await Runner(sink, source, QUICK).run()
    assert source.buried == [(1, "not a detection")]
    assert sink.calls == [[detection(1).id, detection(2).id]]


async def test_what_cannot_be_buried_is_not_settled() -> None:
    """While the dead letters cannot be written the refused item stays where it is."""
    source = ListSource([Never("odd")], unburiable=3)
    runner = Runner(ScriptedSink(), source, QUICK)
    await runner.run()
    assert (source.buried, source.settled) == ([(0, "odd")], [0])
    assert runner.counters == Counters(dead=1, retries=3)


async def test_a_refusal_knows_how_often_and_when_it_was_tried() -> None:
    """What was tried three times says so, and when the first and the last time were."""
    sink = ScriptedSink()
    sink.script.extend([answering(Retry("busy")), answering(Retry("busy")), answering(Never("odd"))])
    source = ListSource([detection()])
    before = time.time()
    await Runner(sink, source, QUICK).run()
    (refusal,) = source.refusals
    assert (refusal.reason, refusal.attempts) == ("odd", 3)
    assert before <= refusal.first <= refusal.last <= time.time()


async def test_the_breaker_pauses_the_source_and_asks_with_one_item() -> None:
    """After enough failures in a row one item alone is tried, until the destination takes it; then all."""
    sink = ScriptedSink()
    sink.script.extend(answering(*[Retry("down")] * 4) for _ in range(5))
    sink.script.extend(answering(Retry("down")) for _ in range(3))
    source = ListSource([*detections(4)])
    runner = Runner(sink, source, QUICK)
    await runner.run()
    assert [len(call) for call in sink.calls] == [4] * 5 + [1] * 4 + [3]
    assert source.flow == ["paused", "resumed"]
    assert source.settled == [0, 1, 2, 3]
    assert runner.counters == Counters(delivered=4, retries=23)


async def test_the_counters_tell_how_long_it_took_and_what_waits() -> None:
    """Latency of what arrived, and while something waits the time of its event."""
    sink = ScriptedSink()
    sink.script.extend([hanging] * 100)
    runner = Runner(sink, ListSource([*detections(3)], ends=False), QUICK)
    running = asyncio.create_task(runner.run())
    await asyncio.sleep(0.05)
    waiting = runner.counters.oldest
    assert waiting == detection(1).time
    assert "oldest undelivered 60 s" in runner.counters.line(detection(1).time / 10**9 + 60)
    told = runner.counters.as_json(detection(1).time / 10**9 + 60)
    assert told["latency_mean"] is None
    assert told["oldest_undelivered"] == pytest.approx(60)
    sink.script.clear()
    await asyncio.sleep(0.5)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert "oldest undelivered none" in runner.counters.line(0)
    told = runner.counters.as_json(0)
    assert (told["delivered"], told["retries"], told["oldest_undelivered"]) == (3, 3, None)
    assert told["latency_longest"] == runner.counters.slowest
    assert runner.counters.delivered == 3
    assert 0.1 < runner.counters.slowest < 1
    assert runner.counters.line(0).startswith(
        "3 delivered, 0 duplicates, 3 retries, 0 dead, 0 shed, latency 0."
    )


async def test_a_batch_goes_out_when_it_holds_enough_bytes() -> None:
    """Large detections do not pile up in memory: their size counts too."""
    sink = ScriptedSink()
    source = ListSource([*detections(4)], chunk=1, size=600)
    await Runner(sink, source, Pace(count=100, bytes=1000, age=60)).run()
    assert [len(call) for call in sink.calls] == [2, 2]


async def test_a_sink_that_gives_up_stops_the_runner_with_nothing_settled() -> None:
    """An error that a user must mend is passed on."""
    sink = ScriptedSink()
    sink.script.append(raising(SinkError("nobody reads any more")))
    source = ListSource([detection()])
    with pytest.raises(SinkError, match="nobody reads"):
        await Runner(sink, source, QUICK).run()
    assert source.settled == []


async def test_a_batch_goes_out_when_it_is_full_or_old() -> None:
    """Items are gathered up to the count; the rest goes when its first one has waited long enough."""
    pace = Pace(count=4, age=0.05)
    sink = ScriptedSink()
    source = ListSource([*detections(6)], chunk=1, ends=False)
    running = asyncio.create_task(Runner(sink, source, pace).run())
    await asyncio.sleep(0.3)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert [len(call) for call in sink.calls] == [4, 2]


async def test_the_wish_of_the_destination_is_honoured() -> None:
    """After ``Retry(after=...)`` the next call comes no earlier."""
    sink = ScriptedSink()
    sink.script.append(answering(Retry("slow down", after=0.3)))
    started = time.monotonic()
    await Runner(sink, ListSource([detection()]), QUICK).run()
    assert time.monotonic() - started >= 0.3


def test_waits_grow_to_the_longest_and_are_jittered_over_their_whole_range() -> None:
    """Full jitter: between nothing and a ceiling that doubles; an absurd wish is cut."""
    random.seed(1)
    runner = Runner(ScriptedSink(), ListSource([]), Pace(first_wait=1, longest_wait=60, longest_wish=600))
    for failures, ceiling in ((0, 1), (3, 8), (6, 60), (5000, 60)):
        waits = [runner._wait(failures, [Retry("")]) for _ in range(500)]
        assert min(waits) < ceiling * 0.1
        assert ceiling * 0.9 < max(waits) <= ceiling
    assert runner._wait(0, [Retry("", after=10**9)]) == 600


async def test_state_changes_are_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """A destination that is down is said once, and once that it is back."""
    sink = ScriptedSink()
    sink.script.extend(answering(Retry("connection refused")) for _ in range(10))
    with caplog.at_level(logging.INFO):
        await Runner(sink, ListSource([detection()]), QUICK).run()
    assert [record.message.partition(" after")[0] for record in caplog.records] == [
        "scripted: not delivered, trying again until it is: connection refused",
        "scripted: delivering again",
    ]


async def test_a_stop_finishes_what_is_in_flight() -> None:
    """Cancelled while the sink works, the runner waits for its answer and settles it."""
    begun = asyncio.Event()

    async def slow(given: Sequence[Detection]) -> Sequence[Outcome]:
        begun.set()
        await asyncio.sleep(0.1)
        return [Delivered()] * len(given)

    sink = ScriptedSink()
    sink.script.append(slow)
    source = ListSource([*detections(3)], ends=False)
    running = asyncio.create_task(Runner(sink, source, QUICK).run())
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert source.settled == [0, 1, 2]
    assert source.commits[-1] == 3


async def test_a_stop_does_not_wait_for_ever() -> None:
    """A sink that hangs delays the stop by the grace time at most, and its items are not settled."""
    sink = ScriptedSink()
    sink.script.extend([hanging] * 100)
    source = ListSource([detection()], ends=False)
    running = asyncio.create_task(Runner(sink, source, QUICK).run())
    await asyncio.sleep(0.05)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(running, 2)
    assert source.settled == []


OUTCOMES = st.sampled_from([Delivered(), Duplicate(), Retry("later"), Never("odd"), None])


@settings(max_examples=100, deadline=None)
@given(
    script=st.lists(st.lists(OUTCOMES, min_size=4, max_size=4), max_size=12),
    count=st.integers(0, 24),
    at_once=st.integers(1, 4),
    delays=st.lists(st.integers(0, 5), min_size=1, max_size=5),
)
def test_every_item_is_settled_exactly_once(
    script: list[list[Outcome | None]], count: int, at_once: int, delays: list[int]
) -> None:
    """Whatever a sink answers, in whatever order, and however often it fails (None): each item ends once."""
    turns = cycle(delays)

    def answer(outcomes: list[Outcome | None]) -> Answer:
        async def call(given: Sequence[Detection]) -> Sequence[Outcome]:
            for _ in range(next(turns)):
                await asyncio.sleep(0)
            said = [outcome for outcome in outcomes[: len(given)] if outcome is not None]
            if len(said) < len(given):
                raise OSError
            return said

        return call

    sink = ScriptedSink(at_once=at_once)
    sink.script.extend(map(answer, script))
    source = ListSource([*detections(count)])
    pace = Pace(count=4, age=0, first_wait=0, longest_wait=0)
    runner = Runner(sink, source, pace)
    asyncio.run(runner.run())
    assert sorted(source.settled) == list(range(count))
    done = runner.counters.delivered + runner.counters.duplicates
    assert (done, runner.counters.dead) == (count - len(source.buried), len(source.buried))
