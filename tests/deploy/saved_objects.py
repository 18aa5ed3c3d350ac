"""The saved objects of ``deploy/kibana/``, taken apart, and the fields that alerts have in an index."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from sinks.elastic_setup import FIELD_TYPES
from tests.sinks.samples import detection
from tests.sinks.test_ecs import EVENTS, leaves, made

ROOT = Path(__file__).parent.parent.parent
FILE = ROOT / "deploy/kibana/tracetide.ndjson"

Saved = dict[str, Any]

# What JSON values become when the template says nothing of their field.
_DYNAMIC: Mapping[type, str] = {bool: "boolean", int: "long", float: "float", str: "keyword"}


def saved() -> list[Saved]:
    """The objects of the file."""
    return [json.loads(line) for line in FILE.read_text().splitlines()]


def of_type(kind: str) -> dict[str, Saved]:
    """Those of a type, by id."""
    return {each["id"]: each for each in saved() if each["type"] == kind}


def panels(dashboard: Saved) -> list[Saved]:
    """The panels of a dashboard."""
    found: list[Saved] = json.loads(dashboard["attributes"]["panelsJSON"])
    return found


def everywhere(kind: str) -> Iterator[tuple[str, Saved]]:
    """Every panel of a type, under a name to read in a failure."""
    for name, dashboard in of_type("dashboard").items():
        for panel in panels(dashboard):
            if panel["type"] == kind:
                yield f"{name}/{panel['panelIndex']}", panel


def layers() -> Iterator[tuple[str, Saved, Saved]]:
    """Every layer of a Lens chart, with its name and the chart."""
    for name, panel in everywhere("lens"):
        chart = panel["embeddableConfig"]["attributes"]
        for layer in chart["state"]["datasourceStates"]["formBased"]["layers"].values():
            yield name, layer, chart


def drawings() -> dict[str, Saved]:
    """The Vega specifications, by the id of their panel."""
    found = {}
    for _, panel in everywhere("visualization"):
        visualization = panel["embeddableConfig"]["savedVis"]
        if visualization["type"] == "vega":
            found[panel["panelIndex"]] = json.loads(visualization["params"]["spec"])
    return found


def values(inside: object, key: str) -> Iterator[Any]:
    """What stands under ``key``, at any depth."""
    if isinstance(inside, dict):
        for name, value in inside.items():
            if name == key:
                yield value
            yield from values(value, key)
    elif isinstance(inside, list):
        for value in inside:
            yield from values(value, key)


def queried(kql: str) -> set[str]:
    """The fields that a KQL query names."""
    return set(re.findall(r'([@\w.]+)"?\s*(?::|[<>]=?)', kql))


@cache
def field_types() -> Mapping[str, str]:
    """The type of every field of our documents, as the index template and dynamic mapping decide it.

    The documents are those of every kind of event; a field that none of them has is in no alert.
    """
    assert FIELD_TYPES["date_detection"] is False
    found = dict(_named(FIELD_TYPES["properties"]))
    for event in EVENTS.values():
        for name, value in leaves(made(detection(event=event, lost=3))):
            found.setdefault(name, _dynamic(FIELD_TYPES["dynamic_templates"], name, value))
    return found


def _named(properties: Saved, above: str = "") -> Iterator[tuple[str, str]]:
    for name, about in properties.items():
        if "type" in about:
            yield above + name, about["type"]
        yield from _named(about.get("properties", {}), f"{above}{name}.")


def _dynamic(templates: list[dict[str, Saved]], name: str, value: object) -> str:
    """The first template that fits decides, as Elasticsearch does it; ``match`` is about the last part."""
    last = name.rpartition(".")[2]
    for template in templates:
        ((_, rule),) = template.items()
        assert set(rule) <= {"match", "match_mapping_type", "mapping"}, "this test does not know all of it"
        assert rule["match_mapping_type"] == "string", "this test does not know other types"
        if isinstance(value, str) and rule.get("match", last) == last:
            kind: str = rule["mapping"]["type"]
            return kind
    return _DYNAMIC[type(value)]
