"""What the tests of this folder need from the machine."""

from shutil import which

import pytest


@pytest.fixture(scope="session")
def clang() -> str:
    """The compiler; tests that need it are skipped where it is missing."""
    found = which("clang")
    if found is None:
        pytest.skip("clang is not installed")
    return found
