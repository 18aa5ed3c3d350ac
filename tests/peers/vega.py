"""Draws Vega specifications with the library that Kibana draws them with."""

import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.peers.cache import CACHE
from tests.peers.java import HERE

PACKAGE = "vega@5.33.1"


@dataclass(frozen=True)
class Drawn:
    """What came out: the picture, the lines of every data set, and the values of signals."""

    svg: str
    data: Mapping[str, list[dict[str, Any]]]
    signals: Mapping[str, Any]
    warnings: list[str]


Draw = Callable[..., Drawn]


@pytest.fixture(scope="session")
def draw() -> Draw:
    """A function of a specification and a search's answer that draws, ``width`` times ``height`` pixels."""
    modules = _installed()

    def drawn(spec: Mapping[str, Any], answer: object, width: int = 1700, height: int = 400) -> Drawn:
        asked = {"spec": spec, "answer": answer, "width": width, "height": height}
        done = subprocess.run(
            ["node", HERE / "vega.js"],
            env={"NODE_PATH": str(modules), "PATH": str(shutil.which("node")).removesuffix("/node")},
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return Drawn(**json.loads(done.stdout))

    return drawn


def _installed() -> str:
    for program in ("npm", "node"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (Debian: nodejs, npm)")
    folder = CACHE / PACKAGE.replace("@", "-")
    if not (folder / "complete").exists():
        folder.mkdir(parents=True, exist_ok=True)
        made = subprocess.run(
            ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, PACKAGE],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode != 0:
            pytest.skip(f"npm could not fetch {PACKAGE}: {made.stderr.strip()[-200:]}")
        (folder / "complete").touch()
    return str(folder / "node_modules")
