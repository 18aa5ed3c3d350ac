"""What went through an engine, in a line for a person."""

from collections.abc import Sequence

from stream.engine import Counters
from wire.batch import BadEvent


def summary(counters: Counters, bad: Sequence[BadEvent] = ()) -> str:
    """Events, detections, and whatever did not go as it should."""
    parts = [f"{counters.events} events", f"{counters.detections} detections"]
    if lost := counters.lost.total():
        parts.append(f"{lost} events lost")
    if bad:
        parts.append(f"{len(bad)} events not understood (the first: {bad[0].reason})")
    parts += [f"rule {name!r} failed {times} times" for name, times in counters.errors.items()]
    return ", ".join(parts)
