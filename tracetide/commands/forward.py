"""``tracetide forward``: detections from Kafka to a destination."""

import asyncio
import time

import click

from sinks import SINKS, open_sink
from sinks.counters import Counters
from tracetide import options
from tracetide.live import until_stopped


@click.command()
@click.argument("sink", type=click.Choice(list(SINKS)))
@options.kafka
def forward(sink: str, kafka: str) -> None:
    """Deliver the detections in Kafka to SINK, each at least once.

    The settings of a sink are environment variables, TRACETIDE_<SINK>_…; docs/sinks.md lists them.
    """
    from sinks import forwarder as detections  # noqa: PLC0415  # costs memory that `forward --help` need not have

    counters = Counters()

    async def work() -> None:
        opened = open_sink(sink)
        try:
            await detections.forward(opened, kafka, counters=counters)
        finally:
            await opened.close()

    try:
        asyncio.run(until_stopped(work()))
    finally:
        click.echo(f"{sink}: {counters.line(time.time())}", err=True)
