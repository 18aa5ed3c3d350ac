"""Saved objects of Kibana from the description of dashboards, the same bytes at every run.

Kibana converts older saved objects to its own version when it imports them and refuses newer ones, so each
bears the oldest version whose shape it has: those of 8.8 and 8.9, which 8.19 and 9 read alike.
Panels hold their charts; only saved searches are objects of their own, because Discover opens those.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tracetide.kibana import lens
from tracetide.kibana.panels import Alerts, Dashboard, Drawing, Links, Panel, Text
from tracetide.kibana.runtime import FORMATS, RUNTIME

Saved = dict[str, Any]
References = list[dict[str, str]]

DATA_VIEW = "tracetide-alerts"
INDEX = "logs-tracetide.alerts"

_WIDTH = 48
_VERSIONS = {"index-pattern": "8.0.0", "search": "8.0.0", "dashboard": "8.9.0"}
_NO_QUERY = {"query": "", "language": "kuery"}
_SOURCE = "kibanaSavedObjectMeta.searchSourceJSON.index"
_DRILLDOWN = "DASHBOARD_TO_DASHBOARD_DRILLDOWN"


def ndjson(dashboards: Sequence[Dashboard], index: str = INDEX) -> bytes:
    """A line for each object, as Kibana exports them; names of the indices begin with ``index``."""
    return b"".join(json.dumps(each, sort_keys=True).encode() + b"\n" for each in objects(dashboards, index))


def objects(dashboards: Sequence[Dashboard], index: str = INDEX) -> Iterator[Saved]:
    """The data view, then the searches, then the dashboards: each after what it refers to."""
    yield _data_view(f"{index}.*")
    searches = {
        panel.shows.id: _search(panel.shows)
        for dashboard in dashboards
        for panel in _panels(dashboard)
        if isinstance(panel.shows, Alerts)
    }
    yield from searches.values()
    for dashboard in dashboards:
        yield _dashboard(dashboard, dashboards, f"{index}.*")


def _object(kind: str, name: str, attributes: Saved, references: References) -> Saved:
    return {
        "type": kind,
        "id": name,
        "attributes": attributes,
        "references": references,
        "coreMigrationVersion": "8.8.0",
        "typeMigrationVersion": _VERSIONS[kind],
        # Kibana offers to duplicate these instead of editing them: the next import would undo an edit.
        "managed": kind == "dashboard",
    }


def _data_view(pattern: str) -> Saved:
    attributes = {
        "title": pattern,
        "name": "tracetide alerts",
        "timeFieldName": "@timestamp",
        # There may be no alert yet.
        "allowNoIndex": True,
        "runtimeFieldMap": _compact(RUNTIME),
        "fieldFormatMap": _compact(FORMATS),
        "fieldAttrs": "{}",
        "fields": "[]",
        "sourceFilters": "[]",
    }
    return _object("index-pattern", DATA_VIEW, attributes, [])


def _search(alerts: Alerts) -> Saved:
    attributes = {
        "title": alerts.title,
        "description": "",
        "columns": list(alerts.columns),
        "sort": [["@timestamp", "desc"]],
        "grid": {},
        "hideChart": True,
        "isTextBasedQuery": False,
        "timeRestore": False,
        "usesAdHocDataView": False,
        "kibanaSavedObjectMeta": {
            "searchSourceJSON": _compact({"query": _NO_QUERY, "filter": [], "indexRefName": _SOURCE})
        },
    }
    return _object("search", alerts.id, attributes, [_to_data_view(_SOURCE)])


def _dashboard(dashboard: Dashboard, all_of_them: Sequence[Dashboard], pattern: str) -> Saved:
    panels, references = [], []
    for panel, place in _placed(dashboard):
        body, needed = _panel(panel, all_of_them, pattern)
        panels.append({"panelIndex": panel.id, "gridData": {**place, "i": panel.id}, **body})
        references += [{**each, "name": f"{panel.id}:{each['name']}"} for each in needed]
    references += [
        _to_data_view(f"controlGroup_{_control_id(field)}:optionsListDataView")
        for field, _ in dashboard.controls
    ]
    options = {
        "useMargins": True,
        "syncColors": False,
        "syncCursor": True,
        "syncTooltips": False,
        "hidePanelTitles": False,
    }
    attributes = {
        "title": dashboard.title,
        "description": dashboard.description,
        "panelsJSON": _compact(panels),
        "optionsJSON": _compact(options),
        "controlGroupInput": _controls(dashboard.controls),
        "kibanaSavedObjectMeta": {"searchSourceJSON": _compact({"query": _NO_QUERY, "filter": []})},
        "timeRestore": True,
        "timeFrom": "now-24h",
        "timeTo": "now",
        "refreshInterval": {"pause": True, "value": 60_000},
        "version": 1,
    }
    return _object("dashboard", dashboard.id, attributes, references)


def _panels(dashboard: Dashboard) -> Iterator[Panel]:
    return (panel for row in dashboard.rows for panel in row.panels)


def _placed(dashboard: Dashboard) -> Iterator[tuple[Panel, dict[str, int]]]:
    """Every panel with its place: rows below each other, the panels of a row from left to right."""
    top = 0
    for row in dashboard.rows:
        left = 0
        for panel in row.panels:
            yield panel, {"x": left, "y": top, "w": panel.width, "h": row.height}
            left += panel.width
        if left != _WIDTH:
            names = ", ".join(panel.id for panel in row.panels)
            raise ValueError(f"{dashboard.id}: the row {names} is {left} columns wide, not {_WIDTH}")
        top += row.height


def _panel(panel: Panel, dashboards: Sequence[Dashboard], pattern: str) -> tuple[Saved, References]:
    """What the panel holds, and what of that is somewhere else."""
    match panel.shows:
        case Links():
            body, references = _links(dashboards)
        case Text(markdown):
            params = {"markdown": markdown, "fontSize": 12, "openLinksInNewTab": False}
            body, references = _visualization("markdown", params), []
        case Drawing(spec):
            params = {"spec": _compact(spec).replace(f"{INDEX}.*", pattern)}
            body, references = _visualization("vega", params), []
        case Alerts():
            name = f"panel_{panel.id}"
            body = {"type": "search", "panelRefName": name, "embeddableConfig": {}}
            references = [{"type": "search", "id": panel.shows.id, "name": name}]
        case shown:
            attributes = lens.attributes(shown, DATA_VIEW)
            body = {"type": "lens", "embeddableConfig": {"attributes": attributes}}
            references = [_to_data_view(lens.REFERENCE)]
    actions: list[Saved] = []
    if panel.to:
        actions, target = _leads_to(panel.to)
        references = [*references, target]
    extra = {"enhancements": {"dynamicActions": {"events": actions}} if actions else {}}
    config = {**body["embeddableConfig"], **extra, "hidePanelTitles": not panel.title}
    return {**body, "title": panel.title, "embeddableConfig": config}, references


def _visualization(kind: str, params: Mapping[str, Any]) -> Saved:
    """Kibana's older charts, which hold what is not Lens: Markdown and Vega."""
    saved = {
        "type": kind,
        "title": "",
        "description": "",
        "params": params,
        "uiState": {},
        "data": {"aggs": [], "searchSource": {"query": _NO_QUERY, "filter": []}},
    }
    return {"type": "visualization", "embeddableConfig": {"savedVis": saved}}


def _links(dashboards: Sequence[Dashboard]) -> tuple[Saved, References]:
    links = [
        {
            "type": "dashboardLink",
            "id": dashboard.id,
            "order": order,
            "label": dashboard.title.removeprefix("tracetide: ").capitalize(),
            "destinationRefName": f"link_{dashboard.id}_dashboard",
            "options": {"openInNewTab": False, "useCurrentFilters": True, "useCurrentDateRange": True},
        }
        for order, dashboard in enumerate(dashboards)
    ]
    config = {"attributes": {"layout": "horizontal", "links": links}}
    targets = [
        {"type": "dashboard", "id": dashboard.id, "name": f"link_{dashboard.id}_dashboard"}
        for dashboard in dashboards
    ]
    return {"type": "links", "embeddableConfig": config}, targets


def _leads_to(dashboard: str) -> tuple[list[Saved], dict[str, str]]:
    """What makes a clicked value open a dashboard with that value as its filter."""
    event = f"to-{dashboard}"
    config = {"useCurrentFilters": True, "useCurrentDateRange": True, "openInNewTab": False}
    action = {"factoryId": _DRILLDOWN, "name": "Investigate", "config": config}
    events = [{"eventId": event, "triggers": ["FILTER_TRIGGER"], "action": action}]
    name = f"drilldown:{_DRILLDOWN}:{event}:dashboardId"
    return events, {"type": "dashboard", "id": dashboard, "name": name}


def _controls(controls: Iterable[tuple[str, str]]) -> Saved:
    panels = {
        _control_id(field): {
            "type": "optionsListControl",
            "order": order,
            "width": "medium",
            "grow": True,
            "explicitInput": {
                "id": _control_id(field),
                "fieldName": field,
                "title": label,
                "selectedOptions": [],
                "enhancements": {},
            },
        }
        for order, (field, label) in enumerate(controls)
    }
    heed = dict.fromkeys(("ignoreFilters", "ignoreQuery", "ignoreTimerange", "ignoreValidations"), False)
    return {
        "controlStyle": "oneLine",
        "chainingSystem": "HIERARCHICAL",
        "ignoreParentSettingsJSON": _compact(heed),
        "panelsJSON": _compact(panels),
    }


def _control_id(field: str) -> str:
    return f"control-{field.replace('.', '-')}"


def _to_data_view(name: str) -> dict[str, str]:
    return {"type": "index-pattern", "id": DATA_VIEW, "name": name}


def _compact(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
