"""Where the demo is played: the web shop, room for other containers, and the attacker."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tracetide.demo.attacker import Attacker, attacking
from tracetide.demo.container import Container, Workshop, workshop
from tracetide.demo.shop import FILES, shop


@dataclass(frozen=True, slots=True)
class Stage:
    """What the actors have to act with. Other containers can be run in ``place``."""

    place: Workshop
    shop: Container
    attacker: Attacker


@asynccontextmanager
async def stage() -> AsyncIterator[Stage]:
    """A stage that is taken down at the end, whatever happens; raises ``ContainerError``."""
    with workshop(FILES) as place, shop(place) as container:
        async with attacking(container.pid, place.image / "bin/busybox") as attacker:
            yield Stage(place, container, attacker)
