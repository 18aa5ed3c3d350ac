"""Shows the recorded demo: the same events through the same engine."""

from collections.abc import AsyncIterator
from pathlib import Path

from collectors.recording import RecordingSource
from stream import local
from stream.engine import Engine
from tracetide.demo.performance import Performance
from tracetide.demo.recorder import Cue, cues
from tracetide.demo.scenes import SCENES
from wire.batch import Batch
from wire.detection import Detection

RECORDING = Path(__file__).with_name("recording.jsonl.zst")

_BY_NAME = {scene.name: scene for scene in SCENES}


async def replay(recording: Path, engine: Engine, performance: Performance) -> None:
    """Find again what is in ``recording``, and note it in ``performance`` scene by scene."""
    waiting = cues(recording)
    end = 2**63

    def advance(now: int) -> None:
        """Change scenes up to the one that was on at ``now``."""
        while waiting and waiting[0].start <= now:
            _next(waiting.pop(0), performance)

    async def batches() -> AsyncIterator[Batch]:
        async for batch in RecordingSource(recording).batches():
            performance.count(batch)
            yield batch

    async def receive(detection: Detection) -> None:
        advance(detection.time)
        performance.find(detection)

    await local.run(batches(), engine, receive)
    advance(end)
    performance.end()


def _next(cue: Cue, performance: Performance) -> None:
    if performance.acts:
        performance.end()
    performance.begin(_BY_NAME[cue.scene], cue.start)
    performance.see(cue.seen)
