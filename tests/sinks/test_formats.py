"""CEF, LEEF and OCSF: other people's parsers and schemas read them, attackers cannot forge fields in them."""

import json
from typing import Any

import jsonschema
import ocsf_json_schema
import pycef
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinks.formats.cef import cef
from sinks.formats.leef import leef
from sinks.formats.ocsf import VERSION, finding
from tests.sinks.samples import RULE, detection, process
from tests.sinks.test_ecs import EVENTS
from wire.detection import PRIORITIES, Detection, Priority, RuleInfo


def hostile(text: str, event: dict[str, Any] | None = None) -> Detection:
    """A detection in which everything that an attacker may choose is ``text``."""
    return detection(
        output=text,
        rule=RuleInfo(name=text, priority="Error", response=text, techniques=RULE.techniques),
        process=process(40, text, text, user=text),
        ancestors=[process(30, text)],
        event=event or {"kind": "open", "type": "openat", "path": text},
    )


HOSTILE = [
    "a=b", "a|b", "a\\b", "a\\", "\\=x", "a\nsrc=6.6.6.6", "a src=6.6.6.6 b", "\r\nCEF:0|a|b|c|d|e|9|act=x",
    "a\tusrName=root", "tab\\tsev=10", "\u2028\u2029\x85", "\x1b[31m\x00\x7f", "\ud800",
]  # fmt: skip


def test_cef_is_read_by_a_parser_of_others() -> None:
    """Header and extensions under the names of the standard."""
    read = pycef.parse(cef(detection(), "1.2.3"))
    assert (read["DeviceVendor"], read["DeviceProduct"], read["DeviceVersion"]) == (
        "tracetide",
        "tracetide",
        "1.2.3",
    )
    assert (read["Name"], read["Severity"]) == ("A web server started a shell", "9")
    assert (read["externalId"], read["dvchost"], read["dproc"], read["dpid"]) == (
        detection().id,
        "node-1",
        "sh",
        "40",
    )
    assert (read["commandLine"], read["image"]) == ("/bin/sh -c id", "registry.example:5000/shop/web:1.2")
    assert read["techniques"] == "T1505.003,T1190"
    assert (read["sproc"], read["spid"], read["duser"]) == ("httpd", "30", "www-data")
    assert read["rt"] == "1795600000123"


def test_cef_has_keys_for_both_kinds_of_addresses() -> None:
    """Version 4 in src and dst, version 6 in the fields that are for it."""
    six = pycef.parse(cef(detection(event=EVENTS["connect"]), "1"))
    assert (six["sourceIPv6"], six["destinationIPv6"], six["dpt"]) == ("2001:db8::1", "2001:db8::2", "443")
    four = cef(detection(event={**EVENTS["connect"], "local_ip": "10.0.0.1", "remote_ip": "10.0.0.2"}), "1")
    assert pycef.parse(four)["dst"] == "10.0.0.2"


@pytest.mark.parametrize("text", HOSTILE)
def test_nobody_forges_a_field_of_cef(text: str) -> None:
    """The parser finds the keys that a harmless detection has, whatever is in the values."""
    line = cef(hostile(text), "1")
    assert not any(each in line for each in "\r\n\x00\x1b\x7f\x85\u2028\u2029")
    assert set(_cef_keys(line)) == set(_cef_keys(cef(hostile("harmless"), "1")))


def _cef_keys(line: str) -> dict[str, str]:
    """A reading of CEF by its rules alone: bars that are not escaped, then equals signs that are not."""
    parts: list[str] = [""]
    escaped = False
    for place, each in enumerate(line):
        if len(parts) == 8:
            return _pairs(line[place:])
        if each == "|" and not escaped:
            parts.append("")
        else:
            parts[-1] += each
        escaped = each == "\\" and not escaped
    raise AssertionError(line)


def _pairs(extension: str) -> dict[str, str]:
    signs: list[int] = []
    escaped = False
    for place, each in enumerate(extension):
        if each == "=" and not escaped:
            signs.append(place)
        escaped = each == "\\" and not escaped
    starts = [extension.rfind(" ", 0, sign) + 1 for sign in signs]
    ends = [start - 1 for start in starts[1:]] + [len(extension)]
    return {
        extension[start:sign]: extension[sign + 1 : end]
        for start, sign, end in zip(starts, signs, ends, strict=True)
    }


@given(text=st.text(min_size=1, max_size=60))
def test_cef_and_leef_hold_any_text(text: str) -> None:
    """The same number of fields for every text, and one line."""
    kept = f"x{text}x"  # a program whose path ends with a slash has no name
    for made, harmless in ((cef, "|"), (leef, "\t")):
        line = made(hostile(kept), "1")
        assert len(line.splitlines()) == 1
        if harmless == "\t":
            assert line.count("\t") == made(hostile("x"), "1").count("\t")
        else:
            assert set(_cef_keys(line)) == set(_cef_keys(made(hostile("x"), "1")))


@pytest.mark.parametrize("text", HOSTILE)
def test_nobody_forges_a_field_of_leef(text: str) -> None:
    """Between tabs stand the keys that a harmless detection has; the header has its six bars."""
    found, harmless = leef(hostile(text), "1"), leef(hostile("harmless"), "1")
    assert _leef(found)[0][:4] == ["LEEF:2.0", "tracetide", "tracetide", "1"]
    assert list(_leef(found)[1]) == list(_leef(harmless)[1])


def _leef(line: str) -> tuple[list[str], dict[str, str]]:
    *header, attributes = line.split("|", 6)
    return header, dict(pair.split("=", 1) for pair in attributes.split("\t"))


def test_leef_has_the_names_that_qradar_knows() -> None:
    """Time in milliseconds, severity, addresses and user."""
    header, read = _leef(leef(detection(event=EVENTS["accept"]), "1.2.3"))
    assert header == ["LEEF:2.0", "tracetide", "tracetide", "1.2.3", "A web server started a shell", "x09"]
    assert (read["devTime"], read["sev"], read["usrName"]) == ("1795600000123", "9", "www-data")
    assert (read["src"], read["dst"], read["dstPort"]) == ("2001:db8::2", "2001:db8::1", "40000")
    assert read["cat"] == "Persistence,Initial Access"


@pytest.fixture(scope="module")
def ocsf() -> ocsf_json_schema.OcsfJsonSchemaEmbedded:
    """The schema in the version that findings name."""
    return ocsf_json_schema.OcsfJsonSchemaEmbedded(ocsf_json_schema.get_ocsf_schema(VERSION))


def faults(ocsf: ocsf_json_schema.OcsfJsonSchemaEmbedded, found: dict[str, Any]) -> list[str]:
    """What the schema has against a finding."""
    schema = ocsf.get_class_schema("detection_finding", found["metadata"]["profiles"])
    validator = jsonschema.Draft202012Validator(schema)
    return [f"{list(error.absolute_path)}: {error.message}" for error in validator.iter_errors(found)]


def seen(found: Detection) -> dict[str, Any]:
    """The finding as a receiver gets it."""
    as_sent: dict[str, Any] = json.loads(json.dumps(finding(found, "1.2.3")))
    return as_sent


@pytest.mark.parametrize("event", EVENTS.values(), ids=list(EVENTS))
@pytest.mark.parametrize("changes", [{}, {"container": None}, {"process": None, "ancestors": []}])
def test_findings_are_valid_ocsf(
    ocsf: ocsf_json_schema.OcsfJsonSchemaEmbedded, event: dict[str, Any], changes: dict[str, Any]
) -> None:
    """Every field, type and number is of the schema, for every kind of event."""
    assert faults(ocsf, seen(detection(event=event, **changes))) == []


def test_the_schema_would_notice(ocsf: ocsf_json_schema.OcsfJsonSchemaEmbedded) -> None:
    """A field too many, one too few, and a number that has no meaning are found."""
    found = seen(detection())
    assert faults(ocsf, {**found, "nonsense": 1})
    assert faults(ocsf, {**found, "severity_id": 77})
    assert faults(ocsf, {name: value for name, value in found.items() if name != "finding_info"})


@pytest.mark.parametrize("priority", PRIORITIES)
def test_every_priority_has_a_severity(
    ocsf: ocsf_json_schema.OcsfJsonSchemaEmbedded, priority: Priority
) -> None:
    """From Fatal to Informational."""
    found = seen(detection(rule=RuleInfo(name="r", priority=priority)))
    assert faults(ocsf, found) == []
    assert 1 <= found["severity_id"] <= 6


def test_a_finding_tells_who_descends_from_whom() -> None:
    """Parents are inside of their children, techniques name their parts."""
    found = seen(detection())
    evidence = found["evidences"][0]
    assert evidence["process"]["parent_process"]["parent_process"]["cmd_line"] == "/sbin/init"
    assert evidence["process"]["user"] == {"name": "www-data", "uid": "33"}
    attack = found["finding_info"]["attacks"][0]
    assert (attack["technique"]["uid"], attack["sub_technique"]["uid"]) == ("T1505", "T1505.003")
    assert (found["metadata"]["uid"], found["type_uid"]) == (detection().id, 200401)
