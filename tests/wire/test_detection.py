"""Detections: stable ids, and the same bytes for the same facts."""

from tests.events import HOST
from wire import detection as wire_detection
from wire.detection import Detection, RuleInfo, detection_id, entity_id

SOME = Detection(
    id=detection_id("A rule", "boot-1", [4]),
    time=1,
    host=HOST,
    rule=RuleInfo(name="A rule", priority="Critical"),
    output="something <happened>",
    events=[4],
    event={"kind": "open", "path": "/etc/shadow"},
    fields={"proc.name": None},
)


def test_a_detection_survives_the_wire() -> None:
    """Decoding gives back exactly the detection that was encoded."""
    assert wire_detection.decode(wire_detection.encode(SOME)) == SOME


def test_ids_differ_when_anything_they_stand_for_differs() -> None:
    """Rule, boot and events all count, and adding a digit to one is not adding it to the next."""
    ids = {
        detection_id("r", "b", [1]),
        detection_id("r", "b", [1, 1]),
        detection_id("r", "b", [11]),
        detection_id("r2", "b", [1]),
        detection_id("r", "b2", [1]),
        entity_id("b", 1, 11),
        entity_id("b", 11, 1),
    }
    assert len(ids) == 7
