"""Every scenario gives what it must, however its events arrive."""

import json
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from tests.scenarios import SCENARIOS, detections, recorded, told
from wire import detection as wire_detection
from wire.batch import Batch, Host
from wire.event import Snapshot

scenarios = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda path: path.name)


@scenarios
def test_the_expected_is_found_and_nothing_else(scenario: Path) -> None:
    """The rules find in the recording what ``expected.json`` says, in that order."""
    expected = json.loads((scenario / "expected.json").read_text())
    assert [told(detection) for detection in detections(recorded(scenario))] == expected


@scenarios
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_how_the_stream_is_cut_into_batches_does_not_matter(scenario: Path, size: int) -> None:
    """The detections are the same bytes for batches of any size."""
    batches = recorded(scenario)
    recut = detections(_cut(batches, size))
    assert [*map(wire_detection.encode, recut)] == [*map(wire_detection.encode, detections(batches))]


@scenarios
def test_batches_that_come_twice_change_nothing(scenario: Path) -> None:
    """At-least-once delivery gives each detection once."""
    batches = recorded(scenario)
    twice = detections(chain.from_iterable((batch, batch) for batch in batches))
    assert [found.id for found in twice] == [found.id for found in detections(batches)]


def test_no_recording_tells_where_it_was_made() -> None:
    """Recordings are neutral: the host has no name, and of its processes only the demo is listed."""
    assert SCENARIOS
    for scenario in SCENARIOS:
        batches = recorded(scenario)
        assert {batch.host for batch in batches} == {Host("demo", "demo", "demo")}
        listed = [event for batch in batches for event in batch.events if isinstance(event, Snapshot)]
        assert [event.args for event in listed] == [["tracetide", "demo"]]


def _cut(batches: list[Batch], size: int) -> Iterator[Batch]:
    events = [event for batch in batches for event in batch.events]
    for index in range(0, len(events), size):
        part = events[index : index + size]
        yield Batch(host=batches[0].host, first=part[0].seq, last=part[-1].seq, events=part)
