"""The ATT&CK heat map: a column for each tactic in the order of an attack, below it its techniques.

A chart of Kibana's own would pair every tactic of an alert with every technique of it, because documents
hold both as lists. Here the pairs that ATT&CK does not know are dropped; a technique that our table does
not have keeps all of its pairs.
"""

from rules.attack import TECHNIQUES
from sinks.attack import TACTICS
from tracetide.kibana.vega import PATTERN, Spec, nothing, requested, severity_color, specification, text

_REQUEST = {
    "size": 0,
    "aggs": {
        "techniques": {
            "terms": {"field": "threat.technique.id", "size": 500},
            "aggs": {
                "tactics": {
                    "terms": {"field": "threat.tactic.name", "size": 20},
                    "aggs": {"worst": {"max": {"field": "event.severity"}}},
                }
            },
        }
    },
}


def _known() -> list[Spec]:
    """Techniques, as ``threat.technique.id`` has them, and all tactics that they or parts of them serve."""
    found: dict[str, Spec] = {}
    for each in TECHNIQUES.values():
        whole = each.id.partition(".")[0]
        entry = found.setdefault(
            whole, {"technique": whole, "name": each.name.partition(": ")[0], "tactics": []}
        )
        entry["tactics"] += [tactic for tactic in each.tactics if tactic not in entry["tactics"]]
    return list(found.values())


def _formula(name: str, expression: str) -> Spec:
    return {"type": "formula", "as": name, "expr": expression}


def _looked_up(source: str, key: str, *values: str, **more: int) -> Spec:
    return {"type": "lookup", "from": source, "key": key, "fields": [key], "values": list(values), **more}


_CELLS = [
    _formula("technique", "datum.found.key"),
    {"type": "flatten", "fields": ["found.tactics.buckets"], "as": ["pair"]},
    _formula("tactic", "datum.pair.key"),
    _formula("alerts", "datum.pair.doc_count"),
    _formula("worst", "datum.pair.worst.value"),
    _looked_up("known", "technique", "name", "tactics"),
    {"type": "filter", "expr": "!datum.tactics || indexof(datum.tactics, datum.tactic) >= 0"},
    _formula("name", "datum.name || datum.technique"),
    _looked_up("order", "tactic", "rank", default=len(TACTICS)),
    {
        "type": "window",
        "groupby": ["tactic"],
        "sort": {"field": ["alerts", "technique"], "order": ["descending", "ascending"]},
        "ops": ["row_number"],
        "as": ["row"],
    },
]

_DATA: list[Spec] = [
    {"name": "known", "values": _known()},
    {"name": "order", "values": [{"tactic": name, "rank": rank} for rank, name in enumerate(TACTICS)]},
    requested("cells", _REQUEST, "aggregations.techniques.buckets", _CELLS),
    {
        "name": "columns",
        "source": "cells",
        "transform": [
            {"type": "aggregate", "groupby": ["tactic", "rank"]},
            {"type": "collect", "sort": {"field": ["rank", "tactic"]}},
        ],
    },
]

_MOST = "length(data('cells')) ? extent(pluck(data('cells'), '{}'))[1] : 1"

_SIGNALS: list[Spec] = [
    {"name": "header", "value": 26},
    {"name": "step", "update": f"clamp((height - header) / ({_MOST.format('row')}), 14, 44)"},
    {"name": "column", "update": "bandwidth('x')"},
    {
        "name": "picked",
        "on": [
            {
                "events": "@cell:click",
                "update": "kibanaAddFilter({match_phrase: {'threat.technique.id': datum.technique}},"
                f" '{PATTERN}', datum.technique + ' ' + datum.name)",
            }
        ],
    },
]

_SCALES: list[Spec] = [
    {
        "name": "x",
        "type": "band",
        "domain": {"data": "columns", "field": "tactic"},
        "range": [0, {"signal": "min(width, length(data('columns')) * 230)"}],
        "paddingInner": 0.04,
    },
    {
        "name": "heat",
        "type": "log",
        "domain": [1, {"signal": f"max(10, {_MOST.format('alerts')})"}],
        "range": ["#dfe7f2", "#14437f"],
        "interpolate": "lab",
        "clamp": True,
    },
]

_X = {"scale": "x", "field": "tactic"}
_TOP = {"signal": "header + (datum.row - 1) * step"}
_INK = {"signal": "luminance(scale('heat', datum.alerts)) > 0.2 ? '#1a1c21' : '#ffffff'"}
_INSIDE: Spec = {"x": {**_X, "offset": 11}, "limit": {"signal": "column - 16"}, "fill": _INK}

_CELL: Spec = {
    "name": "cell",
    "type": "rect",
    "from": {"data": "cells"},
    "encode": {
        "update": {
            "x": _X,
            "width": {"scale": "x", "band": 1},
            "y": _TOP,
            "height": {"signal": "step - 2"},
            "fill": {"scale": "heat", "field": "alerts"},
            "cursor": {"value": "pointer"},
            "tooltip": {
                "signal": "{title: datum.technique + ' ' + datum.name, Tactic: datum.tactic,"
                " Alerts: format(datum.alerts, ','), 'Worst severity': datum.worst}"
            },
        }
    },
}

_WORST: Spec = {
    "type": "rect",
    "interactive": False,
    "from": {"data": "cells"},
    "encode": {
        "update": {
            "x": _X,
            "width": {"value": 5},
            "y": _TOP,
            "height": {"signal": "step - 2"},
            "fill": {"signal": severity_color("datum.worst")},
        }
    },
}

_NAME = text(
    "cells",
    "datum.name",
    y={"signal": "header + (datum.row - 1) * step + (step < 30 ? step / 2 - 1 : step * 0.32)"},
    **_INSIDE,
)
_FIGURES = text(
    "cells",
    "step < 30 ? '' : datum.technique + ' · ' + format(datum.alerts, ',')",
    y={"signal": "header + (datum.row - 0.32) * step"},
    **_INSIDE,
)
_TACTIC = text(
    "columns",
    "datum.tactic",
    x=_X,
    y={"value": 10},
    limit={"signal": "column"},
    fontSize={"value": 12},
    fontWeight={"value": "bold"},
)

ATTACK_MAP = specification(
    "Alerts by ATT&CK tactic and technique; the bar at the left is the worst severity",
    data=_DATA,
    signals=_SIGNALS,
    scales=_SCALES,
    legends=[
        {
            "fill": "heat",
            "title": "alerts",
            "type": "gradient",
            "gradientLength": 90,
        }
    ],
    marks=[
        _CELL,
        _WORST,
        _NAME,
        _FIGURES,
        _TACTIC,
        nothing("cells", "No alert with an ATT&CK technique in this time"),
    ],
)
