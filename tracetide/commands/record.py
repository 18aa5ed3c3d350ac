"""``tracetide record``: the kernel's events of this host, into a file."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import click

from collectors.contract import Source
from collectors.recording import RecordingWriter
from tracetide import options
from tracetide.live import described, kernel_source, until_stopped


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@options.events("all")
@options.inventory
@click.option("--seconds", type=float, help="Stop by itself after this time.")
def record(
    file: Path, wanted: Sequence[str] | None, inventory: tuple[str, ...], seconds: float | None
) -> None:
    """Record this host's events into FILE until stopped by Ctrl-C."""
    source = described(kernel_source(wanted, frequent=True), inventory)
    events = asyncio.run(_record(file, source, seconds))
    click.echo(f"{events} events in {file}", err=True)


async def _record(file: Path, source: Source, seconds: float | None) -> int:
    events = 0

    async def write() -> None:
        nonlocal events
        with RecordingWriter(file) as writer:
            async for batch in source.batches():
                writer.write(batch)
                events += len(batch.events)

    await until_stopped(write(), seconds)
    return events
