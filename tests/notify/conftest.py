"""Fixtures for tests of messages to people."""

from collections.abc import AsyncIterator

import pytest

from notify.contract import Receiver
from tests.notify.services import opened
from tests.peers.vendor import Vendor


@pytest.fixture
async def served(vendor: tuple[str, Vendor]) -> AsyncIterator[tuple[str, Vendor, Receiver]]:
    """Each service with the receiver that speaks to it."""
    kind, service = vendor
    receiver = opened(kind, service.url)
    yield kind, service, receiver
    await receiver.close()
