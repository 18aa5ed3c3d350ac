"""Painless, the language of computed fields, from OpenSearch, which took it over from Elasticsearch."""

import shutil
import subprocess
from collections.abc import Callable

import pytest

from tests.peers.java import HEAP, HERE, libraries


@pytest.fixture(scope="session")
def compile_painless() -> Callable[[str], str]:
    """A function of a script that emits values; its answer is what the compiler says is wrong."""
    jars = libraries("opensearch")
    if shutil.which("javac") is None:
        pytest.skip("Painless's compiler is started from source, by a JDK (Debian: default-jdk-headless)")

    def compiled(script: str) -> str:
        command = ["java", *HEAP, "-cp", f"{jars}/*", str(HERE / "Painless.java")]
        done = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    return compiled
