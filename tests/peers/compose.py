"""Reads Compose files as Docker Compose does: with its own library, built from ``compose_parser/``."""

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.peers import golang

Parse = Callable[[Path, Mapping[str, str]], dict[str, Any]]


class ComposeError(Exception):
    """What the library says about a file."""


@pytest.fixture(scope="session")
def parse_compose() -> Parse:
    """A function of a file and its variables that gives the project, or raises ``ComposeError``."""
    program = golang.program("compose_parser")

    def parse(file: Path, variables: Mapping[str, str]) -> dict[str, Any]:
        parsed = subprocess.run(
            [program, file], env=dict(variables), capture_output=True, text=True, check=False
        )
        if parsed.returncode != 0:
            raise ComposeError(parsed.stderr)
        project: dict[str, Any] = json.loads(parsed.stdout)
        return project

    return parse
