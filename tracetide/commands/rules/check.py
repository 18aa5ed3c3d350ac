"""``tracetide rules check``: everything that is in rule files, and everything that is wrong with them."""

import json as encoding
from collections import Counter
from pathlib import Path

import click

import rules
from rules import Report
from tracetide import options


@click.command()
@options.rule_files
@options.on_library
@click.option("-v", "--verbose", is_flag=True, help="Name the rules that ask for what is not collected.")
@options.json
def check(paths: tuple[Path, ...], on_library: bool, verbose: bool, as_json: bool) -> None:
    """Read rule files and say everything that is wrong with them. Without PATHS: the library.

    Exit code 1 if there is an error.
    """
    report = rules.check(paths, library=on_library or not paths)
    if as_json:
        click.echo(encoding.dumps(report.to_json(), indent=1))
    else:
        _show(report, verbose=verbose)
    raise click.exceptions.Exit(1 if report.errors else 0)


def _show(report: Report, *, verbose: bool) -> None:
    for fault in report.errors:
        click.echo(f"error: {fault}")
    for fault in report.warnings:
        click.echo(f"warning: {fault}")
    weakened = [rule for rule in report.rules if rule.weakened]
    if verbose:
        for rule in weakened:
            for need in rule.weakened:
                click.echo(f"weakened: {rule.file}:{rule.line}: rule {rule.name}: {need}")
    elif weakened:
        for need, number in Counter(need for rule in weakened for need in rule.weakened).most_common():
            click.echo(f"weakened: {need}: {number} rule{'s' if number > 1 else ''}")
    click.echo(
        f"{len(report.rules)} rules, {len(report.errors)} errors, {len(report.warnings)} warnings"
        + (f", {len(weakened)} weakened by what is not collected yet" if weakened else "")
    )
    if sigma := report.sigma():
        click.echo(sigma)
    if weakened and not verbose:
        click.echo("A check of what is not collected is false; -v names the rules that have one.")
