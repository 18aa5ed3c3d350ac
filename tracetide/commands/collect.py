"""``tracetide collect``: the kernel's events of this host, to Kafka."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import click

from tracetide import options
from tracetide.live import described, kernel_source, until_stopped

_MIB = 1 << 20


@click.command()
@options.kafka
@options.events("all but the frequent sendto, sendmsg, recvfrom and recvmsg")
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
    spill: Path,
    spill_size: int,
    inventory: tuple[str, ...],
    rate: int,
    metrics: str | None,
) -> None:
    """Collect this host's events and publish them to Kafka."""
    # These cost memory that `collect --help` need not have.
    from collectors.backlog import Backlog  # noqa: PLC0415
    from collectors.publish import publish  # noqa: PLC0415
    from tracetide.metrics import of_backlog, of_kernel, served  # noqa: PLC0415

    backlog = Backlog(spill if spill_size else None, spill_size * _MIB)
    kernel = kernel_source(wanted, rate=rate)
    source = described(kernel, inventory)

    async def work() -> None:
        async with served(metrics, of_kernel(kernel.counts), of_backlog(backlog)):
            await publish(source.batches(), kafka, backlog=backlog)

    asyncio.run(until_stopped(work()))
