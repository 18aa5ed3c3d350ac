"""Alertmanager's own grouping, built from ``alertmanager/`` with its libraries, in virtual time."""

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from tests.peers import golang


@dataclass(frozen=True)
class Told:
    """A notification of Alertmanager: to whom, after how many seconds, of which group, with which ids."""

    receiver: str
    at: float
    group: Mapping[str, str]
    ids: frozenset[str]


Alerts = Sequence[tuple[float, Mapping[str, str]]]
Alertmanager = Callable[[str, Alerts, float], list[Told]]


@pytest.fixture(scope="session")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Alertmanager:
    """A function of a configuration, alerts with their seconds and labels, and when to stop."""
    program = golang.program("alertmanager", ("go", "test", "-c"))
    folder = tmp_path_factory.mktemp("alertmanager")

    def run(config: str, alerts: Alerts, until: float) -> list[Told]:
        given, answer = folder / "given.json", folder / "answer.json"
        rows = [{"At": at, "Labels": labels} for at, labels in alerts]
        given.write_text(json.dumps({"Config": config, "Until": until, "Alerts": rows}))
        environment = {**os.environ, "ORACLE_INPUT": str(given), "ORACLE_OUTPUT": str(answer)}
        done = subprocess.run([program], env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise AssertionError(done.stdout + done.stderr)
        found: list[dict[str, Any]] = json.loads(answer.read_text())
        return [
            Told(each["Receiver"], each["At"], each["Group"], frozenset(each["IDs"] or ())) for each in found
        ]

    return run
