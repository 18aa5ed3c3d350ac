"""``tracetide rules explain``: why a rule matches an event or does not, and what rules become."""

import json as encoding
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from rules import GivenError
from rules.catalogue.event_types import KINDS
from rules.explain import Explanation, GivenValues, Node, OfEvent, Reader, lines
from rules.explain import explain as explained
from rules.needs import Part, TypeNeeds, by_type, needs
from rules.needs.words import described
from rules.sigma.given import named_as_here
from rules.written import shown
from tracetide import options
from tracetide.commands.rules.eval import named_rule
from tracetide.errors import CommandError
from tracetide.loading import given_rules
from wire.needs import WHOLE

# Constants of a check that a line of the tree shows.
_MANY = 8

# Rules that are named for each event type, and limits for each rule.
_WIDEST = 3


@click.command()
@click.argument("arguments", nargs=-1, metavar="EVENT RULE [PATHS]...")
@options.on_library
@click.option(
    "--source",
    is_flag=True,
    help="Show the Python function that rules became: --source [EVENT_TYPE] [PATHS]...",
)
@click.option("--kernel", is_flag=True, help="Show what rules need from the kernel: --kernel [PATHS]...")
@options.json
def explain(arguments: tuple[str, ...], on_library: bool, source: bool, kernel: bool, as_json: bool) -> None:
    """Show which check of RULE decided about EVENT. Rules come from PATHS, or from the library.

    EVENT is a JSON object of values by field, @FILE with one in it, or RECORDING:NUMBER, the event of
    that sequence number in a recording, with the processes as they were then.

    ✓ is a check that was true and ✗ one that was false; in parentheses, one that did not matter any more.
    """
    if source and kernel:
        raise click.UsageError("give either --source or --kernel")
    if source:
        _source(arguments, on_library=on_library)
    elif kernel:
        _kernel(_paths(arguments), on_library=on_library, as_json=as_json)
    elif len(arguments) < 2:
        raise click.UsageError("give EVENT and RULE, or --source, or --kernel")
    else:
        event, name, *paths = arguments
        rule = named_rule(given_rules(_paths(paths), on_library=on_library).rules, name)
        found = explained(rule, _reader(event, rule.log_source))
        if as_json:
            click.echo(encoding.dumps(found.to_json(), indent=1))
        else:
            _show(found)


def _paths(arguments: Sequence[str]) -> list[Path]:
    paths = [Path(each) for each in arguments]
    for path in paths:
        if not path.exists():
            raise click.UsageError(f"there is no file or folder {path}")
    return paths


def _reader(event: str, log_source: str) -> Reader:
    if event.startswith("{"):
        return _values(event, log_source)
    if event.startswith("@"):
        try:
            return _values(Path(event[1:]).read_text(encoding="utf-8"), log_source)
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"cannot read {event[1:]}: {error}") from error
    name, colon, number = event.rpartition(":")
    if not colon or not number.isdecimal():
        raise click.UsageError("EVENT is a JSON object, @FILE with one in it, or RECORDING:NUMBER")
    from collectors.recording import RecordingSource  # noqa: PLC0415  # for those who give a recording
    from stream.moment import moment  # noqa: PLC0415  # the same

    found = moment(RecordingSource(Path(name)).read(), int(number))
    if found is None:
        raise CommandError(f"{name} has no event number {number}")
    return OfEvent(found.event, found.process, found.state)


def _values(text: str, log_source: str) -> GivenValues:
    try:
        fields: Any = encoding.loads(text)
    except (ValueError, RecursionError) as error:
        raise CommandError(f"the event is not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise CommandError("the event is not a JSON object of values by field")
    try:
        return GivenValues(named_as_here(log_source, fields) if log_source else fields)
    except GivenError as error:
        raise CommandError(f"the event: {error}") from error


def _show(found: Explanation) -> None:
    rule = found.rule
    click.echo(click.style(rule.name, bold=True) + f"  {rule.file}:{rule.line}")
    for line in lines(found.root, _marked):
        click.echo(line)
    click.echo(found.sentence)


def _marked(node: Node, macro: str) -> str:
    sign = "✓" if node.holds else "✗"
    values = ", ".join(f"{field.spelled} is {shown(found)}" for field, found in node.values)
    text = node.text(_MANY) + (f"   [{values}]" if values else "")
    origin = f"   ({macro})" if macro else ""
    if not node.asked:
        return click.style(f"({sign}) {text}{origin}", dim=True)
    return f"{click.style(sign, fg='green' if node.holds else 'red')} {text}{click.style(origin, dim=True)}"


def _source(arguments: Sequence[str], *, on_library: bool) -> None:
    named = [arguments[0]] if arguments and arguments[0] in KINDS else []
    ruleset = given_rules(_paths(arguments[len(named) :]), on_library=on_library)
    if named and named[0] not in ruleset.matchers:
        known = ", ".join(ruleset.matchers) or "no other type either"
        raise CommandError(f"no rule can match an event of type {named[0]}; there are functions for {known}")
    click.echo("\n\n".join(ruleset.source(event_type) for event_type in named or ruleset.matchers))


def _kernel(paths: Sequence[Path], *, on_library: bool, as_json: bool) -> None:
    loaded = given_rules(paths, on_library=on_library).rules
    if as_json:
        parts = {
            each.event_type: [
                {
                    "rule": part.rule.name,
                    "unrestricted": part.unrestricted,
                    "limits": msgspec.to_builtins(part.limits),
                }
                for part in each.parts
            ]
            for each in by_type(loaded)
        }
        click.echo(encoding.dumps(msgspec.to_builtins(needs(loaded)) | {"rules": parts}, indent=1))
        return
    for alike in _alike(by_type(loaded)):
        click.echo(click.style(", ".join(each.event_type for each in alike), bold=True))
        if alike[0].event_type in WHOLE:
            click.echo(
                "  all are collected, because the process tree needs them; for rules alone it would be:"
            )
        for limits in alike[0].limits:
            click.echo(f"  needed: {described(limits)}")
        _show_parts(alike[0].parts)
    click.echo(f"Always, for the process tree: {', '.join(WHOLE)}. No rule asks for other types than these.")


def _alike(types: Iterable[TypeNeeds]) -> list[list[TypeNeeds]]:
    """Types of which the same is needed, because of the same rules, together."""
    groups: dict[object, list[TypeNeeds]] = {}
    for each in types:
        key = (each.limits, tuple((part.rule.name, part.limits) for part in each.parts))
        groups.setdefault(key, []).append(each)
    return list(groups.values())


def _show_parts(parts: Sequence[Part]) -> None:
    free = [part for part in parts if part.unrestricted]
    if free:
        click.echo(f"  not narrowed by path, program, port or address because of {_counted(len(free))}:")
    else:
        click.echo(f"  of {_counted(len(parts))}, these ask for most:")
    shown_parts = (free or parts)[:_WIDEST]
    for part in shown_parts:
        click.echo(f"    {part.rule.name}: {'; or '.join(map(described, part.limits[:_WIDEST]))}")
    if len(free) > len(shown_parts):
        click.echo(f"    and {len(free) - len(shown_parts)} more")


def _counted(number: int) -> str:
    return f"{number} rule{'s' if number != 1 else ''}"
