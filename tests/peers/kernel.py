"""The kernel that the tests run on, where it can be watched."""

import pytest

from collectors.kernel import why_not


@pytest.fixture(scope="session")
def kernel() -> None:
    """Skips the test where the kernel cannot be watched, with the reason."""
    if reason := why_not():
        pytest.skip(reason)
