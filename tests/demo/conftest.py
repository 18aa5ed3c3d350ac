"""What the tests of the demo need of the machine."""

import pytest

from collectors.kernel import why_not


@pytest.fixture
def kernel() -> None:
    """A kernel that can be watched."""
    if reason := why_not():
        pytest.skip(reason)
