"""``tracetide forward``: detections from Kafka to a destination, or events that match a condition."""

from __future__ import annotations

import asyncio
import gc
import json
import time
from typing import TYPE_CHECKING

import click

from sinks import SINKS, open_sink
from sinks.contract import Sink
from sinks.counters import Counters
from sinks.runner import Pace
from tracetide import options
from tracetide.live import until_stopped

if TYPE_CHECKING:
    from tracetide.observing import Observer


@click.command()
@click.argument("sink", type=click.Choice(list(SINKS)))
@options.kafka
@click.option(
    "--events",
    metavar="CONDITION",
    help="Deliver raw events for which this condition of the rule language holds, instead of detections; "
    "for elasticsearch.",
)
@options.batch
@options.metrics
@options.json
def forward(
    sink: str, kafka: str, events: str | None, batch: int, metrics: str | None, as_json: bool
) -> None:
    """Deliver the detections in Kafka to SINK, each at least once.

    At the end it says what became of them: how many were delivered, duplicates, tried again or refused,
    and how long it took. With --json that is an object on standard output, and there is one each minute.

    The settings of a sink are environment variables, TRACETIDE_<SINK>_…; docs/sinks.md lists them.
    """
    # These cost memory that `forward --help` need not have.
    from sinks import forwarder  # noqa: PLC0415
    from tracetide.metrics import of_sinks, served  # noqa: PLC0415

    if events is not None and sink != "elasticsearch":
        raise click.UsageError("--events is for elasticsearch, which has data streams for them")
    counters = Counters()
    observe = None if events is None else _observer(events, kafka)

    async def work() -> None:
        opened = open_sink(sink) if observe is None else _stream_of_events()
        telling = asyncio.create_task(_tell_each_minute(sink, counters)) if as_json else None
        try:
            async with served(metrics, of_sinks(lambda: {sink: counters})):
                await forwarder.forward(
                    opened, kafka, pace=Pace(count=batch), counters=counters, events=observe
                )
        finally:
            if telling:
                telling.cancel()
            await opened.close()

    _collect_less_often()
    try:
        asyncio.run(until_stopped(work()))
    finally:
        if as_json:
            _tell(sink, counters)
        else:
            click.echo(f"{sink}: {counters.line(time.time())}", err=True)


def _collect_less_often() -> None:
    """Detections on their way are many small objects, none of which is part of a cycle."""
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)


async def _tell_each_minute(sink: str, counters: Counters) -> None:
    while True:
        await asyncio.sleep(60)
        _tell(sink, counters)


def _tell(sink: str, counters: Counters) -> None:
    now = time.time()
    click.echo(json.dumps({"time": now, "sink": sink, **counters.as_json(now)}))


def _observer(condition: str, kafka: str) -> Observer:
    from tracetide.observing import observer  # noqa: PLC0415  # only for those who choose among events

    return observer(condition, kafka)


def _stream_of_events() -> Sink:
    from sinks.elasticsearch import Settings, create_for_events  # noqa: PLC0415  # only for those who use it
    from sinks.settings import load  # noqa: PLC0415  # the same

    return create_for_events(load(Settings))
