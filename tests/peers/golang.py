"""Real servers and oracles written in Go, built from the source that their modules publish into a cache."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.peers.cache import CACHE
from tests.peers.java import HERE

# Without optimisation large servers compile in half the time.
QUICK = ("go", "build", "-gcflags=all=-N -l", "-ldflags=-s -w")


def program(name: str, command: Sequence[str] = QUICK) -> Path:
    """The program of the module in the folder ``name``; skips the test where it cannot be had."""
    source = HERE / name
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(source.iterdir()))).hexdigest()
    made = CACHE / f"{name}-{digest[:12]}"
    if not made.exists():
        if shutil.which("go") is None:
            pytest.skip(f"go is not installed, and {name} is written in it")
        CACHE.mkdir(parents=True, exist_ok=True)
        # A program appears only when it is complete: another run may look at the same time.
        scratch = CACHE / f"{made.name}.{os.getpid()}"
        built = subprocess.run(
            [*command, "-o", str(scratch), "."],
            cwd=source,
            env=os.environ | {"CGO_ENABLED": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
        if built.returncode != 0:
            pytest.skip(f"{name} cannot be built: {built.stderr.strip()[-300:]}")
        scratch.rename(made)
    return made
