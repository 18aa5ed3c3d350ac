"""What being watched costs, measured for real on a small workload."""

import json
import random
from statistics import median

import pytest
from click.testing import CliRunner

from tracetide.cli import tracetide
from tracetide.overhead.pairs import interval

WORKLOAD = "for n in 1 2 3 4 5 6 7 8 9 10; do /bin/true; cat /etc/shadow; done"


@pytest.mark.kernel
def test_measures_a_workload(kernel: None) -> None:
    """The events of the workload are counted with their cost, and the slow-down is told with its bounds."""
    done = CliRunner().invoke(tracetide, ["overhead", "--pairs", "2", "--json", "--", "sh", "-c", WORKLOAD])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert len(report["watched_seconds"]) == len(report["unwatched_seconds"]) == 2
    assert report["slowdown"]["low"] <= report["slowdown"]["middle"] <= report["slowdown"]["high"]
    assert report["collector"]["events"] >= 50
    assert 10 < report["collector"]["resident_mb"] < 100
    assert report["collector"]["unneeded"] >= 20
    found = {cost["types"][0]: cost for cost in report["costs"]}
    for event in ("fork", "execve", "procexit", "openat"):
        assert found[event]["events"] >= (10 if event == "openat" else 20)
        assert found[event]["runs"] >= found[event]["events"] + found[event]["unneeded"]
        assert 50 < found[event]["nanoseconds"] / found[event]["runs"] < 1_000_000


@pytest.mark.kernel
def test_says_it_to_people(kernel: None) -> None:
    """A sentence, the figures and a table; with few pairs it says that it cannot be sure."""
    done = CliRunner().invoke(tracetide, ["overhead", "--pairs", "1", "true"])
    assert done.exit_code == 0, done.output
    assert "too few pairs to be sure" in " ".join(done.stdout.split())
    assert "execve, execveat" in done.stdout


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["sh", "-c", "echo no such luck >&2; exit 3"], "failed with exit code 3: no such luck"),
        (["/no/such/program"], "/no/such/program cannot be run: No such file or directory"),
    ],
)
def test_a_workload_that_fails(kernel: None, command: list[str], said: str) -> None:
    """A workload that fails measures nothing: it is said why it failed."""
    done = CliRunner().invoke(tracetide, ["overhead", "--pairs", "1", "--", *command])
    assert done.exit_code != 0
    assert said in str(done.exception)


def test_interval_holds_what_it_promises() -> None:
    """Over many samples of a skewed distribution the interval holds the true median as often as it says."""
    source = random.Random(5)  # noqa: S311  # samples, not secrets
    held = 0
    for _ in range(2000):
        found = interval([source.expovariate(1.0) for _ in range(10)])
        held += found.low <= 0.6931 <= found.high
    assert held / 2000 > 0.95


@pytest.mark.parametrize("values", [[3.0], [1.0, 2.0], [5.0, 1.0, 4.0, 2.0, 3.0]])
def test_interval_of_few(values: list[float]) -> None:
    """With few values all of them are inside."""
    found = interval(values)
    assert (found.low, found.middle, found.high) == (min(values), median(values), max(values))
