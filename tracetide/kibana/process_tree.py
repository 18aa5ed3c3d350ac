"""The process tree: every process of the newest alerts below its ancestors, as an indented list.

Each alert names the process and its ancestors, so the tree needs no other documents. A line's place is the
entity ids from the first ancestor to the process, joined: sorted, children come below their parents.
"""

from tracetide.kibana.vega import GREY, PATTERN, Spec, nothing, requested, severity_color, specification, text

ALERTS = 100

# More lines could not be told apart.
_LINES = 50

_REQUEST = {
    "size": ALERTS,
    "sort": [{"@timestamp": {"order": "desc"}}],
    "_source": [
        "@timestamp",
        "event.severity",
        "host.name",
        "process.entity_id",
        "process.pid",
        "process.name",
        "process.command_line",
        "rule.name",
        "tracetide.ancestors",
    ],
}


def _formulas(**expressions: str) -> list[Spec]:
    return [{"type": "formula", "as": name, "expr": expr} for name, expr in expressions.items()]


_HITS = requested(
    "hits",
    _REQUEST,
    "hits.hits",
    [
        *_formulas(document="datum.found._source"),
        {"type": "filter", "expr": "datum.document.process"},
        *_formulas(
            one="datum.document.process",
            above="datum.document.tracetide ? datum.document.tracetide.ancestors : []",
            host="datum.document.host.name",
            when="toDate(datum.document['@timestamp'])",
        ),
    ],
)

# The processes that alerts are about, and those above them.
_OWN: Spec = {
    "name": "own",
    "source": "hits",
    "transform": _formulas(
        alerts="1",
        severity="datum.document.event.severity",
        rule="datum.document.rule.name",
        depth="length(datum.above)",
        parent="datum.depth ? datum.above[0].entity_id : ''",
        path="join(reverse(pluck(datum.above, 'entity_id')), '/') + '/' + datum.one.entity_id",
    ),
}
_ABOVE: Spec = {
    "name": "ancestors",
    "source": "hits",
    "transform": [
        {"type": "flatten", "fields": ["above"], "as": ["one"], "index": "at"},
        *_formulas(
            alerts="0",
            severity="0",
            rule="''",
            depth="length(datum.above) - 1 - datum.at",
            parent="datum.depth ? datum.above[datum.at + 1].entity_id : ''",
            path="join(reverse(pluck(slice(datum.above, datum.at), 'entity_id')), '/')",
        ),
    ],
}

# One line for each process, as its newest alert has it.
_ALL: Spec = {
    "name": "lines",
    "source": ["own", "ancestors"],
    "transform": [
        *_formulas(
            id="datum.one.entity_id",
            name="datum.one.name || '?'",
            pid="datum.one.pid",
            command="datum.one.command_line || ''",
        ),
        {
            "type": "joinaggregate",
            "groupby": ["id"],
            "fields": ["alerts", "severity"],
            "ops": ["sum", "max"],
            "as": ["total", "worst"],
        },
        {
            "type": "window",
            "groupby": ["id"],
            "sort": {"field": ["alerts", "when"], "order": ["descending", "descending"]},
            "ops": ["row_number"],
            "as": ["nth"],
        },
        {"type": "filter", "expr": "datum.nth == 1"},
        {"type": "window", "sort": {"field": "path"}, "ops": ["row_number"], "as": ["line"]},
    ],
}
_SHOWN: Spec = {
    "name": "shown",
    "source": "lines",
    "transform": [
        {"type": "filter", "expr": f"datum.line <= {_LINES}"},
        {
            "type": "lookup",
            "from": "lines",
            "key": "id",
            "fields": ["parent"],
            "values": ["line"],
            "as": ["above_line"],
        },
    ],
}

_SIGNALS: list[Spec] = [
    {"name": "header", "value": 26},
    {"name": "step", "update": "clamp((height - header - 14) / max(1, length(data('shown'))), 9, 22)"},
    {"name": "size", "update": "step < 14 ? 10 : 12"},
    {"name": "indent", "update": "14"},
    {
        "name": "picked",
        "on": [
            {
                "events": "@line:click",
                "update": "kibanaAddFilter({bool: {should: [{term: {'process.entity_id': datum.id}},"
                " {term: {'tracetide.ancestors.entity_id': datum.id}}], minimum_should_match: 1}},"
                f" '{PATTERN}', datum.name + ' (' + datum.pid + ') and below')",
            }
        ],
    },
]

_MIDDLE = {"signal": "header + (datum.line - 0.5) * step"}


def _column(said: str, start: float, end: float, heading: str, *, right: bool = False) -> list[Spec]:
    """A column of texts between two shares of the width, and what stands above it."""
    x = {"signal": f"width * {end if right else start}"}
    place = {
        "x": x,
        "limit": {"signal": f"width * {end - start:.3f} - 8"},
        "align": {"value": "right" if right else "left"},
    }
    return [
        text("shown", said, y=_MIDDLE, fontSize={"signal": "size"}, **place),
        text(
            None,
            f"length(data('shown')) ? '{heading}' : ''",
            y={"value": 10},
            fontWeight={"value": "bold"},
            **place,
        ),
    ]


_LINE: Spec = {
    "name": "line",
    "type": "rect",
    "from": {"data": "shown"},
    "encode": {
        "update": {
            "x": {"value": 0},
            "width": {"signal": "width"},
            "y": {"signal": "header + (datum.line - 1) * step"},
            "height": {"signal": "step - 1"},
            "fill": {"signal": f"datum.total ? ({severity_color('datum.worst')}) : '{GREY}'"},
            "fillOpacity": {"signal": "datum.total ? 0.22 : 0.05"},
            "cursor": {"value": "pointer"},
            "tooltip": {
                "signal": "{title: datum.name + ' (' + datum.pid + ') on ' + datum.host,"
                " 'Entity id': datum.id, 'Command line': datum.command, Alerts: datum.total,"
                " 'Newest rule': datum.rule}"
            },
        }
    },
}
_WORST: Spec = {
    "type": "rect",
    "interactive": False,
    "from": {"data": "shown"},
    "encode": {
        "update": {
            "x": {"value": 0},
            "width": {"signal": "datum.total ? 4 : 0"},
            "y": {"signal": "header + (datum.line - 1) * step"},
            "height": {"signal": "step - 1"},
            "fill": {"signal": severity_color("datum.worst")},
        }
    },
}
_BRANCH: Spec = {
    "type": "path",
    "interactive": False,
    "from": {"data": "shown"},
    "encode": {
        "update": {
            "path": {
                "signal": "datum.above_line ? 'M' + (datum.depth * indent) + ',' + (header +"
                " (datum.above_line - 0.1) * step) + 'V' + (header + (datum.line - 0.5) * step)"
                " + 'h7' : ''"
            },
            "stroke": {"value": GREY},
            "strokeOpacity": {"value": 0.6},
        }
    },
}
_NAME = text(
    "shown",
    "datum.name",
    x={"signal": "10 + datum.depth * indent"},
    y=_MIDDLE,
    limit={"signal": "max(40, width * 0.28 - datum.depth * indent)"},
    fontSize={"signal": "size"},
    fontWeight={"signal": "datum.total ? 'bold' : 'normal'"},
)
_MORE = text(
    None,
    f"length(data('lines')) > {_LINES} ? 'and ' + (length(data('lines')) - {_LINES})"
    " + ' more processes: narrow the time, or pick a host' : ''",
    x={"value": 0},
    y={"signal": "height - 4"},
)

PROCESS_TREE = specification(
    "Processes of the newest alerts below their ancestors; coloured ones have alerts of their own",
    data=[_HITS, _OWN, _ABOVE, _ALL, _SHOWN],
    signals=_SIGNALS,
    marks=[
        _LINE,
        _WORST,
        _BRANCH,
        _NAME,
        *_column("''", 0.005, 0.3, "process"),
        *_column("datum.pid", 0.3, 0.36, "pid", right=True),
        *_column("datum.command", 0.375, 0.66, "command line"),
        *_column("datum.host", 0.66, 0.73, "host"),
        *_column("datum.total || ''", 0.73, 0.79, "alerts", right=True),
        *_column("datum.rule", 0.8, 1.0, "newest rule"),
        _MORE,
        nothing("shown", "No alert with a process in this time"),
    ],
)
