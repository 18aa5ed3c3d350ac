"""Recordings of real attacks and what must be found in them: a folder each, replayed by one test.

A new scenario: a folder with ``recording.jsonl.zst``, and ``expected.json``, into which
``python -m tests.scenarios.expect`` writes what is found now, for a person to judge.
"""

from collections.abc import Iterable
from pathlib import Path

import rules
from collectors.recording import RecordingSource
from stream.engine import Engine
from tracetide.scenarios import told as told
from wire.batch import Batch
from wire.detection import Detection

HERE = Path(__file__).parent
SCENARIOS = sorted(path.parent for path in HERE.glob("*/recording.jsonl.zst"))


def recorded(scenario: Path) -> list[Batch]:
    """The batches of a scenario's recording."""
    return list(RecordingSource(scenario / "recording.jsonl.zst").read())


def detections(batches: Iterable[Batch]) -> list[Detection]:
    """What the library's rules find in ``batches``."""
    engine = Engine(rules.load([]))
    return [detection for batch in batches for detection in engine.process(batch)]
