"""Reads Compose files as Docker Compose does: with its own library, built from ``compose_parser/``."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.peers.java import CACHE, HERE

SOURCE = HERE / "compose_parser"
Parse = Callable[[Path, Mapping[str, str]], dict[str, Any]]


class ComposeError(Exception):
    """What the library says about a file."""


@pytest.fixture(scope="session")
def parse_compose() -> Parse:
    """A function of a file and its variables that gives the project, or raises ``ComposeError``."""
    program = _program()

    def parse(file: Path, variables: Mapping[str, str]) -> dict[str, Any]:
        parsed = subprocess.run(
            [program, file], env=dict(variables), capture_output=True, text=True, check=False
        )
        if parsed.returncode != 0:
            raise ComposeError(parsed.stderr)
        project: dict[str, Any] = json.loads(parsed.stdout)
        return project

    return parse


def _program() -> Path:
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(SOURCE.iterdir()))).hexdigest()
    program = CACHE / f"compose-{digest[:12]}"
    if not program.exists():
        if shutil.which("go") is None:
            pytest.skip("go is not installed, and the Compose parser is written in it")
        built = subprocess.run(
            ["go", "build", "-o", program, "."], cwd=SOURCE, capture_output=True, text=True, check=False
        )
        if built.returncode != 0:
            pytest.skip(f"the Compose parser cannot be built: {built.stderr.strip()[-300:]}")
    return program
