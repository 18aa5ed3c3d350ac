"""Charts, tables and numbers as the state of Lens, Kibana's editor for them.

Shapes are those that Kibana 8.19 and 9 store: one layer over the data view, columns by id, buckets first.
"""

from collections.abc import Sequence
from typing import Any

from tracetide.kibana.panels import (
    SEVERITIES,
    Bucket,
    Chart,
    Count,
    Distinct,
    Highest,
    Latest,
    Metric,
    Number,
    Percentile,
    Severities,
    Table,
    Times,
    Values,
)

State = dict[str, Any]

LAYER = "alerts"
REFERENCE = f"indexpattern-datasource-layer-{LAYER}"

# Of the field that stands for the whole document.
_DOCUMENT = "___records___"


def attributes(shown: Chart | Table | Number, data_view: str) -> State:
    """What a panel of the type ``lens`` holds."""
    match shown:
        case Chart():
            buckets = [shown.along] if shown.split is None else [shown.split, shown.along]
            return _lens("lnsXY", _chart(shown), buckets, shown.metrics, data_view)
        case Table():
            return _lens("lnsDatatable", _table(shown), shown.rows, shown.metrics, data_view)
        case Number():
            state = {"layerId": LAYER, "layerType": "data", "metricAccessor": "metric-0"}
            return _lens("lnsMetric", state, [], [shown.metric], data_view)


def _lens(
    kind: str, visualization: State, buckets: Sequence[Bucket], metrics: Sequence[Metric], data_view: str
) -> State:
    columns = {f"bucket-{at}": _bucket(bucket) for at, bucket in enumerate(buckets)}
    columns |= {f"metric-{at}": _metric(metric) for at, metric in enumerate(metrics)}
    layer = {
        "columns": columns,
        "columnOrder": list(columns),
        "incompleteColumns": {},
        "ignoreGlobalFilters": False,
        "sampling": 1,
    }
    return {
        "title": "",
        "description": "",
        "type": "lens",
        "visualizationType": kind,
        "references": [{"type": "index-pattern", "id": data_view, "name": REFERENCE}],
        "state": {
            "visualization": visualization,
            "datasourceStates": {"formBased": {"layers": {LAYER: layer}}},
            "query": {"query": "", "language": "kuery"},
            "filters": [],
            "internalReferences": [],
            "adHocDataViews": {},
        },
    }


def _chart(chart: Chart) -> State:
    split = chart.split is not None
    layer: State = {
        "layerId": LAYER,
        "layerType": "data",
        "seriesType": chart.kind,
        "xAccessor": f"bucket-{int(split)}",
        "accessors": [f"metric-{at}" for at in range(len(chart.metrics))],
        "position": "top",
        "showGridlines": False,
    }
    if split:
        layer["splitAccessor"] = "bucket-0"
    if isinstance(chart.split, Severities):
        layer["colorMapping"] = _severity_colors()
    return {
        "layers": [layer],
        "preferredSeriesType": chart.kind,
        "legend": {"isVisible": True, "position": "right"},
        "valueLabels": "hide",
        "fittingFunction": "None",
        "axisTitlesVisibilitySettings": {"x": False, "yLeft": False, "yRight": False},
    }


def _severity_colors() -> State:
    return {
        "assignments": [
            {
                "rule": {"type": "matchExactly", "values": [label]},
                "color": {"type": "colorCode", "colorCode": color},
                "touched": True,
            }
            for label, (_, color) in SEVERITIES.items()
        ],
        "specialAssignments": [{"rule": {"type": "other"}, "color": {"type": "loop"}, "touched": False}],
        "paletteId": "eui_amsterdam_color_blind",
        "colorMode": {"type": "categorical"},
    }


def _table(table: Table) -> State:
    shown = [(f"bucket-{at}", False) for at in range(len(table.rows))]
    shown += [(f"metric-{at}", True) for at in range(len(table.metrics))]
    return {
        "layerId": LAYER,
        "layerType": "data",
        "columns": [
            {"columnId": column, "isMetric": metric, "isTransposed": False} for column, metric in shown
        ],
        "paging": {"size": 10, "enabled": True},
    }


def _bucket(bucket: Bucket) -> State:
    match bucket:
        case Times():
            params: State = {"interval": "auto", "includeEmptyRows": True, "dropPartials": False}
            return _column(bucket.label, "date", "date_histogram", params, bucket.field)
        case Severities():
            choices = [
                {"label": label, "input": {"query": query, "language": "kuery"}}
                for label, (query, _) in SEVERITIES.items()
            ]
            return _column(bucket.label, "string", "filters", {"filters": choices})
        case Values():
            return _column(bucket.label, bucket.type, "terms", _terms(bucket), bucket.field)


def _terms(values: Values) -> State:
    order: State = (
        {"type": "column", "columnId": "metric-0"}
        if values.rare is None
        else {"type": "rare", "maxDocCount": values.rare}
    )
    return {
        "size": values.size,
        "orderBy": order,
        "orderDirection": "desc" if values.rare is None else "asc",
        "otherBucket": False,
        "missingBucket": False,
        "parentFormat": {"id": "terms"},
        "include": [],
        "exclude": [],
        "includeIsRegex": False,
        "excludeIsRegex": False,
        "secondaryFields": [],
    }


def _metric(metric: Metric) -> State:
    match metric:
        case Count():
            column = _column(metric.label, "number", "count", {"emptyAsNull": False}, _DOCUMENT)
            return _only(column, metric.where) if metric.where else column
        case Distinct():
            return _column(metric.label, "number", "unique_count", {"emptyAsNull": False}, metric.field)
        case Percentile():
            return _column(metric.label, "number", "percentile", {"percentile": metric.percent}, metric.field)
        case Highest():
            return _column(metric.label, metric.type, "max", {"emptyAsNull": True}, metric.field)
        case Latest():
            column = _column(
                metric.label, metric.type, "last_value", {"sortField": "@timestamp"}, metric.field
            )
            return _only(column, f'"{metric.field}": *')


def _column(label: str, kind: str, operation: str, params: State, field: str | None = None) -> State:
    bucketed = operation in ("date_histogram", "filters", "terms")
    scales = {"date_histogram": "interval", "filters": "ordinal", "terms": "ordinal"}
    column: State = {
        "label": label,
        "customLabel": True,
        "dataType": kind,
        "operationType": operation,
        "isBucketed": bucketed,
        "scale": scales.get(operation, "ordinal" if kind == "string" else "ratio"),
        "params": params,
    }
    return column if field is None else {**column, "sourceField": field}


def _only(column: State, query: str) -> State:
    """The column, counting only what the KQL query finds."""
    return {**column, "filter": {"query": query, "language": "kuery"}}
