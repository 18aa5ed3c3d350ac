"""``tracetide rules``: load and judge rules, run their cases, try a condition."""

import json as encoding
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

import rules as language
from rules import GivenError, Rule, RuleErrors
from tracetide import options
from tracetide.errors import CommandError
from tracetide.loading import load_rules

PATHS = click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))


@click.group()
def rules() -> None:
    """Load and judge rules, run their own cases, try a condition."""


@rules.command()
@PATHS
@options.json
def check(paths: tuple[Path, ...], as_json: bool) -> None:
    """Read rule files and say everything that is wrong with them. Without PATHS: the library."""
    report = language.check(paths, library=not paths)
    if as_json:
        click.echo(encoding.dumps(report.to_json(), indent=1))
    else:
        for fault in report.errors:
            click.echo(f"error: {fault}")
        for fault in report.warnings:
            click.echo(f"warning: {fault}")
        click.echo(f"{len(report.rules)} rules, {len(report.errors)} errors, {len(report.warnings)} warnings")
    raise click.exceptions.Exit(1 if report.errors else 0)


@rules.command(name="list")
@PATHS
@options.json
def list_(paths: tuple[Path, ...], as_json: bool) -> None:
    """Show the rules. Without PATHS: the library."""
    loaded = load_rules(paths, library=not paths).rules
    if as_json:
        click.echo(encoding.dumps(language.check(paths, library=not paths).to_json()["rules"], indent=1))
        return
    from rich.console import Console  # noqa: PLC0415  # programs need no table
    from rich.table import Table  # noqa: PLC0415  # the same
    from rich.text import Text  # noqa: PLC0415  # the same

    table = Table("priority", "rule", "ATT&CK", "events")
    for rule in loaded:
        techniques = " ".join(technique.id for technique in rule.info.techniques)
        name = rule.name if rule.enabled else f"{rule.name} (disabled)"
        table.add_row(rule.priority, Text(name), techniques, Text(_events(rule)))
    Console().print(table)


def _events(rule: Rule) -> str:
    few = 4
    names = sorted(rule.event_types)
    return " ".join(names[:few]) + (f" and {len(names) - few} more" if len(names) > few else "")


@rules.command()
@PATHS
@options.json
def test(paths: tuple[Path, ...], as_json: bool) -> None:
    """Run the cases inside rule files. Without PATHS: those of the library."""
    results = language.run_cases(load_rules(paths, library=not paths))
    failed = [result for result in results if not result.passed]
    if as_json:
        rows = [{name: getattr(result, name) for name in result.__slots__} for result in results]
        click.echo(encoding.dumps(rows, indent=1))
    else:
        for result in failed:
            where = f"{result.file}:{result.line}"
            click.echo(f"{where}: rule {result.rule}: case {result.case!r} {result.sentence}")
        click.echo(f"{len(results)} cases, {len(failed)} failed")
    raise click.exceptions.Exit(1 if failed else 0)


@rules.command(name="eval")
@click.argument("condition", required=False)
@click.option("--fields", help="Values by field, as a JSON object; a list where a field has several.")
@click.option("--rules", "paths", multiple=True, type=click.Path(exists=True, path_type=Path))
@click.option("--rule", "name", help="Take the condition of this rule, from --rules or the library.")
@click.option("--cases", type=click.File("rb"), help="Many at once: a JSON object a line; - for stdin.")
def evaluate(
    condition: str | None,
    fields: str | None,
    paths: tuple[Path, ...],
    name: str | None,
    cases: click.utils.LazyFile | None,
) -> None:
    """Say whether CONDITION is true for given values of fields; one that is not given is missing.

    Each line of --cases has an id, a condition (or rules, a list of YAML texts, and rule), and fields;
    each answer has the id, a result (true, false or "error") and a message.
    """
    if cases is not None:
        for answer in _answers(cases):
            click.echo(encoding.dumps(answer))
        return
    if (condition is None) == (name is None):
        raise click.UsageError("give either CONDITION or --rule")
    values = _object(fields or "{}")
    try:
        if condition is not None:
            result = language.evaluate(condition, values)
        else:
            result = language.evaluate_rule(_named(load_rules(paths, library=not paths).rules, name), values)
    except (RuleErrors, GivenError) as error:
        raise CommandError(str(error)) from error
    click.echo("true" if result else "false")


def _answers(lines: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401  # click does not say what it opens
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        case: dict[str, Any] = {}
        answer: dict[str, Any]
        try:
            case = _object(line)
            answer = {"result": _answer(case), "message": ""}
        except (RuleErrors, GivenError, CommandError) as error:
            answer = {"result": "error", "message": str(error)}
        yield {"id": case.get("id", number)} | answer


def _answer(case: dict[str, Any]) -> bool:
    fields = case.get("fields", {})
    if not isinstance(fields, dict):
        raise CommandError("fields is not an object")
    if "condition" in case:
        return language.evaluate(str(case["condition"]), fields)
    if "rules" not in case or "rule" not in case:
        raise CommandError("a case needs condition, or rules and rule")
    texts = [(f"rules[{number}]", str(text)) for number, text in enumerate(case["rules"])]
    loaded = language.load_texts(texts)
    return language.evaluate_rule(_named(loaded.rules, case["rule"]), fields)


def _object(text: str | bytes) -> dict[str, Any]:
    try:
        value = encoding.loads(text)
    except ValueError as error:
        raise CommandError(f"not JSON: {error}") from error
    if not isinstance(value, dict):
        raise CommandError("not a JSON object")
    return value


def _named(loaded: tuple[Rule, ...], name: str | None) -> Rule:
    for rule in loaded:
        if rule.name == name:
            return rule
    raise CommandError(f"no rule is named {name!r}")


@rules.command()
@click.argument("event_type")
@PATHS
def source(event_type: str, paths: tuple[Path, ...]) -> None:
    """Show the Python function that the rules became for EVENT_TYPE. Without PATHS: the library's."""
    ruleset = load_rules(paths, library=not paths)
    text = ruleset.source(event_type)
    if not text:
        raise CommandError(f"no rule asks for {event_type!r}; some do for {', '.join(ruleset.matchers)}")
    click.echo(text)
