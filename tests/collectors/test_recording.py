"""Recordings: what was written is read, and damage is located without losing what precedes it."""

from pathlib import Path

import pytest
import zstandard

from collectors.contract import CollectorError
from collectors.recording import RecordingSource, RecordingWriter
from tests.events import batch, execute, open_file
from wire.batch import Batch

BATCHES = [
    batch(execute(2 * n, 10, "cat", f"file{n}"), open_file(2 * n + 1, 10, f"/file{n}")) for n in range(1, 40)
]


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A good recording of ``BATCHES``."""
    path = tmp_path / "r.jsonl.zst"
    with RecordingWriter(path) as writer:
        for each in BATCHES:
            writer.write(each)
    return path


def read(path: Path) -> tuple[list[Batch], str]:
    """What could be read, and what was said about the rest."""
    found: list[Batch] = []
    batches = RecordingSource(path).read()
    while True:
        try:
            found.append(next(batches))
        except StopIteration:
            return found, ""
        except CollectorError as error:
            return found, str(error)


def test_what_was_written_is_read(recording: Path) -> None:
    """Every batch comes back, in order."""
    assert read(recording) == (BATCHES, "")


def test_recordings_can_be_put_one_after_the_other(recording: Path) -> None:
    """Two compressed files in one are a recording too, as with any zstd tool."""
    recording.write_bytes(recording.read_bytes() * 2)
    assert read(recording) == (BATCHES * 2, "")


def test_what_was_flushed_before_a_crash_is_read(tmp_path: Path) -> None:
    """A writer that never closed leaves a recording that ends early but is good up to there."""
    path = tmp_path / "r.jsonl.zst"
    writer = RecordingWriter(path)
    writer.write(BATCHES[0])
    found, error = read(path)
    writer.close()
    assert found == BATCHES[:1]
    assert "cut off" in error


def test_a_truncated_recording_is_read_up_to_the_cut(recording: Path) -> None:
    """Everything before the cut, and a sentence that says where it is."""
    recording.write_bytes(recording.read_bytes()[:-100])
    found, error = read(recording)
    assert found == BATCHES[: len(found)]
    assert len(found) > 20
    assert str(recording) in error
    assert "cut off" in error


def test_a_damaged_recording_is_read_up_to_the_damage(recording: Path) -> None:
    """A batch that is none stops the reading with the number of its line."""
    data = zstandard.ZstdDecompressor().decompressobj().decompress(recording.read_bytes())
    lines = data.splitlines(keepends=True)
    lines[5] = lines[5][:30] + b"\n"
    recording.write_bytes(zstandard.compress(b"".join(lines)))
    found, error = read(recording)
    assert found == BATCHES[:5]
    assert "line 6" in error


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 a zip", b"{}\n"])
def test_a_foreign_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """Something else than a recording is named as such."""
    path = tmp_path / "other"
    path.write_bytes(content)
    found, error = read(path)
    assert found == []
    assert str(path) in error


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The sentence has the path and the system's reason."""
    assert read(tmp_path / "none") == (
        [],
        f"cannot read the recording {tmp_path}/none: No such file or directory",
    )


def test_bad_events_are_kept_aside(recording: Path) -> None:
    """An event that makes no sense is counted, and its batch goes on without it."""
    data = zstandard.ZstdDecompressor().decompressobj().decompress(recording.read_bytes())
    recording.write_bytes(zstandard.compress(data.replace(b'"/file3"', b"3", 1)))
    source = RecordingSource(recording)
    assert sum(len(each.events) for each in source.read()) == 2 * len(BATCHES) - 1
    assert "$.path" in source.bad[0].reason
