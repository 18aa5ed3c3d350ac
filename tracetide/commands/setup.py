"""``tracetide setup``: prepares what tracetide writes to. Can be run again at any time."""

import asyncio
import re
from pathlib import Path

import click

from sinks.settings import load
from tracetide import options
from tracetide.errors import CommandError
from tracetide.kafka import create_topics
from tracetide.kibana import DASHBOARDS
from tracetide.kibana.importing import Settings, bring
from tracetide.kibana.saved import INDEX, ndjson


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


def _index(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", value):
        raise click.BadParameter(f"{value!r} is no name of an index: lower case letters, digits, and . _ -")
    return value


@setup.command()
@click.option(
    "--index",
    callback=_index,
    default=INDEX,
    show_default=True,
    envvar="TRACETIDE_ELASTICSEARCH_INDEX",
    show_envvar=True,
    help="What the names of the monthly indices begin with.",
)
@click.option(
    "--write",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the saved objects to this file, for Kibana's own import, and ask no Kibana.",
)
def kibana(index: str, write: Path | None) -> None:
    """Import the dashboards into Kibana, over those of an earlier import.

    Where Kibana is and who imports are environment variables, TRACETIDE_KIBANA_…: see docs/settings.md.
    """
    objects = ndjson(DASHBOARDS, index)
    if write:
        try:
            write.write_bytes(objects)
        except OSError as error:
            raise CommandError(f"{write} cannot be written: {error.strerror}") from None
        click.echo(f"wrote {write}")
        return
    settings = load(Settings)
    click.echo(f"{bring(settings, objects)} saved objects are in Kibana at {settings.url}")


@setup.command()
@click.option(
    "--alerts-days", type=click.IntRange(1), default=365, show_default=True, help="Keep alerts so long."
)
@click.option(
    "--events-days", type=click.IntRange(1), default=30, show_default=True, help="Keep raw events so long."
)
def elastic(alerts_days: int, events_days: int) -> None:
    """Prepare Elasticsearch or OpenSearch: field types, lifecycle, and the data stream for raw events.

    TRACETIDE_ELASTICSEARCH_… say where it is; the user must be allowed to manage index templates.
    """
    from sinks.elastic_setup import Keep, set_up  # noqa: PLC0415  # whoever prepares Kafka needs no HTTP
    from sinks.elasticsearch import Settings  # noqa: PLC0415  # the same

    for sentence in asyncio.run(set_up(load(Settings), Keep(alerts_days, events_days))):
        click.echo(sentence)
