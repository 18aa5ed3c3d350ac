"""``tracetide rules diff``: what a change of rules changes in what is found."""

import json as encoding
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from collectors.recording import RecordingSource
from rules.changes import Changes, changes
from rules.written import shown
from tracetide import options
from tracetide.comparison import Altered, Differences, compare
from tracetide.loading import load_rules
from wire.detection import Detection

# Detections of a rule that a person is shown.
_EXAMPLES = 3

_PATH = click.Path(exists=True, path_type=Path)


@click.command()
@click.argument("old", type=_PATH)
@click.argument("new", type=_PATH)
@click.argument("recording", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@options.on_library
@options.matching
@options.json
def diff(
    old: Path, new: Path, recording: Path, on_library: bool, matching: options.Matching, as_json: bool
) -> None:
    """Run RECORDING through the rules of OLD and of NEW, each a file or a folder, and show what differs.

    Exit code 1 if detections appear, disappear or change.
    """
    before, after = (load_rules([path], library=on_library, matching=matching) for path in (old, new))
    rules = changes(before.rules, after.rules)
    found = compare(RecordingSource(recording).read(), before, after)
    if as_json:
        told = {"added": rules.added, "removed": rules.removed, "changed": rules.changed}
        click.echo(encoding.dumps({"rules": told, "detections": found.to_json()}, indent=1))
    else:
        _show(rules, found)
    raise click.exceptions.Exit(1 if found else 0)


def _show(rules: Changes, found: Differences) -> None:
    for name in rules.removed:
        click.echo(f"rule removed: {name}")
    for name in rules.added:
        click.echo(f"rule added: {name}")
    for name, what in rules.changed.items():
        click.echo(f"rule changed: {name} ({', '.join(what)})")
    if not rules:
        click.echo("no rule differs")
    if found:
        _show_counts(found)
        for line in _examples(found):
            click.echo(line)
    old, new = (counted.total() for counted in found.found)
    click.echo(
        f"{old} detections before, {new} after: {len(found.appear)} appear, "
        f"{len(found.disappear)} disappear, {len(found.change)} change"
    )


def _show_counts(found: Differences) -> None:
    from rich.console import Console  # noqa: PLC0415  # programs need no table
    from rich.table import Column, Table  # noqa: PLC0415  # the same
    from rich.text import Text  # noqa: PLC0415  # the same

    numbers = ("before", "after", "appear", "disappear", "change")
    table = Table("rule", *(Column(name, justify="right") for name in numbers))
    for name in _names(found):
        counts = [counted[name] for counted in found.found]
        counts += [sum(each.rule.name == name for each in part) for part in (found.appear, found.disappear)]
        counts.append(sum(each.new.rule.name == name for each in found.change))
        table.add_row(Text(name), *map(str, counts))
    Console().print(table)


def _names(found: Differences) -> list[str]:
    touched = [*found.disappear, *found.appear, *(each.new for each in found.change)]
    return list(dict.fromkeys(detection.rule.name for detection in touched))


def _examples(found: Differences) -> Iterator[str]:
    """The first few of each rule, with the number of the event that ``rules explain`` takes."""
    for sign, part in (("-", found.disappear), ("+", found.appear)):
        yield from (f"{sign} {_line(each)}" for each in _few(part))
    for altered in _few_altered(found.change):
        yield f"~ {_line(altered.old)}"
        yield f"  {_line(altered.new)}   [{', '.join(altered.what)}]"


def _few(part: Sequence[Detection]) -> Iterator[Detection]:
    seen: dict[str, int] = {}
    for each in part:
        seen[each.rule.name] = seen.get(each.rule.name, 0) + 1
        if seen[each.rule.name] <= _EXAMPLES:
            yield each


def _few_altered(part: Sequence[Altered]) -> Iterator[Altered]:
    kept = {each.id for each in _few([altered.new for altered in part])}
    return (altered for altered in part if altered.new.id in kept)


def _line(detection: Detection) -> str:
    rule = detection.rule
    return f"event {detection.events[-1]}: {rule.priority} {rule.name}: {shown(detection.output)}"
