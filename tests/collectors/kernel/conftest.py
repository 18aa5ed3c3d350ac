"""A running kernel source for the tests of this folder."""

from collections.abc import Iterator

import pytest

from collectors.kernel import HOOKS, KernelSource
from tests.collectors.kernel.watching import Watch, watching


@pytest.fixture(scope="module")
def watch(kernel: None, request: pytest.FixtureRequest) -> Iterator[Watch]:
    """A source of the module's ``EVENTS``, or of everything, shared by the tests of a module."""
    with watching(KernelSource(getattr(request.module, "EVENTS", tuple(HOOKS)))) as running:
        yield running
