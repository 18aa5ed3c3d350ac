"""``tracetide run``: collect, detect and deliver in one process."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from collectors.contract import Source
from collectors.recording import RecordingWriter
from rules import RuleSet
from sinks import SINKS, open_sink
from sinks.contract import Sink, SinkError
from sinks.embedded import PROMPT, delivering
from sinks.runner import Refusal, Runner
from sinks.store import Store
from stream import local
from stream.engine import Engine
from tracetide import options
from tracetide.live import described, kernel_source, kernel_way, until_stopped
from tracetide.needed import Needed
from tracetide.reloading import RuleFiles
from tracetide.summary import summary
from wire.batch import Batch
from wire.detection import Detection

if TYPE_CHECKING:
    from collectors.kernel.losses import Counts
    from notify.config import Config

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
@click.option(
    "--notify",
    "routes",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="TRACETIDE_ROUTES",
    show_envvar=True,
    help="Tell people too: who is told of what, and how; docs/notify.md explains it.",
)
@options.notify_state
@options.inventory
@options.rate
@options.batch
@options.metrics
@click.option("--seconds", type=float, help="Stop by itself after this time.")
def run(
    rule_paths: tuple[Path, ...],
    library: bool,
    matching: options.Matching,
    sinks: tuple[str, ...],
    record: Path | None,
    queue: Path,
    routes: Path | None,
    state: Path,
    inventory: tuple[str, ...],
    rate: int,
    batch: int,
    metrics: str | None,
    seconds: float | None,
) -> None:
    """Watch this host, deliver what is detected, and tell people of it.

    Changed files of --rules and --notify are taken over within seconds, all rules and routes at SIGHUP; ones
    with errors are refused.
    """
    people = _load(routes) if routes else None
    files = RuleFiles(rule_paths, library=library, matching=matching)
    engine = Engine(files.rules)
    needs = Needed(lambda: engine.rules, everything=record is not None)
    watched = kernel_source(needs=needs, rate=rate)
    source = described(watched, inventory)
    outputs = Outputs(sinks, queue, record, people, state, [files.ask], metrics, watched.counts, batch)
    try:
        asyncio.run(until_stopped(work(engine, source, files, outputs), seconds, reload=outputs.reload))
    finally:
        click.echo(summary(engine.counters), err=True)


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where detections go: sinks by name, their queue, a recording, people; and where counts are told.

    ``batch`` of them go out together. ``reloads`` are called when somebody asks to read files again.
    """

    sinks: Sequence[str]
    queue: Path
    record: Path | None
    people: "Config | None"
    state: Path
    reloads: list[Callable[[], None]] = field(default_factory=list)
    metrics: str | None = None
    counts: Callable[[], "Counts | None"] = lambda: None
    batch: int = PROMPT.count

    def reload(self) -> None:
        """Read files again."""
        for ask in self.reloads:
            ask()


async def work(engine: Engine, source: Source, files: RuleFiles, outputs: Outputs) -> None:
    """Detect in what ``source`` gives, and deliver, until it ends."""

    async def adopt(rules: RuleSet) -> None:
        engine.rules = rules

    async with AsyncExitStack() as stack:
        opened = [open_sink(name) for name in outputs.sinks]
        for sink in opened:
            stack.push_async_callback(sink.close)
        if outputs.people:
            opened.append(await _people(outputs, outputs.people, stack))
        for sink in opened:
            await _check(sink, outputs.queue)
        writer = stack.enter_context(RecordingWriter(outputs.record)) if outputs.record else None
        lasting = [
            sink.name for sink in opened if sink.name != "console"
        ]  # what nobody saw is not shown later
        store = await stack.enter_async_context(Store(outputs.queue, lasting)) if lasting else None
        stack.callback(lambda: _tell(deliver.runners))
        pace = replace(PROMPT, count=outputs.batch)
        deliver = await stack.enter_async_context(delivering(opened, _bury, pace, store))
        await stack.enter_async_context(files.followed(adopt))
        await _counting(outputs, engine, deliver.runners, stack)
        await local.run(_observed(source.batches(), writer, len(engine.rules.rules)), engine, deliver)


async def _counting(
    outputs: Outputs, engine: Engine, runners: Sequence[Runner], stack: AsyncExitStack
) -> None:
    """Tell what is counted, where that is wanted, until the end of ``stack``."""
    if outputs.metrics is None:
        return
    from tracetide import metrics  # noqa: PLC0415  # the same

    families = [
        metrics.of_kernel(outputs.counts),
        metrics.of_engine(engine.counters),
        metrics.of_sinks(lambda: {runner.sink.name: runner.counters for runner in runners}),
    ]
    await stack.enter_async_context(metrics.served(outputs.metrics, *families))


def _load(routes: Path) -> "Config":
    from tracetide.notices import load_routes  # noqa: PLC0415  # costs memory that others need not have

    return load_routes(routes)


async def _people(outputs: Outputs, config: "Config", stack: AsyncExitStack) -> Sink:
    """Those who are told, until the end of ``stack``."""
    from tracetide.notices import notices  # noqa: PLC0415  # the same

    sink = await stack.enter_async_context(notices(config, outputs.state))
    outputs.reloads.append(sink.following.ask)
    return sink


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
