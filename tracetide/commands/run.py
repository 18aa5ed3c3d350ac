"""``tracetide run``: collect, detect and deliver in one process."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import click

from collectors.contract import Source
from collectors.recording import RecordingWriter
from rules import RuleSet
from sinks import SINKS, open_sink
from sinks.contract import Sink, SinkError
from sinks.embedded import delivering
from sinks.runner import Refusal, Runner
from sinks.store import Store
from stream import local
from stream.engine import Engine
from tracetide import options
from tracetide.live import described, kernel_source, kernel_way, until_stopped
from tracetide.reloading import RuleFiles
from tracetide.summary import summary
from wire.batch import Batch
from wire.detection import Detection

_log = logging.getLogger(__name__)


@click.command()
@options.rules
@options.library
@options.matching
@click.option(
    "--sink",
    "sinks",
    type=click.Choice(list(SINKS)),
    multiple=True,
    default=["console"],
    show_default=True,
    help="Where detections go; may be given several times.",
)
@click.option(
    "--record",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Keep all events in this file, for `tracetide replay`.",
)
@options.queue
@options.inventory
@click.option("--seconds", type=float, help="Stop by itself after this time.")
def run(
    rule_paths: tuple[Path, ...],
    library: bool,
    matching: options.Matching,
    sinks: tuple[str, ...],
    record: Path | None,
    queue: Path,
    inventory: tuple[str, ...],
    seconds: float | None,
) -> None:
    """Watch this host, and deliver what is detected.

    Changed files of --rules are taken over within seconds, all rules at SIGHUP; ones with errors are refused.
    """
    files = RuleFiles(rule_paths, library=library, matching=matching)
    engine = Engine(files.rules)
    watched = kernel_source(engine.rules.matchers, further=lambda: engine.rules.matchers)
    source = described(watched, inventory)
    try:
        asyncio.run(
            until_stopped(_run(engine, source, files, sinks, record, queue), seconds, reload=files.ask)
        )
    finally:
        click.echo(summary(engine.counters), err=True)


async def _run(
    engine: Engine, source: Source, files: RuleFiles, names: tuple[str, ...], record: Path | None, queue: Path
) -> None:
    async def adopt(rules: RuleSet) -> None:
        engine.rules = rules

    async with AsyncExitStack() as stack:
        opened = [open_sink(name) for name in names]
        for sink in opened:
            stack.push_async_callback(sink.close)
            await _check(sink, queue)
        writer = stack.enter_context(RecordingWriter(record)) if record else None
        lasting = [name for name in names if name != "console"]  # what nobody saw is not shown later
        store = await stack.enter_async_context(Store(queue, lasting)) if lasting else None
        stack.callback(lambda: _tell(deliver.runners))
        deliver = await stack.enter_async_context(delivering(opened, _bury, store=store))
        await stack.enter_async_context(files.followed(adopt))
        await local.run(_observed(source.batches(), writer, len(engine.rules.rules)), engine, deliver)


def _tell(runners: Sequence[Runner]) -> None:
    """What became of the detections, for each sink but the one that showed it."""
    for runner in runners:
        if runner.sink.name != "console":
            click.echo(f"{runner.sink.name}: {runner.counters.line(time.time())}", err=True)


async def _check(sink: Sink, queue: Path) -> None:
    """Say what is wrong with a sink, and watch all the same: after a boot the network may come later."""
    try:
        await sink.check()
    except SinkError as error:
        if sink.name == "console":
            raise
        _log.warning("%s; what is detected meanwhile waits in %s", error, queue)


async def _observed(
    batches: AsyncIterator[Batch], writer: RecordingWriter | None, rules: int
) -> AsyncIterator[Batch]:
    """The batches, kept if somebody wants to; says when the first one shows that it works."""
    watching = False
    async for batch in batches:
        if not watching:
            click.echo(f"watching this host with {rules} rules, {kernel_way()}; Ctrl-C stops", err=True)
            watching = True
        if writer:
            writer.write(batch)
        yield batch


async def _bury(sink: str, detection: Detection, refusal: Refusal) -> None:
    """Nothing but the log can keep what a terminal refuses."""
    _log.error(
        "%s refuses detection %s of rule %r: %s", sink, detection.id, detection.rule.name, refusal.reason
    )
