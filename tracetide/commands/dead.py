"""``tracetide dead``: what was refused for good: see it, understand it, and deliver it after all."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import msgspec

from sinks import open_sink
from sinks.contract import Delivered, Duplicate, Never, Outcome, Sink, SinkError
from sinks.letters import Letter, Letters, StoredLetters, in_kafka
from sinks.store import Store
from tracetide import options
from tracetide.errors import CommandError
from wire import batch as wire_batch
from wire import detection as wire_detection
from wire.batch import BatchError

# How long a destination may take for one detection, in seconds.
_PATIENCE = 120.0

_PLACE: Sequence[options.Decorator] = [
    click.option(
        "--kafka",
        metavar="HOST:PORT[,…]",
        envvar="TRACETIDE_KAFKA",
        show_envvar=True,
        help="Those of a fleet.",
    ),
    options.queue,
    click.option("--sink", help="Only what this sink refused."),
]


def place(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say where dead letters are."""
    for option in reversed(_PLACE):
        command = option(command)
    return command


@click.group()
def dead() -> None:
    """Show what was refused for good, and deliver it after all.

    With --kafka the dead letters of a fleet, otherwise those of `tracetide run` on this host.
    """


@dead.command(name="list")
@place
@options.json
def list_(kafka: str | None, queue: Path, sink: str | None, as_json: bool) -> None:
    """Show the dead letters that nobody has dealt with, the oldest first."""

    async def work(letters: Letters) -> None:
        found = await _chosen(letters, (), sink)
        if as_json:
            click.echo(json.dumps([asdict(letter) for letter in found], indent=1))
            return
        for letter in found:
            click.echo(
                f"{letter.id}\t{_clock(letter.last)}\t{letter.stage}\t{letter.size} bytes\t{letter.reason}"
            )
        click.echo(f"{len(found)} dead letters", err=True)

    _with_letters(kafka, queue, work)


@dead.command()
@click.argument("letter")
@place
def show(letter: str, kafka: str | None, queue: Path, sink: str | None) -> None:
    """Show one dead letter, named as `list` does, with all that is known of it."""

    async def work(letters: Letters) -> None:
        (found,) = await _chosen(letters, (letter,), sink)
        content = await letters.content(found)
        click.echo(f"stage     {found.stage}")
        click.echo(f"reason    {found.reason}")
        click.echo(f"attempts  {found.attempts}, from {_clock(found.first)} to {_clock(found.last)}")
        click.echo(f"origin    {found.origin}")
        click.echo(_readable(content))

    _with_letters(kafka, queue, work)


@dead.command()
@click.argument("letters", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that `list` shows.")
@place
def replay(
    letters: tuple[str, ...], everything: bool, kafka: str | None, queue: Path, sink: str | None
) -> None:
    """Try LETTERS again, and say what became of each.

    What a sink refused is delivered to that sink alone; a record that the stream refused goes back to the
    topic of events. Exit code 1 if one of them stays a dead letter.
    """
    if bool(letters) == everything:
        raise click.UsageError("name letters, or use --all")

    async def work(kept: Letters) -> None:
        chosen = await _chosen(kept, letters, sink)
        async with _sinks() as opened:
            said = [(letter, *await _again(kept, letter, opened)) for letter in chosen]
        for letter, _, outcome in said:
            click.echo(f"{letter.id}\t{letter.stage}\t{outcome}")
        done = sum(gone for _, gone, _ in said)
        click.echo(f"{done} of {len(said)} dealt with", err=True)
        if done < len(said):
            raise click.exceptions.Exit(1)

    _with_letters(kafka, queue, work)


def _with_letters(kafka: str | None, queue: Path, work: Callable[[Letters], Awaitable[None]]) -> None:
    if not kafka and not queue.exists():
        raise CommandError(f"there is no queue {queue} on this host; --kafka names those of a fleet")

    async def opened() -> None:
        if kafka:
            async with in_kafka(kafka) as letters:
                await work(letters)
            return
        async with Store(queue, ()) as store:
            await work(StoredLetters(store))

    asyncio.run(opened())


async def _chosen(letters: Letters, names: Sequence[str], sink: str | None) -> list[Letter]:
    """The letters of these names, all if there are none; only those of ``sink`` if that is given."""
    found = [letter for letter in await letters.open() if sink in (None, letter.sink)]
    missing = set(names) - {letter.id for letter in found}
    if missing:
        raise CommandError(
            f"no dead letter {', '.join(sorted(missing))}; `tracetide dead list` shows those there are"
        )
    return [letter for letter in found if not names or letter.id in names]


@asynccontextmanager
async def _sinks() -> AsyncIterator[Callable[[str], Sink]]:
    """Opens sinks by name, each once, and closes them."""
    opened: dict[str, Sink] = {}

    def opening(name: str) -> Sink:
        if name not in opened:
            opened[name] = open_sink(name)
        return opened[name]

    try:
        yield opening
    finally:
        for sink in opened.values():
            await sink.close()


async def _again(letters: Letters, letter: Letter, sinks: Callable[[str], Sink]) -> tuple[bool, str]:
    """Whether the letter has been dealt with now, and what happened."""
    content = await letters.content(letter) or b""
    if letter.sink:
        gone, said = await _deliver(sinks(letter.sink), content)
    else:
        gone, said = await _give_back(letters, letter, content)
    if gone:
        await letters.close(letter, said)
    return gone, said


async def _deliver(sink: Sink, content: bytes) -> tuple[bool, str]:
    try:
        detection = wire_detection.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return False, f"stays: not a detection: {error}"
    try:
        async with asyncio.timeout(_PATIENCE):
            (outcome,) = await sink.deliver([detection])
    except TimeoutError:
        return False, f"stays: no answer from {sink.name} within {_PATIENCE:.0f} s"
    return _told(sink.name, outcome)


def _told(sink: str, outcome: Outcome) -> tuple[bool, str]:
    match outcome:
        case Delivered():
            return True, f"delivered to {sink}"
        case Duplicate():
            return True, f"{sink} had it already"
        case Never(reason):
            return False, f"stays: {sink} refuses it again: {reason}"
        case retry:
            return False, f"stays: {sink} does not take it now: {retry.reason}"


async def _give_back(letters: Letters, letter: Letter, content: bytes) -> tuple[bool, str]:
    """Only what this version understands: the rest would come back at once."""
    try:
        wire_batch.decode(content)
    except BatchError as error:
        return False, f"stays: {error}"
    try:
        await letters.give_back(letter)
    except SinkError as error:
        return False, f"stays: {error}"
    return True, f"sent back to where it came from, {letter.origin.rpartition(':')[0]}"


def _readable(content: bytes | None) -> str:
    if content is None:
        return "(a record without a value)"
    try:
        return json.dumps(json.loads(content), indent=1, ensure_ascii=True)
    except (ValueError, RecursionError):
        return ascii(content)


def _clock(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}" if seconds else "unknown"
