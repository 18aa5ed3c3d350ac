"""Whatever stands in a document, it becomes a rule, a refusal or an error with its place."""

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sigma.modifiers import modifier_mapping

from rules.load import compiled
from tests.rules.sigma.writing import loaded

_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 10**20),
    st.floats(allow_nan=False),
    st.sampled_from(
        ["", "x", "*", "%a%", "a(", "1 of them", "not s", "s and", "10.0.0.0/8", "any", "5m", "base"]
    ),
    st.text(max_size=5),
)
_anything: st.SearchStrategy[Any] = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.just("s"), inner, max_size=3)
    ),
    max_leaves=6,
)
_fields = st.sampled_from(
    [
        "Image",
        "CommandLine",
        "ProcessId",
        "Initiated",
        "DestinationIp",
        "a1",
        "type",
        "SYSCALL",
        "Hashes",
        "proc.name",
        "",
    ]
)
_modifiers = st.lists(st.sampled_from([*modifier_mapping, "utf16le", "nothing"]), max_size=3)
_checks = st.dictionaries(
    st.tuples(_fields, _modifiers).map(lambda pair: "|".join([pair[0], *pair[1]])), _anything, max_size=3
)
_detections = st.fixed_dictionaries(
    {"s": _checks | st.lists(_checks | _scalars, max_size=2)},
    optional={
        "condition": st.sampled_from(["s", "not s", "1 of *", "all of them"]) | _anything,
        "t": _anything,
    },
)
_sources = st.sampled_from(
    [
        {"category": "process_creation"},
        {"category": "network_connection", "product": "linux"},
        {"service": "auditd"},
    ]
)
_correlations = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from(["event_count", "value_count", "temporal", "temporal_ordered"]) | _anything,
        "rules": st.sampled_from(["T", ["T"], ["base"]]) | _anything,
        "group-by": st.just(["User"]) | _anything,
        "timespan": st.just("5m") | _anything,
        "condition": st.sampled_from([{"gte": 5}, {"gte": 5, "field": "Image"}, "T", "base and T"])
        | _anything,
        "aliases": st.just({"x": {"T": "Image"}}) | _anything,
        "generate": st.booleans() | _anything,
    },
)
_documents = st.fixed_dictionaries(
    {"title": st.just("T") | _anything},
    optional={
        "logsource": _sources | _anything,
        "detection": _detections | _anything,
        "correlation": _correlations | _anything,
        "filter": st.fixed_dictionaries({"rules": st.just("any"), "condition": st.just("s"), "s": _checks})
        | _anything,
        "action": st.sampled_from(["global", "repeat", "reset"]) | _anything,
        **dict.fromkeys(
            ("id", "name", "level", "status", "tags", "date", "references", "falsepositives", "fields"),
            _anything,
        ),
        **dict.fromkeys(("related", "author", "description", "license", "scope", "taxonomy"), _anything),
    },
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(_documents, min_size=1, max_size=3))
def test_any_document(documents: list[dict[str, Any]]) -> None:
    """Every document is read; those that are sound compile."""
    found = loaded("\n---\n".join(json.dumps(each) for each in documents))
    for fault in (*found.errors, *found.warnings):
        assert fault.sentence
        assert fault.place.file == "1.yml"
        assert fault.place.line >= 1
    if not found.errors:
        compiled(found)
