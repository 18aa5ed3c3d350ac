"""What the drawings have in common: requests that follow the dashboard, colours, and texts in a line."""

from collections.abc import Mapping
from typing import Any

from tracetide.kibana.panels import SEVERITIES

Spec = dict[str, Any]

# Replaced where the alerts are elsewhere: see ``saved.py``.
PATTERN = "logs-tracetide.alerts.*"

# Lines and areas that say nothing by themselves, on a light or a dark background.
GREY = "#7a828f"


def requested(name: str, body: Mapping[str, Any], listed: str, transforms: list[Spec]) -> Spec:
    """The data ``name``: a line for each element of ``listed``, a list in the answer, as ``datum.found``.

    Kibana adds time, query and filters of the dashboard, and refuses a body with a query of its own.
    """
    # While there is no index yet, an answer has no aggregations.
    first = listed.partition(".")[0]
    return {
        "name": name,
        "url": {"%context%": True, "%timefield%": "@timestamp", "index": PATTERN, "body": body},
        "transform": [
            {"type": "formula", "as": "all", "expr": f"datum.{first} ? datum.{listed} : []"},
            {"type": "flatten", "fields": ["all"], "as": ["found"]},
            *transforms,
        ],
    }


def severity_color(value: str) -> str:
    """An expression for the colour of the severity that the expression ``value`` gives."""
    critical, high, medium, low = (color for _, color in SEVERITIES.values())
    return f"{value} >= 99 ? '{critical}' : {value} >= 73 ? '{high}' : {value} >= 47 ? '{medium}' : '{low}'"


def text(data: str | None, said: str, x: Spec, y: Spec, **more: Spec) -> Spec:
    """A text mark for each line of ``data``, or one; ``said`` is an expression.

    The style is that of titles, to which Kibana gives the colour that its theme asks for.
    """
    mark: Spec = {
        "type": "text",
        "style": "guide-title",
        "interactive": False,
        "encode": {
            "update": {
                "text": {"signal": said},
                "x": x,
                "y": y,
                "baseline": {"value": "middle"},
                "fontWeight": {"value": "normal"},
                **more,
            }
        },
    }
    return mark if data is None else {**mark, "from": {"data": data}}


def nothing(data: str, sentence: str) -> Spec:
    """The sentence in the middle when there is no ``data``."""
    return text(
        None,
        f"length(data('{data}')) ? '' : '{sentence}'",
        {"signal": "width / 2"},
        {"signal": "height / 2"},
        align={"value": "center"},
        fontSize={"value": 13},
    )


def specification(description: str, **parts: Any) -> Spec:  # any part of a Vega specification
    """A drawing that fills its panel."""
    return {
        "$schema": "https://vega.github.io/schema/vega/v5.json",
        "description": description,
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": 5,
        **parts,
    }
