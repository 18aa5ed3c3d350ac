"""``tracetide collect``: the kernel's events of this host, to Kafka."""

import asyncio

import click

from tracetide import options
from tracetide.live import kernel_source, until_stopped


@click.command()
@options.kafka
def collect(kafka: str) -> None:
    """Collect this host's events and publish them to Kafka."""
    from collectors.publish import publish  # noqa: PLC0415  # costs memory that `collect --help` need not have

    asyncio.run(until_stopped(publish(kernel_source().batches(), kafka)))
