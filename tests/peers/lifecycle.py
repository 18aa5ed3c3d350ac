"""What Elasticsearch makes of lifecycle policies and data streams' lifecycles, by its own classes."""

import shutil
import subprocess
from collections.abc import Callable

import pytest

from tests.peers.java import HEAP, HERE, libraries

Lifecycle = Callable[[bytes, str], list[str]]


@pytest.fixture(scope="session")
def lifecycle() -> Lifecycle:
    """A function of a request's body and ``policy NAME`` or ``template``; its answer is what will be done.

    For a policy that is each step, after the age at which its phase begins; for a template whether it makes
    data streams, and how long they are kept. What is not taken is ``refused: `` and why.
    """
    jars = libraries("lifecycle")
    if shutil.which("javac") is None:
        pytest.skip("the reader of policies is started from source, by a JDK (Debian: default-jdk-headless)")

    def understood(body: bytes, kind: str) -> list[str]:
        command = ["java", *HEAP, "-cp", f"{jars}/*", str(HERE / "Lifecycle.java"), *kind.split()]
        done = subprocess.run(command, input=body, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()[-2000:]
        return done.stdout.decode().splitlines()

    return understood
