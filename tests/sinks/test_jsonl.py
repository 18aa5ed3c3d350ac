"""The file sink: whole lines only, on disk before they count."""

import subprocess
import sys
from pathlib import Path

import pytest

from sinks.contract import Delivered, Never, Retry, SinkError
from sinks.jsonl import JsonLinesSink, Settings, create
from tests.sinks.samples import detection, detections
from wire import detection as wire_detection


def read(path: Path) -> list[str]:
    """The ids in a file; fails on a line that is no detection."""
    return [wire_detection.decode(line).id for line in path.read_bytes().splitlines()]


async def test_detections_are_appended_as_lines(tmp_path: Path) -> None:
    """A line is the wire encoding; a second batch follows the first."""
    path = tmp_path / "found.jsonl"
    sink = create(Settings(path=str(path)))
    assert await sink.deliver(detections(2)) == [Delivered()] * 2
    await sink.deliver([detection(3)])
    assert read(path) == [found.id for found in detections(3)]
    assert path.read_bytes().splitlines()[0] == wire_detection.encode(detection(1))


@pytest.mark.parametrize("cut", [1, 2, 100])
async def test_a_torn_last_line_goes(tmp_path: Path, cut: int) -> None:
    """What a crash left of a line was never acknowledged: the file goes on with whole lines."""
    path = tmp_path / "found.jsonl"
    sink = JsonLinesSink(path)
    await sink.deliver(detections(2))
    path.write_bytes(path.read_bytes()[:-cut])
    await sink.deliver([detection(2), detection(3)])
    kept = [1, 2] if cut == 1 else [1]  # a line that lacks only its break is whole
    assert read(path) == [detection(number).id for number in [*kept, 2, 3]]


async def test_the_file_may_be_rotated(tmp_path: Path) -> None:
    """A file that was moved away is made anew."""
    path = tmp_path / "found.jsonl"
    sink = JsonLinesSink(path)
    await sink.deliver([detection(1)])
    path.rename(tmp_path / "old")
    await sink.deliver([detection(2)])
    assert read(path) == [detection(2).id]


async def test_a_folder_that_is_not_there_is_a_reason_to_try_again(tmp_path: Path) -> None:
    """Disks come back: nothing is given up, and the check says what is wrong."""
    sink = JsonLinesSink(tmp_path / "none" / "found.jsonl")
    (outcome,) = await sink.deliver([detection()])
    assert isinstance(outcome, Retry)
    with pytest.raises(SinkError, match="TRACETIDE_JSONL_PATH"):
        await sink.check()


async def test_a_full_disk_leaves_no_half_batch() -> None:
    """Writing to a device without room is tried again."""
    outcomes = await JsonLinesSink(Path("/dev/full")).deliver(detections(2))
    assert all(isinstance(outcome, Retry) for outcome in outcomes)


async def test_what_cannot_be_written_is_refused_alone(tmp_path: Path) -> None:
    """An event nested too deep is refused; its neighbour is written."""
    deep: dict[str, object] = {}
    for _ in range(300):
        deep = {"a": deep}
    path = tmp_path / "found.jsonl"
    outcomes = await JsonLinesSink(path).deliver([detection(1, event=deep), detection(2)])
    assert isinstance(outcomes[0], Never)
    assert read(path) == [detection(2).id]


PROGRAM = """
import asyncio
from sinks import open_sink
from tests.sinks.samples import detections
print(asyncio.run(open_sink("jsonl").deliver(detections(2000))))
"""


def test_standard_output_gets_the_same_lines() -> None:
    """A dash is standard output; a reader that goes away is said in a sentence."""
    command = [sys.executable, "-c", PROGRAM]
    environment = {"TRACETIDE_JSONL_PATH": "-", "PYTHONPATH": str(Path(__file__).parent.parent.parent)}
    written = subprocess.run(command, env=environment, capture_output=True, check=True).stdout
    assert [wire_detection.decode(line) for line in written.splitlines()[:-1]] == detections(2000)
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert b"nobody reads standard output any more" in process.stderr.read()
