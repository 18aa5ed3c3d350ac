"""What the inventory asks of each of its sources, and what it gives them."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from wire.inventory import Description, Pod


class InventoryError(Exception):
    """A source cannot be asked now: the message says what is wrong, where, and what to do."""


class Seen(NamedTuple):
    """A container of which an event was seen. Its control group may name its pod's uid and who runs it."""

    id: str
    pod: str | None = None
    runtime: str | None = None


class Listener(Protocol):
    """Who hears of containers and pods; the name of the source decides whom to believe."""

    def told(self, source: str, container: str, about: Description) -> None:
        """A container is like this."""

    def gone(self, container: str) -> None:
        """A container was removed."""

    def pod(self, pod: Pod) -> None:
        """A pod, which has a uid, is like this."""

    def pod_gone(self, uid: str) -> None:
        """A pod was deleted."""


class Teller(Protocol):
    """A source of descriptions. One that is not there costs a look at the file system now and then."""

    @property
    def name(self) -> str:
        """docker, podman, cri or kubernetes."""

    @property
    def where(self) -> str:
        """The socket or address."""

    async def greet(self) -> str:
        """Who answers there, in a few words; raises ``InventoryError``."""

    async def follow(self, listener: Listener, ready: Callable[[], None]) -> None:
        """Tell of everything that is there, call ``ready``, then tell of changes; never ends by itself.

        Raises ``InventoryError`` when it cannot go on; it will be called again.
        """

    async def look(self, seen: Seen) -> Description | None:
        """What it knows of this container now, or ``None``; raises ``InventoryError``."""
