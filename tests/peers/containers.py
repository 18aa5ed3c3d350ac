"""Real containers: an image of busybox and an OCI runtime, shared by all tests that need them."""

import os
from collections.abc import Iterator

import pytest

from tracetide.demo.container import Workshop, workshop
from tracetide.demo.errors import ContainerError


@pytest.fixture(scope="session")
def containers() -> Iterator[Workshop]:
    """Where to run containers: pass it to ``running`` or ``run_once`` of ``tracetide.demo.container``."""
    if os.geteuid() != 0:
        pytest.skip("containers need root")
    try:
        place = workshop({})
        made = place.__enter__()
    except ContainerError as error:
        pytest.skip(f"no containers: {error}")
    try:
        yield made
    finally:
        place.__exit__(None, None, None)
