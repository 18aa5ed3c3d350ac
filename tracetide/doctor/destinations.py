"""Whether alerts would arrive."""

from __future__ import annotations

from collections.abc import AsyncIterator

from tracetide.doctor.contract import Asked, Finding, bad


async def look(asked: Asked) -> AsyncIterator[Finding]:
    """Each sink that was named: reached, logged in to, and allowed to be written to."""
    from sinks import open_sink  # noqa: PLC0415  # only where a sink is named
    from sinks.contract import SinkError  # noqa: PLC0415  # the same

    for name in asked.sinks:
        try:
            sink = open_sink(name)
            try:
                await sink.check()
            finally:
                await sink.close()
        except SinkError as error:
            yield bad(f"sink {name}", str(error), f"docs/sinks.md tells how {name} is set up")
        else:
            yield Finding(f"sink {name}", "can be written to")
