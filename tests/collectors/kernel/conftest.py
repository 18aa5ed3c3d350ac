"""A running kernel source for the tests of this folder."""

from collections.abc import Iterator

import pytest

from collectors.kernel import KernelSource, why_not
from tests.collectors.kernel.watching import Watch, watching


@pytest.fixture(scope="session")
def kernel() -> None:
    """Skips the test where the kernel cannot be watched, with the reason."""
    if reason := why_not():
        pytest.skip(reason)


@pytest.fixture(scope="module")
def watch(kernel: None) -> Iterator[Watch]:
    """A source of everything, shared by the tests of a module."""
    with watching(KernelSource()) as running:
        yield running
