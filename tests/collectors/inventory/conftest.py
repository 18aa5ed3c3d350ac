"""What the tests of this folder need to see the containers that they start."""

import pytest

from collectors.kernel import why_not


@pytest.fixture(scope="session")
def kernel() -> None:
    """Skips the test where the kernel cannot be watched, with the reason."""
    if reason := why_not():
        pytest.skip(reason)
