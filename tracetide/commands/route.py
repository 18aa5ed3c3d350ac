"""``tracetide route``: judge a file of routes, explain what becomes of a detection, try who is reached."""

import asyncio
import time
from pathlib import Path

import click
import msgspec

from notify.config import Config
from notify.document import span
from notify.labels import Labels, joined, labels_of
from notify.message import message
from notify.route import Look, looks, matching
from notify.service import SILENCES
from notify.silences import Silences
from tracetide import options
from tracetide.errors import CommandError
from tracetide.notices import described, load_routes, reach, send_trials
from wire import detection as wire_detection
from wire.detection import Detection

FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))


@click.group()
def route() -> None:
    """Judge a file of routes, explain what becomes of a detection, send a message to try it."""


@route.command()
@FILE
@click.option(
    "--reach", "also_reach", is_flag=True, help="Reach every receiver too, without telling anybody."
)
def check(file: Path, also_reach: bool) -> None:
    """Read FILE, say everything that is wrong with it, and run the tests in it."""
    config = load_routes(file)
    click.echo(described(config))
    failed = _try(config)
    found = asyncio.run(reach(config)) if also_reach else []
    for name, problem in found:
        click.echo(f"{'✗' if problem else '✓'} {name}: {problem or 'can be reached'}")
    raise click.exceptions.Exit(1 if failed or any(problem for _, problem in found) else 0)


@route.command()
@FILE
@click.argument("detection", type=click.File("rb"))
@click.option("--text", is_flag=True, help="Show the message too, as plain text.")
@options.notify_state
def explain(file: Path, detection: click.utils.LazyFile, text: bool, state: Path) -> None:
    """Say who is told of DETECTION, a file with one as JSON, and why; - is standard input."""
    config = load_routes(file)
    try:
        found = wire_detection.decode(detection.read())
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CommandError(f"{detection.name} holds no detection: {error}") from error
    owner = config.owners(found)
    labels = labels_of(found, owner.name)
    click.echo(f"{found.rule.name}\n\nowner: {owner.name or 'nobody'}, {owner.reason}")
    for step in owner.steps:
        click.echo(f"  {step}")
    click.echo("\nlabels:")
    for name in labels:
        click.echo(f"  {name}: {joined(labels, name)}")
    click.echo("\nroutes:")
    for look in looks(config.route, labels):
        click.echo(_look(look))
    for chosen in matching(config.route, labels):
        _told(config, labels, chosen.receiver)
    silence = Silences(state / SILENCES).of(labels, time.time())
    if silence is not None:
        click.echo(f"\nbut it is silenced: {silence.id} of {silence.author}, {silence.comment}")
    if text:
        _show(config, found, labels)


@route.command()
@FILE
@click.argument("receivers", nargs=-1)
def test(file: Path, receivers: tuple[str, ...]) -> None:
    """Send a message that is marked as a test by every way of RECEIVERS, or of all: it reaches people."""
    config = load_routes(file)
    unknown = [name for name in receivers if name not in config.receivers]
    if unknown:
        raise click.UsageError(f"there is no receiver {unknown[0]}; there are {', '.join(config.receivers)}")
    found = asyncio.run(send_trials(config, receivers or tuple(config.receivers)))
    for name, problem in found:
        click.echo(f"{'✗' if problem else '✓'} {name}: {problem or 'has taken it'}")
    raise click.exceptions.Exit(1 if any(problem for _, problem in found) else 0)


@route.command()
@options.notify_state
@options.json
def status(state: Path, as_json: bool) -> None:
    """Show what was told, what waits and for how long, and what is told to nobody."""
    from notify.status import status as read  # noqa: PLC0415  # only for this
    from notify.store import StoreError  # noqa: PLC0415  # the same

    try:
        found = read(state, time.time())
    except StoreError as error:
        raise CommandError(str(error)) from error
    if as_json:
        click.echo(msgspec.json.encode(found))
        return
    click.echo(
        f"{found.open} incidents go on; alerts: {found.pending} wait for their message,"
        f" {found.throttled} were told within another's,"
        f" {found.silenced} silenced, {found.inhibited} inhibited, {found.unaddressed} for nobody"
    )
    for way in found.ways:
        waits = f"{way.waiting} wait, the oldest for {way.oldest:,.0f} s" if way.waiting else "none waits"
        click.echo(f"{way.name}: {way.sent} sent, {way.failed} failed, {way.refused} refused, {waits}")


def _try(config: Config) -> int:
    """Run the tests of a file, to which receivers detections with given labels go; how many fail."""
    failed = 0
    for case in config.cases:
        got = tuple(each.receiver for each in matching(config.route, case.labels))
        if sorted(got) != sorted(case.receivers):
            failed += 1
            where = f"{case.place}: {case.name}"
            click.echo(f"{where}: goes to {', '.join(got)}, not {', '.join(case.receivers)}")
    if config.cases:
        click.echo(f"{len(config.cases)} tests, {failed} failed")
    return failed


def _look(look: Look) -> str:
    conditions = " ".join(str(each) for each in look.route.matchers) or "everything"
    verdict = "takes it" if look.chosen else "matches" if look.matches else "does not match"
    return f"  {'  ' * look.depth}{conditions}: {verdict}"


def _told(config: Config, labels: Labels, receiver: str) -> None:
    """To whom, in which group, when."""
    ways = ", ".join(each.name for each in config.receivers[receiver]) or "nobody: it has no ways"
    click.echo(f"\nreceiver {receiver}: {ways}")
    for chosen in matching(config.route, labels):
        if chosen.receiver == receiver:
            group = ", ".join(f"{name}={value}" for name, value in chosen.group(labels).items())
            timing = chosen.timing
            click.echo(f"  one incident for {group or 'everything'}")
            click.echo(
                f"  told after {span(timing.group_wait)}, what is new every {span(timing.group_interval)},"
                f" again after {span(timing.repeat_interval)}, over after {span(timing.close_after)} of quiet"
            )
            for names, word in ((chosen.mute, "put off during"), (chosen.active, "only during")):
                if names:
                    click.echo(f"  {word} {', '.join(names)}")


def _show(config: Config, found: Detection, labels: Labels) -> None:
    from notify.groups import Groups  # noqa: PLC0415  # only to show a message
    from notify.inhibit import Inhibitor  # noqa: PLC0415  # the same
    from notify.render.text import subject, text  # noqa: PLC0415  # the same

    machine, later = Groups(config.route, Inhibitor(())), found.time / 1e9
    machine.add(found, labels, later)
    for group in machine.groups.values():
        group.tick = later
    for one in machine.due(later, lambda _labels, _now: None).notifications[:1]:
        made = message(one, config.owners(found), config.links)
        click.echo(f"\n{'-' * 78}\n{subject(made)}\n\n{text(made)}")
