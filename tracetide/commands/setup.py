"""``tracetide setup``: prepares what tracetide writes to. Can be run again at any time."""

import asyncio

import click

from tracetide import options
from tracetide.kafka import create_topics


@click.group()
def setup() -> None:
    """Prepare what tracetide writes to."""


@setup.command()
@options.kafka
@click.option("--partitions", type=click.IntRange(1), default=6, show_default=True, help="For each topic.")
@click.option("--replication", type=click.IntRange(1), default=1, show_default=True, help="Copies of each.")
def kafka(kafka: str, partitions: int, replication: int) -> None:
    """Make the topics in Kafka that are missing."""
    made = asyncio.run(create_topics(kafka, partitions=partitions, replication=replication))
    click.echo("made " + ", ".join(made) if made else "all topics are there")
