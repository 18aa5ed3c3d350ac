"""``tracetide rules test``: rules against their own cases, and against recordings of attacks."""

import json as encoding
from dataclasses import asdict
from pathlib import Path

import click

import rules
from tracetide import options
from tracetide.errors import CommandError
from tracetide.loading import load_rules


@click.command()
@options.rule_files
@options.on_library
@options.json
def test(paths: tuple[Path, ...], on_library: bool, as_json: bool) -> None:
    """Run the cases in rule files, and replay the scenarios in folders. Without PATHS: the library's cases.

    A scenario is a folder with recording.jsonl.zst and expected.json, what must be found in it. If PATHS
    hold no rules, it is the library that must find it. Exit code 1 if anything is not as it must be.
    """
    from tracetide.scenarios import run_scenario, scenarios  # noqa: PLC0415  # the engine takes time to load

    files, folders = rules.files(paths), list(scenarios(paths))
    if paths and not files and not folders:
        raise CommandError("there are neither rule files nor scenarios in what was given")
    ruleset = load_rules(files, library=on_library or not files)
    cases = rules.run_cases(ruleset) if files or not paths else []
    replayed = {str(folder): run_scenario(folder, ruleset) for folder in folders}
    results = [result for each in replayed.values() for result in each]
    failed = sum(not case.passed for case in cases) + sum(not result.passed for result in results)
    if as_json:
        told = {"cases": [asdict(each) for each in cases], "scenarios": [asdict(each) for each in results]}
        click.echo(encoding.dumps(told, indent=1))
    else:
        for case in cases:
            if not case.passed:
                click.echo(f"{case.file}:{case.line}: rule {case.rule}: case {case.case!r} {case.sentence}")
        for result in results:
            if not result.passed:
                click.echo(f"{result.file}:{result.line}: rule {result.rule}: {result.sentence}")
        counted = f", {len(replayed)} scenarios with {len(results)} detections" if replayed else ""
        click.echo(f"{len(cases)} cases{counted}, {failed} failed")
    raise click.exceptions.Exit(1 if failed else 0)
