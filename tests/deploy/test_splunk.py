"""What is deployed to Splunk reads fields that detections have, and names them as its data models do."""

import configparser
import re
from pathlib import Path
from types import NoneType
from typing import get_args, get_origin
from xml.etree import ElementTree as ET

import msgspec
import pytest

from wire.detection import Detection
from wire.event import AnyEvent

DEFAULT = Path(__file__).parent.parent.parent / "deploy/splunk/default"

# Of the models Alerts, Endpoint and Network Traffic.
MODEL = {
    "action", "app", "description", "dest", "dest_ip", "dest_port", "dvc", "file_name", "file_path",
    "mitre_tactic", "mitre_technique_id", "parent_process_guid", "parent_process_id", "parent_process_name",
    "parent_process_path", "process", "process_current_directory", "process_guid", "process_id",
    "process_name", "process_path", "severity", "signature", "signature_id", "src_ip", "src_port",
    "transport", "type", "user", "user_id", "vendor_product",
}  # fmt: skip
OURS = {"container_id", "container_name", "container_image"}


def conf(name: str) -> configparser.RawConfigParser:
    """One of Splunk's files, names as they are written."""
    parser = configparser.RawConfigParser(delimiters=("=",), strict=True)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # as its documentation says
    parser.read_string((DEFAULT / name).read_text())
    return parser


def paths(kind: object, above: str = "") -> set[str]:  # any type annotation
    """The names under which Splunk extracts what a struct holds."""
    kinds = [each for each in get_args(kind) if each is not NoneType] or [kind]
    found: set[str] = set()
    for each in kinds:
        if isinstance(each, type) and issubclass(each, msgspec.Struct):
            for field in msgspec.structs.fields(each):
                inner = field.type if field.name != "event" or above else AnyEvent
                lists = [one for one in (inner, *get_args(inner)) if get_origin(one) is list]
                name = f"{above}{field.encode_name}" + ("{}" if lists else "")
                found |= {name} | paths(get_args(lists[0])[0] if lists else inner, f"{name}.")
    return found


def test_every_field_that_is_read_is_one_of_a_detection() -> None:
    """A renamed field is noticed here and not by an analyst."""
    known = paths(Detection) | {"event.kind"}
    props = conf("props.conf")["tracetide:detection"]
    read = {
        name
        for key, value in props.items()
        for name in re.findall(r"'([^']+)'" if key.startswith("EVAL-") else r"(\S+) AS ", value)
    }
    assert len(read) > 25
    assert {name.strip('"') for name in read} <= known


def test_names_are_those_of_the_common_information_model() -> None:
    """What data models and correlation searches look for, and three names for containers."""
    props = conf("props.conf")["tracetide:detection"]
    made = {key.removeprefix("EVAL-") for key in props if key.startswith("EVAL-")}
    for key, value in props.items():
        if key.startswith("FIELDALIAS-"):
            made |= set(re.findall(r" AS (\w+)", value))
    assert made <= MODEL | OURS
    assert {"severity", "signature", "dest", "process", "parent_process_name", "user"} <= made


def test_every_tag_is_of_an_event_type() -> None:
    """Tags are given to event types that exist."""
    named = {section.removeprefix("eventtype=") for section in conf("tags.conf").sections()}
    assert named == set(conf("eventtypes.conf").sections())
    assert "alert" in conf("tags.conf")["eventtype=tracetide_detection"]


def test_the_dashboard_is_whole() -> None:
    """Well-formed, and every search is based on the one that looks for our source type."""
    root = ET.fromstring((DEFAULT / "data/ui/views/tracetide.xml").read_text())  # noqa: S314  # ours
    searches = root.findall(".//panel//search")
    assert len(searches) >= 5
    assert {search.get("base") for search in searches} == {"found"}
    assert 'sourcetype="tracetide:detection"' in root.findtext("./search[@id='found']/query", "")


@pytest.mark.parametrize("name", ["app.conf", "eventtypes.conf", "props.conf", "tags.conf"])
def test_every_file_can_be_read(name: str) -> None:
    """No line is out of place, no name is given twice."""
    assert conf(name).sections()
