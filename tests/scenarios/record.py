"""Records the scenarios anew, as root: ``python -m tests.scenarios.record``, or those that are named."""

import asyncio
import os
import sys

from rich.console import Console

import rules
from stream.engine import Engine
from tests.scenarios import HERE
from tests.scenarios.attacks import ADMINISTRATION
from tests.scenarios.attacks import ATTACKS as MORE
from tracetide.demo.act import Act
from tracetide.demo.live import play
from tracetide.demo.performance import Performance
from tracetide.demo.recorder import Recorder
from tracetide.demo.scenes import ATTACKS, SCENES
from tracetide.demo.story import Story
from tracetide.live import kernel_source

PLAYS = {scene.name: [scene] for scene in (*ATTACKS, *MORE, ADMINISTRATION)} | {
    "ordinary-work": [scene for scene in SCENES if not scene.rules]
}


class _Plain(Story):
    """Names the scenes, most of which have no number in the demo."""

    def begin(self, act: Act) -> None:
        """A line across the terminal."""
        self.console.rule(act.scene.name)


async def _record(names: list[str]) -> None:
    for name in names or PLAYS:
        scenes = PLAYS[name]
        (HERE / name).mkdir(exist_ok=True)
        recorder = Recorder(HERE / name / "recording.jsonl.zst", os.getpid())
        try:
            await play(
                kernel_source(), Engine(rules.load([])), scenes, Performance(_Plain(Console())), recorder
            )
        finally:
            recorder.close()


asyncio.run(_record(sys.argv[1:]))
