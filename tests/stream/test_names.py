"""Names for addresses: whose answer counts, and how many are kept."""

import pytest

from stream import names
from stream.engine import Engine
from stream.names import Names
from tests.events import answer, batch, connect
from tests.rules.files import load

RULE = """
- rule: Named
  desc: A connection to a name
  condition: evt.type=connect and fd.sip.name endswith .example
  output: "%fd.sip.name"
  priority: NOTICE
"""


def learned(*answers: tuple[str | None, str, int | None]) -> Names:
    """What is known after these answers: a name, an address, the control group that asked."""
    known = Names()
    for name, address, cgroup in answers:
        known.learn(answer(1, 7, name, address, cgroup=cgroup))
    return known


def test_a_group_is_told_by_what_it_asked_itself() -> None:
    """Two containers may know an address by different names; who never asked gets the latest."""
    known = learned(("a.example", "192.0.2.1", 5), ("b.example", "192.0.2.1", 6))
    assert [known.of(group, "192.0.2.1") for group in (5, 6, 7, None)] == [
        "a.example", "b.example", "b.example", "b.example",
    ]  # fmt: skip
    assert known.of(5, "192.0.2.2") is None
    assert known.of(5, None) is None


def test_an_answer_without_a_name_tells_nothing() -> None:
    """It could not be read."""
    assert learned((None, "192.0.2.1", 5)).of(5, "192.0.2.1") is None


def test_the_oldest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not those that were told of again."""
    monkeypatch.setattr(names, "LIMIT", 2)
    known = learned(
        ("a", "1.1.1.1", None), ("b", "2.2.2.2", None), ("a", "1.1.1.1", None), ("c", "3.3.3.3", None)
    )
    assert [known.of(None, each) for each in ("1.1.1.1", "2.2.2.2", "3.3.3.3")] == ["a", None, "c"]


def test_rules_and_detections_have_the_name() -> None:
    """Asked before the connection, in the same container or by another process of the host."""
    engine = Engine(load(RULE))
    first, second = engine.process(
        batch(
            connect(1, 7, "192.0.2.1", 443, cgroup=5),
            answer(2, 8, "db.example", "192.0.2.1", cgroup=5),
            connect(3, 7, "192.0.2.1", 443, cgroup=5),
            answer(4, 9, "other.test", "192.0.2.1", cgroup=6),
            connect(5, 7, "192.0.2.1", 443, cgroup=5),
            connect(6, 9, "192.0.2.1", 443, cgroup=6),
        )
    )
    assert [found.events for found in (first, second)] == [[3], [5]]
    assert first.output == "db.example"
    assert first.event["remote_domain"] == "db.example"
