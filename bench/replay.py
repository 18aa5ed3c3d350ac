"""A recording through decoding, and through decoding, enrichment and detection, on one core."""

import time
from collections.abc import Iterator
from pathlib import Path

import rules
from bench import workload
from bench.table import Row
from collectors.recording import RecordingSource
from stream.engine import Engine
from wire.batch import Batch

EVENTS = 1_000_000


def rows(folder: Path) -> Iterator[Row]:
    """Decoding alone is the bare cost; the engine is measured right after it, on the same recording."""
    path = folder / "workload.jsonl.zst"
    workload.write(path, EVENTS)
    bare = _rate(path, None)
    full = _rate(path, Engine(rules.load([])))
    yield Row("replay: read and decode a recording", bare, "events/s", 1.0)
    yield Row(
        "replay: decode, enrich, detect (our library)", full, "events/s", full / bare, "≥ 150,000 events/s"
    )


def _rate(path: Path, engine: Engine | None) -> float:
    began = time.perf_counter()
    events = sum(_apply(engine, batch) for batch in RecordingSource(path).read())
    return events / (time.perf_counter() - began)


def _apply(engine: Engine | None, batch: Batch) -> int:
    if engine is not None:
        engine.process(batch)
    return len(batch.events)
