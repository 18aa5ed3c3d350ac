"""``tracetide silence``: who does not want to be told of what, until when, and why."""

import getpass
import json
import time
from datetime import UTC, datetime
from pathlib import Path

import click
import msgspec

from notify.document import duration, span
from notify.service import SILENCES
from notify.silences import Silence, SilenceError, Silences, make
from tracetide import options
from tracetide.errors import CommandError


@click.group()
def silence() -> None:
    """Be told nothing of what is known to be harmless, for a while and with a reason."""


@silence.command()
@click.argument("matchers", nargs=-1, required=True)
@click.option("--for", "lasting", metavar="DURATION", required=True, help="How long, such as 2h or 3d.")
@click.option("--comment", required=True, help="Why.")
@click.option("--author", default=getpass.getuser, show_default="you", help="Who.")
@options.notify_state
def add(matchers: tuple[str, ...], lasting: str, comment: str, author: str, state: Path) -> None:
    """Silence detections for which all MATCHERS hold, such as 'rule="Shell in container"' host=node-1."""
    seconds = duration(lasting)
    if seconds is None:
        raise click.UsageError(f"'{lasting}' is no duration; write 30m, 2h or 3d")
    try:
        made = make(matchers, starts=time.time(), seconds=seconds, author=author, comment=comment)
        Silences(state / SILENCES).add(made)
    except SilenceError as error:
        raise CommandError(str(error)) from error
    click.echo(made.id)


@silence.command(name="list")
@click.option("--all", "everything", is_flag=True, help="Those too that are over.")
@options.notify_state
@options.json
def list_(everything: bool, state: Path, as_json: bool) -> None:
    """Show the silences that hold."""
    now = time.time()
    try:
        found = [each for each in Silences(state / SILENCES).all() if everything or each.ends > now]
    except SilenceError as error:
        raise CommandError(str(error)) from error
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found), indent=1))
        return
    for each in found:
        click.echo(f"{each.id}  {_when(each, now)}  {each.author}: {each.comment}")
        click.echo(f"          {' '.join(each.matchers)}")
    if not found:
        click.echo("nothing is silenced")


@silence.command()
@click.argument("name", metavar="ID")
@options.notify_state
def expire(name: str, state: Path) -> None:
    """End the silence ID now."""
    try:
        Silences(state / SILENCES).expire(name, time.time())
    except SilenceError as error:
        raise CommandError(str(error)) from error


def _when(each: Silence, now: float) -> str:
    until = f"{datetime.fromtimestamp(each.ends, UTC):%Y-%m-%d %H:%M} UTC"
    return f"until {until} ({span(each.ends - now)} more)" if each.ends > now else f"over since {until}"
