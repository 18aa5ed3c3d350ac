"""``tracetide rules list``: which rules there are."""

import json as encoding
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

import rules
from rules import Report, Rule
from tracetide import options
from tracetide.errors import CommandError
from wire.detection import PRIORITIES, Priority


@click.command(name="list")
@options.rule_files
@options.on_library
@click.option("--tag", "tags", multiple=True, help="Only rules with this tag; several must all be there.")
@click.option(
    "--priority",
    type=click.Choice(PRIORITIES, case_sensitive=False),
    help="Only rules of this priority or a more urgent one.",
)
@click.option("--tactic", help="Only rules with a technique of this ATT&CK tactic, such as 'Persistence'.")
@click.option("--attack", is_flag=True, help="Print a layer for the ATT&CK Navigator: techniques and rules.")
@options.json
def list_(
    paths: tuple[Path, ...],
    on_library: bool,
    tags: tuple[str, ...],
    priority: Priority | None,
    tactic: str | None,
    attack: bool,
    as_json: bool,
) -> None:
    """Show the rules. Without PATHS: the library."""
    report = rules.check(paths, library=on_library or not paths)
    if report.errors:
        raise CommandError("the rules cannot be loaded\n" + "\n".join(map(str, report.errors)))
    chosen = [each for each in report.rules if _wanted(each, tags, priority, tactic)]
    if attack:
        click.echo(encoding.dumps(rules.navigator_layer(chosen), indent=1))
    elif as_json:
        click.echo(encoding.dumps(Report(tuple(chosen), (), ()).to_json()["rules"], indent=1))
    else:
        _show(chosen)


def _wanted(rule: Rule, tags: Sequence[str], priority: Priority | None, tactic: str | None) -> bool:
    urgent = priority is None or PRIORITIES.index(rule.priority) <= PRIORITIES.index(priority)
    return urgent and set(tags) <= set(rule.tags) and (tactic is None or _plain(tactic) in _tactics(rule))


def _tactics(rule: Rule) -> Iterator[str]:
    return (_plain(tactic) for technique in rule.info.techniques for tactic in technique.tactics)


def _plain(tactic: str) -> str:
    """``Credential Access``, ``credential-access`` and ``credential_access`` are the same tactic."""
    return tactic.lower().replace("-", " ").replace("_", " ")


def _show(chosen: Sequence[Rule]) -> None:
    from rich.console import Console  # noqa: PLC0415  # programs need no table
    from rich.table import Table  # noqa: PLC0415  # the same
    from rich.text import Text  # noqa: PLC0415  # the same

    table = Table("priority", "rule", "ATT&CK", "events")
    for rule in chosen:
        techniques = " ".join(technique.id for technique in rule.info.techniques)
        name = rule.name if rule.enabled else f"{rule.name} (disabled)"
        table.add_row(rule.priority, Text(name), techniques, Text(_events(rule)))
    console = Console()
    console.print(table)
    console.print(f"{len(chosen)} rules", highlight=False)


def _events(rule: Rule) -> str:
    few = 4
    names = sorted(rule.event_types)
    return " ".join(names[:few]) + (f" and {len(names) - few} more" if len(names) > few else "")
