"""The whole way: a real container, the kernel's events, the inventory, the engine, a detection."""

import pytest

import rules
from stream.engine import Engine as Detecting
from tests.collectors.inventory.watching import described
from tests.peers.engines import IMAGE, Engine
from wire.batch import Batch
from wire.detection import Detection, encode

pytestmark = [pytest.mark.kernel, pytest.mark.containers]

RULE = """
- rule: Listing
  desc: Somebody lists files in a container of the shop.
  condition: evt.type = execve and proc.name = ls and container.label[team] = shop
  output: listed in %container.name of %container.image.repository
  priority: NOTICE
"""


def found_in(*batches: Batch) -> list[Detection]:
    """What the rule finds."""
    engine = Detecting(rules.load_texts([("rules", RULE)]))
    return [found for batch in batches for found in engine.process(batch)]


@pytest.mark.parametrize("runtime", ["docker", "podman"])
def test_a_rule_sees_what_the_runtime_knows(
    runtime: str, request: pytest.FixtureRequest, kernel: None
) -> None:
    """A condition on a label holds for the container's first program, and for one started by exec."""
    engine: Engine = request.getfixturevalue(runtime)
    with described({runtime: engine.socket}) as watch:
        shell = ("run", "--network", "none", "-d", "--name", "join", "--label", "team=shop")
        container = engine(*shell, IMAGE, "/bin/sh", "-c", "/bin/ls; exec sleep 60")
        engine("exec", container, "/bin/ls")
        watch.settle()
        batches = list(watch.batches)
    engine.remove(container)
    found = found_in(*batches)
    inside = [each.container for each in found]
    assert [each and (each.id, each.name, each.runtime) for each in inside] == [
        (container, "join", runtime)
    ] * 2
    assert [each and each.entered for each in inside] == [False, True]
    assert found[0].output.startswith("listed in join of ")
    assert [each.missing for each in found] == [[], []]
    halves = [half for batch in batches for half in _halved(batch)]
    assert [encode(each) for each in found_in(*halves)] == [encode(each) for each in found]


def _halved(batch: Batch) -> list[Batch]:
    middle = len(batch.events) // 2
    if not middle:
        return [batch]
    cut = batch.events[middle].seq
    return [
        Batch(host=batch.host, first=batch.first, last=cut - 1, events=batch.events[:middle]),
        Batch(host=batch.host, first=cut, last=batch.last, events=batch.events[middle:]),
    ]
