"""Who can be asked about containers, and whether they answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from tracetide.doctor.contract import Asked, Finding, bad, note

_PATIENCE = 10.0


async def look(asked: Asked) -> AsyncIterator[Finding]:
    """Every source of the inventory that is there, greeted."""
    from collectors.inventory.contract import InventoryError  # noqa: PLC0415  # only on Linux
    from collectors.inventory.settings import KINDS, where  # noqa: PLC0415  # the same

    found = list(where(asked.inventory).found())
    if not found:
        yield note(
            "containers",
            "nobody to ask for names and images; control groups still tell ids",
            "name the socket with --inventory, if there are containers here",
        )
    for kind, path in found:
        what = f"{kind} at {path}"
        try:
            async with asyncio.timeout(_PATIENCE):
                yield Finding(what, await KINDS[kind].open(path).greet())
        except TimeoutError:
            yield bad(
                what,
                f"no answer within {_PATIENCE:.0f} seconds",
                f"restart it, or leave {kind} out with --inventory",
            )
        except InventoryError as error:
            yield bad(what, str(error), f"see to it, or leave {kind} out with --inventory")
