"""``tracetide doctor``: what this host can do, what is missing, and how to get it."""

import asyncio
import json
from dataclasses import asdict
from pathlib import Path

import click

from sinks import SINKS
from tracetide import options
from tracetide.doctor import examine
from tracetide.doctor.contract import Asked, Finding

_MARKS = {"good": "✓", "note": "!", "bad": "✗"}


@click.command()
@click.option("--kafka", envvar="TRACETIDE_KAFKA", show_envvar=True, help="Check this Kafka too.")
@click.option("--sink", "sinks", type=click.Choice(list(SINKS)), multiple=True, help="Check this sink too.")
@options.spill
@click.option(
    "--metrics",
    metavar="[HOST:]PORT",
    envvar="TRACETIDE_METRICS",
    show_envvar=True,
    help="Ask the collector that tells its counts there what it missed.",
)
@options.inventory
@options.json
def doctor(
    kafka: str | None,
    sinks: tuple[str, ...],
    spill: Path,
    metrics: str | None,
    inventory: tuple[str, ...],
    as_json: bool,
) -> None:
    """Say what this host can do, and for each problem what to do. Exit code 1 if something does not work."""
    findings = asyncio.run(_show(Asked(spill, kafka, metrics, sinks, inventory), aloud=not as_json))
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings]))
    raise click.exceptions.Exit(1 if any(finding.level == "bad" for finding in findings) else 0)


async def _show(asked: Asked, *, aloud: bool) -> list[Finding]:
    findings = []
    async for finding in examine(asked):
        findings.append(finding)
        if aloud:
            click.echo(f"{_MARKS[finding.level]} {finding.what}: {finding.state}")
            if finding.remedy:
                click.echo(f"  → {finding.remedy}")
    return findings
