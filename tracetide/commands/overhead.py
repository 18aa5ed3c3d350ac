"""``tracetide overhead``: what being watched costs a workload of yours."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import click

from tracetide import options
from tracetide.errors import CommandError

if TYPE_CHECKING:
    from tracetide.overhead.report import Report


@click.command(context_settings={"ignore_unknown_options": True})
@click.option(
    "--pairs", type=click.IntRange(min=1), default=10, show_default=True, help="How many pairs of runs."
)
@options.rules
@options.library
@click.option(
    "--everything", is_flag=True, help="All events, as `collect` publishes them, whatever rules need."
)
@options.json
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def overhead(
    pairs: int,
    rule_paths: tuple[Path, ...],
    library: bool,
    everything: bool,
    as_json: bool,
    command: tuple[str, ...],
) -> None:
    """Run COMMAND in pairs, unwatched and watched, and say what being watched costs.

    It is watched for the events that the rules need, as `run` does.

    COMMAND should take a second or longer and do the same every time; its output is thrown away. An option
    of COMMAND's own goes behind --, as in: tracetide overhead -- make -C project
    """
    # Only those who measure need these.
    from collectors.kernel import why_not  # noqa: PLC0415
    from tracetide.overhead.pairs import costs, measure  # noqa: PLC0415
    from tracetide.overhead.report import Report, type_costs  # noqa: PLC0415

    if reason := why_not():
        raise CommandError(reason)
    watched = [f"--rules={path}" for path in rule_paths]
    watched += ["--everything"] * everything + ["--no-library"] * (not library)
    measured = measure(command, pairs, _progress, watched)
    _progress("once more, to see which events cost most")
    report = Report(measured, tuple(type_costs(costs(command, watched))))
    if as_json:
        click.echo(json.dumps(report.to_json(), indent=1))
    else:
        _show(report)


def _progress(step: str) -> None:
    click.echo(f"running the workload: {step}", err=True)


def _show(report: Report) -> None:
    from rich.console import Console  # noqa: PLC0415  # programs need no table
    from rich.table import Table  # noqa: PLC0415  # the same

    console = Console()
    console.print(report.sentence)
    measured = report.measured
    console.print(
        f"The workload took {median(measured.unwatched):.2f} s unwatched and "
        f"{median(measured.watched):.2f} s watched, in {len(measured.watched)} pairs. "
        f"The collector took {100 * report.share:.1f} % of one core and {report.resident:.0f} MB "
        f"for {report.events:,} events a run; {report.lost:,} were lost."
    )
    seen = report.events + report.unneeded
    if report.unneeded:
        console.print(
            f"The rules needed {report.events / seen:.1%} of {seen:,} events; "
            "the others stayed in the kernel."
        )
    table = Table("events", "needed", "not needed", "µs each in the kernel", "ms in all", box=None)
    for cost in report.costs:
        each = cost.nanoseconds / cost.runs / 1000
        table.add_row(
            ", ".join(cost.types),
            f"{cost.events:,}",
            f"{cost.unneeded:,}",
            f"{each:.2f}",
            f"{cost.nanoseconds / 1e6:.1f}",
        )
    console.print(table)
