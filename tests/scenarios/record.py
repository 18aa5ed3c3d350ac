"""Records the scenarios that come from the demo anew, as root: ``python -m tests.scenarios.record``."""

import asyncio
import os

from rich.console import Console

import rules
from stream.engine import Engine
from tests.scenarios import HERE
from tracetide.demo.live import play
from tracetide.demo.performance import Performance
from tracetide.demo.recorder import Recorder
from tracetide.demo.scenes import ATTACKS, SCENES
from tracetide.demo.story import Story
from tracetide.live import kernel_source

PLAYS = {scene.name: [scene] for scene in ATTACKS} | {
    "ordinary-work": [scene for scene in SCENES if not scene.rules]
}


async def _record() -> None:
    for name, scenes in PLAYS.items():
        (HERE / name).mkdir(exist_ok=True)
        recorder = Recorder(HERE / name / "recording.jsonl.zst", os.getpid())
        try:
            await play(
                kernel_source(), Engine(rules.load([])), scenes, Performance(Story(Console())), recorder
            )
        finally:
            recorder.close()


asyncio.run(_record())
