"""``tracetide doctor``: what this host can do, what is missing, and how to get it."""

import asyncio
import json
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass

import click

from sinks import SINKS, open_sink
from sinks.contract import SinkError
from tracetide import options


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. ``problem`` is a sentence with the remedy, or nothing."""

    what: str
    state: str
    problem: str | None = None


@click.command()
@click.option("--kafka", envvar="TRACETIDE_KAFKA", show_envvar=True, help="Check this Kafka too.")
@click.option("--sink", "sinks", type=click.Choice(list(SINKS)), multiple=True, help="Check this sink too.")
@options.json
def doctor(kafka: str | None, sinks: tuple[str, ...], as_json: bool) -> None:
    """Say what this host can do, and for each problem what to do. Exit code 1 if there is one."""
    looks: list[Callable[[], Finding]] = [_kernel, _runtime, _rules]
    if kafka:
        looks.append(lambda: asyncio.run(_kafka(kafka)))
    looks += [lambda name=name: asyncio.run(_sink(name)) for name in sinks]  # type: ignore[misc]  # bound now
    findings = [look() for look in looks]
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings]))
    else:
        for finding in findings:
            click.echo(
                f"{'✗' if finding.problem else '✓'} {finding.what}: {finding.problem or finding.state}"
            )
    raise click.exceptions.Exit(1 if any(finding.problem for finding in findings) else 0)


def _kernel() -> Finding:
    from collectors.kernel import why_not  # noqa: PLC0415  # it may not be importable elsewhere than on Linux

    return Finding("kernel", f"Linux {platform.release()} can be watched", why_not())


def _runtime() -> Finding:
    from collectors.inventory.settings import everywhere  # noqa: PLC0415  # the same

    found = [f"{kind} at {path}" for kind, path in everywhere().found()]
    return Finding("containers", ", ".join(found) or "nobody to ask; control groups still tell their ids")


def _rules() -> Finding:
    import rules  # noqa: PLC0415  # only to count them

    return Finding("rule library", f"{len(rules.load([]).rules)} rules")


async def _kafka(bootstrap: str) -> Finding:
    from aiokafka import AIOKafkaConsumer  # noqa: PLC0415  # only where there is a Kafka
    from aiokafka.errors import KafkaError  # noqa: PLC0415  # the same

    from wire.topics import TOPICS  # noqa: PLC0415  # the same

    what = f"Kafka at {bootstrap}"
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    try:
        await consumer.start()
        there = await consumer.topics()
    except KafkaError as error:
        return Finding(what, "", f"it cannot be reached ({error}); check the address and the network")
    finally:
        await consumer.stop()
    missing = [topic.name for topic in TOPICS if topic.name not in there]
    remedy = f"no topic {', '.join(missing)}; run `tracetide setup kafka`" if missing else None
    return Finding(what, f"all {len(TOPICS)} topics are there", remedy)


async def _sink(name: str) -> Finding:
    try:
        sink = open_sink(name)
        try:
            await sink.check()
        finally:
            await sink.close()
    except SinkError as error:
        return Finding(f"sink {name}", "", str(error))
    return Finding(f"sink {name}", "can be written to")
