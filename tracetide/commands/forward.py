"""``tracetide forward``: detections from Kafka to a destination, or events that match a condition."""

import asyncio
import json
import time
from collections.abc import Callable, Sequence

import click

from sinks import SINKS, open_sink
from sinks.contract import Sink
from sinks.counters import Counters
from tracetide import options
from tracetide.errors import CommandError
from tracetide.live import until_stopped
from wire.detection import Detection


@click.command()
@click.argument("sink", type=click.Choice(list(SINKS)))
@options.kafka
@click.option(
    "--events",
    metavar="CONDITION",
    help="Deliver raw events for which this condition of the rule language holds, instead of detections; "
    "for elasticsearch.",
)
def forward(sink: str, kafka: str, events: str | None) -> None:
    """Deliver the detections in Kafka to SINK, each at least once.

    The settings of a sink are environment variables, TRACETIDE_<SINK>_…; docs/sinks.md lists them.
    """
    from sinks import forwarder  # noqa: PLC0415  # costs memory that `forward --help` need not have

    if events is not None and sink != "elasticsearch":
        raise click.UsageError("--events is for elasticsearch, which has data streams for them")
    counters = Counters()
    observe = None if events is None else observer(events)

    async def work() -> None:
        opened = open_sink(sink) if observe is None else _stream_of_events()
        try:
            await forwarder.forward(opened, kafka, counters=counters, events=observe)
        finally:
            await opened.close()

    try:
        asyncio.run(until_stopped(work()))
    finally:
        click.echo(f"{sink}: {counters.line(time.time())}", err=True)


def observer(condition: str) -> Callable[[bytes], Sequence[Detection]]:
    """What a batch of events holds for which ``condition`` is true; nothing of what is no batch.

    Each comes as a detection does, with process, ancestors and container. Raises ``CommandError`` with what
    is wrong with the condition.
    """
    import rules  # noqa: PLC0415  # only for those who choose among events
    from stream.engine import Engine  # noqa: PLC0415  # the same
    from wire import batch  # noqa: PLC0415  # the same

    rule = {
        "rule": "tracetide.events",
        "desc": "Events to forward",
        "output": "%evt.type",
        "priority": "DEBUG",
    }
    try:
        chosen = rules.load_texts([("--events", json.dumps([rule | {"condition": condition}]))])
    except rules.RuleErrors as errors:
        raise CommandError(f"the condition of --events cannot be used\n{errors}") from errors
    engine = Engine(chosen)

    def observe(value: bytes) -> Sequence[Detection]:
        try:
            events, _ = batch.decode(value)
        except batch.BatchError:
            return []  # the stream brings it to the dead letters
        return engine.process(events)

    return observe


def _stream_of_events() -> Sink:
    from sinks.elasticsearch import Settings, create_for_events  # noqa: PLC0415  # only for those who use it
    from sinks.settings import load  # noqa: PLC0415  # the same

    return create_for_events(load(Settings))
