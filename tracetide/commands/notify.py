"""``tracetide notify``: detections from Kafka to the people who must know."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import click

from tracetide import options
from tracetide.live import until_stopped


@click.command()
@options.routes
@options.kafka
@options.notify_state
def notify(routes: Path, kafka: str, state: Path) -> None:
    """Tell people of the detections in Kafka: grouped, routed, as threads and tickets.

    What was read is kept in --state before it counts as read. Run one; a second one needs a --state of its
    own, takes a part of the hosts, and groups only those. A changed file of --routes is taken over within
    seconds, at SIGHUP also changed secrets; one with errors is refused.
    """
    from sinks import forwarder  # noqa: PLC0415  # costs memory that `notify --help` need not have
    from tracetide.notices import load_routes, notices  # noqa: PLC0415  # the same

    config = load_routes(routes)

    reloads: list[Callable[[], None]] = []

    def reload() -> None:
        for ask in reloads:
            ask()

    async def work() -> None:
        async with notices(config, state) as sink:
            reloads.append(sink.following.ask)
            await forwarder.forward(sink, kafka)

    asyncio.run(until_stopped(work(), reload=reload))
