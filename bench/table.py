"""Rows of figures, each beside the bare cost that it is a multiple of."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """A figure and what it is compared with. ``goal`` is a sentence, ``ratio`` relative to the bare row."""

    what: str
    value: float
    unit: str
    ratio: float | None = None
    goal: str = ""


def text(rows: Iterable[Row]) -> str:
    """A table for people."""
    lines = [f"{'what':58} {'value':>12}  {'unit':10} {'× bare':>7}  goal"]
    for row in rows:
        ratio = f"{row.ratio:7.2f}" if row.ratio is not None else "       "
        lines.append(f"{row.what:58} {row.value:12,.1f}  {row.unit:10} {ratio}  {row.goal}")
    return "\n".join(lines)


def as_json(rows: Iterable[Row]) -> str:
    """The same for programs."""
    return json.dumps([asdict(row) for row in rows], indent=1)
