"""``tracetide collect``: the kernel's events of this host, to Kafka."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tracetide import options
from tracetide.live import described, kernel_source, until_stopped

if TYPE_CHECKING:
    from rules import RuleSet
    from tracetide.needed import Needed
    from tracetide.reloading import RuleFiles
    from wire.topics import Headers

_MIB = 1 << 20


@click.command()
@options.kafka
@options.events("all but the frequent sendto, sendmsg, recvfrom and recvmsg; with rules or conditions none")
@options.rules
@click.option(
    "--library/--no-library",
    default=None,
    help="Collect what the rules that come with tracetide need.  [default: if there are --rules]",
)
@click.option(
    "--condition",
    "conditions",
    metavar="CONDITION",
    multiple=True,
    help="Collect what this condition of the rule language needs, such as one of `forward --events`; may be "
    "given several times.",
)
@options.spill
@click.option(
    "--spill-size",
    type=click.IntRange(min=0),
    default=512,
    show_default=True,
    metavar="MIB",
    help="The most that may wait there. Beyond it events are shed and counted; 0 for memory only.",
)
@options.inventory
@options.rate
@options.metrics
def collect(
    kafka: str,
    wanted: Sequence[str] | None,
    rule_paths: tuple[Path, ...],
    library: bool | None,
    conditions: tuple[str, ...],
    spill: Path,
    spill_size: int,
    inventory: tuple[str, ...],
    rate: int,
    metrics: str | None,
) -> None:
    """Collect this host's events and publish them to Kafka.

    With --rules, --library or --condition only what those and --events need leaves the kernel: what else the
    rules of a processor need, it does not see. Changed files of --rules are taken over within seconds, all
    rules at SIGHUP; ones with errors are refused.
    """
    # These cost memory that `collect --help` need not have.
    from collectors.backlog import Backlog  # noqa: PLC0415
    from collectors.publish import publish  # noqa: PLC0415
    from tracetide.metrics import of_backlog, of_kernel, served  # noqa: PLC0415
    from wire.topics import gap_headers  # noqa: PLC0415

    files = needs = None
    if rule_paths or conditions or library is not None:
        files, needs = _narrowed(rule_paths, library, conditions, wanted or ())
    backlog = Backlog(spill if spill_size else None, spill_size * _MIB)
    kernel = kernel_source(wanted, needs=needs, rate=rate)
    source = described(kernel, inventory)

    def gaps() -> Headers:
        return gap_headers(kernel.left_out(), needs.digest if needs else None)

    async def work() -> None:
        async with AsyncExitStack() as stack:
            if files is not None:
                await stack.enter_async_context(files.followed(_adopt))
            await stack.enter_async_context(served(metrics, of_kernel(kernel.counts), of_backlog(backlog)))
            await publish(source.batches(), kafka, backlog=backlog, gaps=gaps)

    asyncio.run(until_stopped(work(), reload=files.ask if files else None))


def _narrowed(
    paths: Sequence[Path], library: bool | None, conditions: Sequence[str], events: Sequence[str]
) -> tuple[RuleFiles, Needed]:
    """The rules whose needs are collected, and what they, the conditions and these types of events need."""
    from collectors.kernel.needs import everything  # noqa: PLC0415  # the same
    from rules.needs import needed  # noqa: PLC0415
    from tracetide.loading import rule_of  # noqa: PLC0415
    from tracetide.needed import Needed, joined  # noqa: PLC0415
    from tracetide.reloading import RuleFiles  # noqa: PLC0415

    if library is None:
        library = bool(paths)
    if not (paths or conditions or library):
        raise click.UsageError("--no-library leaves no rule to collect for; name some with --rules")
    files = RuleFiles(paths, library=library, matching="all")
    besides = everything(events)
    for condition in conditions:
        besides = joined(besides, needed(rule_of(condition, "--condition")))
    return files, Needed(lambda: files.rules, besides=besides)


async def _adopt(_rules: RuleSet) -> None:
    """The kernel's programs follow by themselves: ``Needed`` is asked again and again."""
