"""``tracetide replay``: a recording through the engine again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from collectors.recording import RecordingSource
from stream.engine import Counters, Engine
from tracetide import options
from tracetide.loading import load_rules
from tracetide.summary import summary
from wire import detection as wire_detection
from wire.detection import Detection

Show = Callable[[Detection], None]
Progress = Callable[[Counters], None]

# Batches between two changes of the line that shows progress.
_STRIDE = 50


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@options.rules
@options.library
@options.matching
@options.json
def replay(
    file: Path, rule_paths: tuple[Path, ...], library: bool, matching: options.Matching, as_json: bool
) -> None:
    """Run the recording FILE through the engine and show what the rules find in it.

    Exit code 1 if the file is damaged; everything before the damage is processed.
    """
    source = RecordingSource(file)
    engine = Engine(load_rules(rule_paths, library=library, matching=matching))
    try:
        with (_for_programs if as_json else _for_people)() as (show, progress):
            for number, batch in enumerate(source.read()):
                for detection in engine.process(batch):
                    show(detection)
                if number % _STRIDE == 0:
                    progress(engine.counters)
    finally:
        click.echo(summary(engine.counters, source.bad), err=True)


@contextmanager
def _for_programs() -> Iterator[tuple[Show, Progress]]:
    yield lambda detection: click.echo(wire_detection.encode(detection)), lambda _: None


@contextmanager
def _for_people() -> Iterator[tuple[Show, Progress]]:
    from rich.console import Console  # noqa: PLC0415  # programs need no colours

    from sinks.console import Block, progress  # noqa: PLC0415  # the same

    console = Console()
    with progress(console, "reading") as change:
        yield (
            lambda detection: console.print(Block(detection)),
            lambda counters: change(f"{counters.events:,} events"),
        )
