"""The dashboards are saved objects that Kibana imports, over fields that alerts have."""

import json
import re
from collections.abc import Callable, Mapping
from itertools import combinations

import pytest

from sinks.elasticsearch import Settings as ElasticsearchSettings
from tests.deploy.saved_objects import (
    FILE,
    ROOT,
    Saved,
    drawings,
    everywhere,
    field_types,
    layers,
    of_type,
    panels,
    queried,
    saved,
    values,
)
from tracetide.kibana import DASHBOARDS
from tracetide.kibana.panels import Dashboard, Links, Number, Panel, Row
from tracetide.kibana.saved import INDEX, ndjson

# Types of fields that an operation of Lens can work on, and what Lens calls the type of its result.
KEPT = {
    "keyword": "string",
    "long": "number",
    "float": "number",
    "ip": "ip",
    "date": "date",
    "boolean": "boolean",
}
NUMBERS = {"long", "float"}
WORKS_ON: Mapping[str, set[str]] = {
    "terms": KEPT.keys() - {"date"},
    "date_histogram": {"date"},
    "unique_count": set(KEPT),
    "percentile": NUMBERS,
    "max": NUMBERS | {"date"},
    "last_value": set(KEPT),
}

# All that Kibana takes as attributes of a dashboard of version 8.9, which forbids others.
OF_A_DASHBOARD = {
    "title",
    "description",
    "kibanaSavedObjectMeta",
    "timeRestore",
    "timeFrom",
    "timeTo",
    "refreshInterval",
    "controlGroupInput",
    "panelsJSON",
    "optionsJSON",
    "hits",
    "version",
}


def runtime_fields() -> dict[str, Saved]:
    """The fields that the data view computes."""
    (view,) = of_type("index-pattern").values()
    found: dict[str, Saved] = json.loads(view["attributes"]["runtimeFieldMap"])
    return found


def all_types() -> dict[str, str]:
    """Every field that a panel can use: of the alerts, of the data view, and one that every index has."""
    computed = {name: about["type"] for name, about in runtime_fields().items()}
    return {**field_types(), **computed, "_ignored": "keyword"}


def test_the_file_is_what_the_description_gives() -> None:
    """Whoever changes a panel writes the file again; twice gives the same bytes."""
    assert ndjson(DASHBOARDS) == ndjson(DASHBOARDS)
    assert FILE.read_bytes() == ndjson(DASHBOARDS), "run `make docs`"


def test_ids_are_unique() -> None:
    """Objects among each other, and panels on their dashboard."""
    ids = [(each["type"], each["id"]) for each in saved()]
    assert len(ids) == len(set(ids))
    for dashboard in of_type("dashboard").values():
        indices = [panel["panelIndex"] for panel in panels(dashboard)]
        assert len(indices) == len(set(indices))
        assert indices == [panel["gridData"]["i"] for panel in panels(dashboard)]


def test_panels_fill_the_grid_without_overlapping() -> None:
    """No panel leaves the 48 columns, none covers another, and no place beside one is empty."""
    for name, dashboard in of_type("dashboard").items():
        places = [panel["gridData"] for panel in panels(dashboard)]
        for place in places:
            assert place["x"] >= 0, name
            assert place["x"] + place["w"] <= 48, name
            assert min(place["w"], place["h"]) >= 3, name
        for one, other in combinations(places, 2):
            beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
            below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
            assert beside or below, (name, one["i"], other["i"])
        area = sum(place["w"] * place["h"] for place in places)
        assert area == 48 * max(place["y"] + place["h"] for place in places), name


def test_a_row_that_does_not_fill_the_grid_is_refused() -> None:
    """Whoever describes one is told which row it is, and how wide."""
    narrow = Dashboard("d", "d", "", (Row(3, (Panel("a", "", 20, Links()), Panel("b", "", 20, Links()))),))
    with pytest.raises(ValueError, match="d: the row a, b is 40 columns wide, not 48"):
        ndjson([narrow])


def needed(panel: Saved) -> set[str]:
    """Names of the references that a panel counts on, as Kibana looks for them."""
    config = panel["embeddableConfig"]
    names = set(values(panel, "destinationRefName")) | set(values(panel, "panelRefName"))
    names |= {
        f"indexpattern-datasource-layer-{layer}"
        for each in values(config, "layers")
        for layer in each
        if isinstance(each, dict)
    }
    for event in next(values(config, "events"), []):
        names.add(f"drilldown:{event['action']['factoryId']}:{event['eventId']}:dashboardId")
    return {f"{panel['panelIndex']}:{name}" for name in names}


def test_every_reference_leads_somewhere_and_is_needed() -> None:
    """What a dashboard refers to is in the file, and its panels and controls use exactly these names."""
    there = {(each["type"], each["id"]) for each in saved()}
    for each in saved():
        for reference in each["references"]:
            assert (reference["type"], reference["id"]) in there, (each["id"], reference)
    for dashboard in of_type("dashboard").values():
        controls = json.loads(dashboard["attributes"]["controlGroupInput"]["panelsJSON"])
        names = {name for panel in panels(dashboard) for name in needed(panel)}
        names |= {f"controlGroup_{control}:optionsListDataView" for control in controls}
        assert {reference["name"] for reference in dashboard["references"]} == names
        assert all(control["explicitInput"]["id"] == name for name, control in controls.items())
    for search in of_type("search").values():
        meta = json.loads(search["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
        assert [reference["name"] for reference in search["references"]] == [meta["indexRefName"]]


def test_objects_come_after_those_that_they_refer_to() -> None:
    """Kibana looks for what searches and data views refer to, so it must have that already."""
    seen = set()
    for each in saved():
        seen.add((each["type"], each["id"]))
        if each["type"] != "dashboard":
            assert {(one["type"], one["id"]) for one in each["references"]} <= seen


def test_versions_are_old_enough_for_every_kibana() -> None:
    """Kibana refuses objects that are newer than itself; 8.19 must take these."""
    for each in saved():
        for key in ("coreMigrationVersion", "typeMigrationVersion"):
            assert tuple(map(int, each[key].split("."))) <= (8, 9, 0)
    for dashboard in of_type("dashboard").values():
        assert set(dashboard["attributes"]) <= OF_A_DASHBOARD
        assert dashboard["managed"] is True


def test_every_column_works_on_a_field_that_alerts_have() -> None:
    """Each is in our documents, with a type that the operation takes and that Lens shows as it is told to."""
    types = all_types()
    checked = 0
    for name, layer, _ in layers():
        for column in layer["columns"].values():
            operation, field = column["operationType"], column.get("sourceField")
            if field in (None, "___records___"):
                assert operation in ("count", "filters"), (name, column)
                continue
            assert types.get(field) in WORKS_ON[operation], (name, operation, field, types.get(field))
            expected = "number" if operation in ("unique_count", "percentile") else KEPT[types[field]]
            assert column["dataType"] == expected, (name, field)
            checked += 1
    assert checked > 50


def test_every_query_names_fields_that_alerts_have() -> None:
    """KQL finds nothing, silently, for a field that does not exist."""
    types = all_types()
    asked = {
        field
        for _, layer, _ in layers()
        for query in values(layer, "query")
        for field in queried(query if isinstance(query, str) else query["query"])
    }
    assert {"event.severity", "tracetide.missing", "network.direction"} <= asked
    assert asked <= set(types)


def test_every_listed_and_picked_field_exists() -> None:
    """Columns of the searches are in our documents; the values of a control can be counted."""
    types = all_types()
    for search in of_type("search").values():
        assert set(search["attributes"]["columns"]) <= set(types)
        assert all(types[field] == "date" for field, _ in search["attributes"]["sort"])
    for dashboard in of_type("dashboard").values():
        for control in json.loads(dashboard["attributes"]["controlGroupInput"]["panelsJSON"]).values():
            assert types[control["explicitInput"]["fieldName"]] in WORKS_ON["terms"]


def test_computed_fields_are_made_of_fields_that_alerts_have() -> None:
    """A script asks whether an index knows a field before it takes its value; none hides a real field."""
    types = field_types()
    for name, about in runtime_fields().items():
        assert name not in types
        script = about["script"]["source"]
        used = set(re.findall(r"doc\['([^']+)'\]", script))
        assert used
        assert used == set(re.findall(r"doc\.containsKey\('([^']+)'\)", script))
        assert {types[field] for field in used} <= {"date", "keyword"}
        assert script.count("emit(") == 1


def test_scripts_of_computed_fields_compile(compile_painless: Callable[[str], str]) -> None:
    """Painless takes them, and would have refused one with a mistake."""
    scripts = [about["script"]["source"] for about in runtime_fields().values()]
    assert [compile_painless(script) for script in scripts] == [""] * len(scripts)
    assert "invalid sequence of tokens" in compile_painless(scripts[0].replace(" - ", " - * "))


def test_drawings_ask_for_fields_that_alerts_have() -> None:
    """Aggregations, sources and filters of the Vega drawings; Kibana refuses a request with its own query."""
    types = field_types()
    for name, spec in drawings().items():
        for request in values(spec, "url"):
            assert request["%context%"] is True
            assert types[request["%timefield%"]] == "date"
            assert "query" not in request["body"]
            for field in values(request["body"].get("aggs", {}), "field"):
                assert types[field] in WORKS_ON["terms"], (name, field)
            for field in request["body"].get("_source", []):
                assert any(known == field or known.startswith(f"{field}.") for known in types), (name, field)
        for update in values(spec, "update"):
            if isinstance(update, str) and "kibanaAddFilter" in update:
                filtered = re.findall(r"(?:term|match_phrase): \{'([^']+)'", update)
                assert filtered
                assert all(types[field] == "keyword" for field in filtered)


def test_charts_show_columns_that_they_have() -> None:
    """The order of a layer names each column once, and a chart uses all of them and no other."""
    for name, layer, chart in layers():
        assert layer["columnOrder"] == list(dict.fromkeys(layer["columnOrder"]))
        assert set(layer["columnOrder"]) == set(layer["columns"])
        used = set(re.findall(r'"((?:bucket|metric)-\d+)"', json.dumps(chart["state"]["visualization"])))
        assert used == set(layer["columns"]), name
        buckets = [layer["columns"][column]["isBucketed"] for column in layer["columnOrder"]]
        assert buckets == sorted(buckets, reverse=True), name
        assert set(values(layer, "columnId")) <= {"metric-0"} & set(layer["columns"]), name


def test_severities_are_told_apart_completely() -> None:
    """Every severity that a document can have is in one of the four, under its own colour."""
    filters = [
        column["params"]["filters"]
        for _, layer, _ in layers()
        for column in layer["columns"].values()
        if column["operationType"] == "filters"
    ]
    assert filters
    for choices in filters:
        found = {
            value: [
                choice["label"]
                for choice in choices
                if all(
                    (value >= int(limit) if sign == ">=" else value < int(limit))
                    for sign, limit in re.findall(r"event\.severity (>=|<) (\d+)", choice["input"]["query"])
                )
            ]
            for value in (21, 47, 73, 99)
        }
        assert found == {21: ["low"], 47: ["medium"], 73: ["high"], 99: ["critical"]}


@pytest.mark.parametrize("index", ["logs-tracetide.alerts", "soc-alerts"])
def test_another_index_is_used_everywhere(index: str) -> None:
    """Data view and drawings look where the forwarder writes."""
    text = ndjson(DASHBOARDS, index).decode()
    assert set(re.findall(r"[\w.-]+-[\w.]*alerts\.\*", text)) == {f"{index}.*"}
    assert ElasticsearchSettings.model_fields["index"].default == INDEX


def test_every_dashboard_links_to_all() -> None:
    """The row of links is the same everywhere, and the panels that lead on lead to the investigation."""
    for _, panel in everywhere("links"):
        links = panel["embeddableConfig"]["attributes"]["links"]
        assert [link["id"] for link in links] == [dashboard.id for dashboard in DASHBOARDS]
    assert len(list(everywhere("links"))) == len(DASHBOARDS)


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda dashboard: dashboard.id)
def test_the_page_explains_every_panel(dashboard: Dashboard) -> None:
    """Each stands in the page by its title, a figure by its label."""
    page = (ROOT / "docs/kibana.md").read_text()
    for row in dashboard.rows:
        for panel in row.panels:
            label = panel.shows.metric.label if isinstance(panel.shows, Number) else panel.title
            assert label in page, panel.id
