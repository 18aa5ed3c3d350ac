"""``tracetide stream``: events from Kafka through the engine, detections back to Kafka."""

import asyncio
from pathlib import Path

import click

from tracetide import options
from tracetide.live import until_stopped
from tracetide.reloading import RuleFiles


@click.command()
@options.kafka
@options.rules
@options.library
@options.matching
@click.option("--group", default="tracetide-stream", show_default=True, help="The consumer group.")
def stream(
    kafka: str, rule_paths: tuple[Path, ...], library: bool, matching: options.Matching, group: str
) -> None:
    """Detect in the events of all hosts, from Kafka to Kafka. As many may run as there are partitions.

    Changed files of --rules are taken over within seconds, all rules at SIGHUP; ones with errors are refused.
    """
    from stream import app  # noqa: PLC0415  # Faust is for those who stream
    from stream.worker import Worker  # noqa: PLC0415  # and so is the client of Kafka

    files = RuleFiles(rule_paths, library=library, matching=matching)

    async def work() -> None:
        worker = Worker(files.rules, kafka)
        async with files.followed(worker.adopt):
            await app.run(app.create_app(kafka, worker, group=group))

    asyncio.run(until_stopped(work(), reload=files.ask))
