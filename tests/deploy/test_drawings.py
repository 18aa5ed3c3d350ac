"""The Vega drawings show the attacks of the recordings, drawn by the library that Kibana uses."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from rules.attack import TECHNIQUES
from sinks.ecs import document
from tests.deploy.answers import answer
from tests.deploy.saved_objects import drawings, values
from tests.peers.vega import Draw, Drawn
from tests.scenarios import SCENARIOS, detections, recorded
from tests.sinks.samples import detection, process
from tracetide.kibana.process_tree import ALERTS
from wire.detection import Detection, RuleInfo, Technique

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


@cache
def attacks() -> tuple[Detection, ...]:
    """The detections of every scenario."""
    return tuple(found for scenario in SCENARIOS for found in detections(recorded(scenario)))


def drawn(draw: Draw, panel: str, found: Sequence[Detection], **size: int) -> Drawn:
    """A panel over these detections; Vega has nothing to complain about."""
    spec = drawings()[panel]
    (request,) = values(spec, "url")
    given = answer(request["body"], [json.loads(document(each, NOW)) for each in found])
    picture: Drawn = draw(spec, given, **size)
    assert picture.warnings == []
    return picture


def said(picture: Drawn) -> set[str]:
    """Every text in the picture."""
    return set(re.findall(r"<text[^>]*>([^<]+)</text>", picture.svg))


def pairs(found: Sequence[Detection]) -> Counter[tuple[str, str]]:
    """How many alerts each pair of a technique and a tactic it serves has."""
    return Counter(
        pair
        for each in found
        for pair in {
            (technique.id.partition(".")[0], tactic)
            for technique in each.rule.techniques
            for tactic in technique.tactics
        }
    )


def test_the_map_shows_what_the_rules_said(draw: Draw) -> None:
    """A cell for each technique below each tactic that it serves, with the number of alerts, and no other."""
    picture = drawn(draw, "attack", attacks())
    cells = {(cell["technique"], cell["tactic"]): cell["alerts"] for cell in picture.data["cells"]}
    assert len(cells) > 5
    assert cells == pairs(attacks())
    for technique, _ in cells:
        assert any(text.startswith(f"{technique} · ") for text in said(picture))


def test_the_map_pairs_no_technique_with_the_tactic_of_another(draw: Draw) -> None:
    """An alert with a web shell and an exploited application is two cells, though lists could make four."""
    picture = drawn(draw, "attack", [detection()])
    assert {(cell["technique"], cell["tactic"]) for cell in picture.data["cells"]} == {
        ("T1505", "Persistence"),
        ("T1190", "Initial Access"),
    }


def test_the_map_keeps_techniques_that_it_does_not_know(draw: Draw) -> None:
    """A user's rule may name what is not in our table: it stands there by its id, in a column at the end."""
    rule = RuleInfo(name="r", priority="Error", techniques=[Technique("T9999", "New", ["Novelty"])])
    picture = drawn(draw, "attack", [detection(1), detection(2, rule=rule)])
    assert {"T9999", "Novelty", "T9999 · 1"} <= said(picture)
    assert [column["tactic"] for column in picture.data["columns"]] == [
        "Initial Access",
        "Persistence",
        "Novelty",
    ]


def test_the_map_has_room_for_all_techniques(draw: Draw) -> None:
    """Every technique of the table at once still fits into the panel, tactics in the order of an attack."""
    found = [
        detection(number, rule=RuleInfo(name="r", priority="Error", techniques=[technique]))
        for number, technique in enumerate(TECHNIQUES.values())
    ]
    picture = drawn(draw, "attack", found)
    assert Counter(pairs(found)) == {
        (cell["technique"], cell["tactic"]): cell["alerts"] for cell in picture.data["cells"]
    }
    deepest = max(cell["row"] for cell in picture.data["cells"])
    signals = picture.signals
    assert signals["header"] + deepest * signals["step"] <= signals["height"]
    ranks = [column["rank"] for column in picture.data["columns"]]
    assert ranks == sorted(ranks)
    assert len(ranks) > 10


def test_cells_have_the_colour_of_the_worst_severity(draw: Draw) -> None:
    """The bar at the left of a cell is that of the gravest of its alerts."""
    mild = RuleInfo(name="mild", priority="Notice", techniques=detection().rule.techniques)
    for found, worst in (([detection(1, rule=mild)], 21), ([detection(1, rule=mild), detection(2)], 99)):
        assert {cell["worst"] for cell in drawn(draw, "attack", found).data["cells"]} == {worst}


def test_the_tree_shows_every_process_below_its_parent(draw: Draw) -> None:
    """All processes and ancestors of the newest alerts, each after its parent and one step further in."""
    newest = sorted(attacks(), key=lambda each: each.time, reverse=True)[:ALERTS]
    picture = drawn(draw, "tree", attacks(), height=560)
    lines = {line["id"]: line for line in picture.data["lines"]}
    assert lines.keys() == {
        one.entity for each in newest for one in (each.process, *each.ancestors) if one is not None
    }
    below = [line for line in lines.values() if line["parent"]]
    assert len(below) > 10
    for line in below:
        above = lines[line["parent"]]
        assert line["depth"] == above["depth"] + 1
        between = [other for other in lines.values() if above["line"] < other["line"] <= line["line"]]
        assert len(between) == line["line"] - above["line"]
        assert all(other["depth"] > above["depth"] for other in between)
    alerts = Counter(each.process.entity for each in newest if each.process)
    assert {name: line["total"] for name, line in lines.items() if line["total"]} == alerts
    assert {each.rule.name for each in newest if each.process} >= {
        line["rule"] for line in lines.values() if line["rule"]
    }


def test_the_tree_fits_into_its_panel(draw: Draw) -> None:
    """Of more processes than can be told apart some are left out, and it says how many."""
    found = [
        detection(number, process=process(1000 + number, "/bin/sh"), ancestors=[process(1, "/sbin/init")])
        for number in range(90)
    ]
    picture = drawn(draw, "tree", found, height=560)
    assert len(picture.data["lines"]) == 91
    signals = picture.signals
    assert signals["header"] + len(picture.data["shown"]) * signals["step"] <= signals["height"] - 10
    assert "and 41 more processes: narrow the time, or pick a host" in said(picture)


def test_the_tree_takes_detections_without_a_process(draw: Draw) -> None:
    """A process that was never seen is no line, and does not keep the others away."""
    picture = drawn(draw, "tree", [detection(1, process=None, ancestors=[]), detection(2, ancestors=[])])
    assert [line["name"] for line in picture.data["lines"]] == ["sh"]


@pytest.mark.parametrize(
    ("panel", "sentence"),
    [
        ("attack", "No alert with an ATT&amp;CK technique in this time"),
        ("tree", "No alert with a process in this time"),
    ],
)
def test_nothing_is_said_to_be_nothing(draw: Draw, panel: str, sentence: str) -> None:
    """Before the first alert there is no index and no aggregation; the panel says it in a sentence."""
    assert sentence in said(drawn(draw, panel, []))


@pytest.mark.parametrize("panel", ["attack", "tree"])
def test_a_small_window_draws_too(draw: Draw, panel: str) -> None:
    """A narrow browser makes texts shorter and nothing else."""
    found: list[Any] = list(attacks())
    assert drawn(draw, panel, found, width=500, height=150).svg.startswith("<svg")
