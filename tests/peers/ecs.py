"""The official Elastic Common Schema, as its makers publish it, to compare our documents with."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.peers.cache import CACHE

PACKAGE = "@elastic/ecs@9.4.0"
PRINT = "console.log(JSON.stringify(require('./package/generated/ecs_flat.js').EcsFlat))"


@pytest.fixture(scope="session")
def ecs_schema() -> dict[str, dict[str, Any]]:
    """Every field of the schema by its flat name, with its type and allowed values."""
    stored = CACHE / "ecs-9.4.0.json"
    if not stored.exists():
        stored.parent.mkdir(parents=True, exist_ok=True)
        _fetch(stored)
    schema: dict[str, dict[str, Any]] = json.loads(stored.read_bytes())
    return schema


def _fetch(stored: Path) -> None:
    for program in ("npm", "node"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (Debian: nodejs, npm)")
    with tempfile.TemporaryDirectory(dir=stored.parent) as scratch:
        packed = subprocess.run(
            ["npm", "pack", "--silent", PACKAGE], cwd=scratch, capture_output=True, text=True, check=False
        )
        if packed.returncode != 0:
            pytest.skip(f"npm could not fetch {PACKAGE}: {packed.stderr.strip()[-200:]}")
        subprocess.run(["tar", "xf", packed.stdout.strip()], cwd=scratch, check=True)
        printed = subprocess.run(["node", "-e", PRINT], cwd=scratch, capture_output=True, check=True)
        complete = Path(scratch) / "schema.json"
        complete.write_bytes(printed.stdout)
        complete.rename(stored)
