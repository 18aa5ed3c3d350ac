"""Shows the demo from the first line to the last: live where this host allows it, else from a recording."""

import asyncio
import os
import time
from pathlib import Path

from rich.console import Console

import rules
from collectors.contract import CollectorError
from sinks.console import progress
from stream.engine import Engine
from tracetide.demo.again import RECORDING, replay
from tracetide.demo.container import runtime
from tracetide.demo.errors import ContainerError
from tracetide.demo.image import busybox
from tracetide.demo.live import play
from tracetide.demo.performance import Performance
from tracetide.demo.recorder import Recorder, write_cues
from tracetide.demo.scenes import SCENES
from tracetide.demo.story import Story
from tracetide.errors import CommandError
from tracetide.live import kernel_source, until_stopped

_STOPPED = 130


def show(console: Console, record: Path | None = None) -> int:
    """Show the demo, live if this host allows it; the exit code, 0 if all was found and nothing else.

    ``record`` is where to keep a new recording; then there is no falling back to the old one.
    """
    began = time.monotonic()
    story = Story(console)
    finished: list[Performance] = []

    async def perform() -> None:
        finished.append(await _live_or_again(story, record))

    with progress(console, "getting ready") as story.progress:
        asyncio.run(until_stopped(perform()))
    if not finished:
        console.print("Stopped. Nothing is left behind.")
        return _STOPPED
    finished[0].close(time.monotonic() - began)
    return 0 if finished[0].good else 1


async def _live_or_again(story: Story, record: Path | None) -> Performance:
    engine = Engine(rules.load([]))
    performance = Performance(story)
    try:
        await _live(engine, performance, record)
    except (ContainerError, CommandError, CollectorError) as reason:
        if record or performance.acts:
            raise CommandError(f"the demo breaks off: {reason}") from reason
        story.open(f"This is a recording, played back through the same engine, because {reason}.")
        performance = Performance(story)
        await replay(RECORDING, Engine(engine.rules), performance)
    return performance


async def _live(engine: Engine, performance: Performance, record: Path | None) -> None:
    """Play it here and now; raises if that cannot be, before anything was shown or started."""
    source = kernel_source(engine.rules.matchers)
    busybox(), runtime()
    recorder = Recorder(record, os.getpid()) if record else None
    performance.story.open("A harmless attack on a web shop in a real container, watched through eBPF.")
    try:
        await play(source, engine, SCENES, performance, recorder)
    finally:
        if record and recorder:
            recorder.close()
            write_cues(record, performance.acts)
