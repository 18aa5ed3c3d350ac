"""What a dashboard can be described with: rows of panels, and the columns that their charts and tables have.

A row is as wide as Kibana's grid, 48 columns, and its height is in Kibana's rows of 20 pixels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

Type = Literal["string", "number", "ip", "date", "boolean"]

# Colours of severities that readers with any kind of colour vision tell apart, light to dark.
SEVERITIES: Mapping[str, tuple[str, str]] = {
    "critical": ("event.severity >= 99", "#8a2178"),
    "high": ("event.severity >= 73 and event.severity < 99", "#c4407c"),
    "medium": ("event.severity >= 47 and event.severity < 73", "#e8915b"),
    "low": ("event.severity < 47", "#f3d58a"),
}


@dataclass(frozen=True)
class Times:
    """Splits by time, into intervals that Kibana chooses."""

    field: str = "@timestamp"
    label: str = "time"


@dataclass(frozen=True)
class Values:
    """Splits by the most frequent values of a field, or with ``rare`` by those of at most so many alerts."""

    field: str
    label: str
    size: int = 10
    type: Type = "string"
    rare: int | None = None


@dataclass(frozen=True)
class Severities:
    """Splits by severity, the gravest first."""

    label: str = "severity"


@dataclass(frozen=True)
class Count:
    """How many alerts there are; with ``where``, a KQL query, only those."""

    label: str = "alerts"
    where: str = ""


@dataclass(frozen=True)
class Distinct:
    """How many different values a field has."""

    field: str
    label: str


@dataclass(frozen=True)
class Percentile:
    """The value below which ``percent`` of the alerts are."""

    field: str
    label: str
    percent: int


@dataclass(frozen=True)
class Highest:
    """The highest value of a number, or the latest date."""

    field: str
    label: str
    type: Type = "number"


@dataclass(frozen=True)
class Latest:
    """The value in the newest alert that has one."""

    field: str
    label: str
    type: Type = "string"


Bucket = Times | Values | Severities
Metric = Count | Distinct | Percentile | Highest | Latest


@dataclass(frozen=True)
class Chart:
    """Metrics along time, as lines or stacked bars; with ``split``, of each value for itself."""

    kind: Literal["bar_stacked", "line"]
    along: Times
    metrics: tuple[Metric, ...]
    split: Values | Severities | None = None


@dataclass(frozen=True)
class Table:
    """A line for each value of ``rows``, ordered by the first metric."""

    rows: tuple[Bucket, ...]
    metrics: tuple[Metric, ...]


@dataclass(frozen=True)
class Number:
    """One figure."""

    metric: Metric


@dataclass(frozen=True)
class Drawing:
    """A Vega specification, for what Kibana's own charts cannot show; its requests follow the dashboard."""

    spec: Mapping[str, Any]


@dataclass(frozen=True)
class Alerts:
    """The alerts themselves, newest first: a saved search that opens in Discover too."""

    id: str
    title: str
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Text:
    """Markdown."""

    markdown: str


@dataclass(frozen=True)
class Links:
    """To the other dashboards, taking time and filters along."""


Shown = Chart | Table | Number | Drawing | Alerts | Text | Links


@dataclass(frozen=True)
class Panel:
    """``id`` is unique on its dashboard and stays; a value that is clicked leads to the dashboard ``to``."""

    id: str
    title: str
    width: int
    shows: Shown
    to: str | None = None


@dataclass(frozen=True)
class Row:
    """Panels beside each other."""

    height: int
    panels: tuple[Panel, ...]


@dataclass(frozen=True)
class Dashboard:
    """``controls`` are fields, with their labels, whose values can be picked above the panels."""

    id: str
    title: str
    description: str
    rows: tuple[Row, ...]
    controls: tuple[tuple[str, str], ...] = ()
