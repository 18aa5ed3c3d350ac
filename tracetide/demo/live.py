"""Plays the demo: a real attack in a real container, under the eyes of the collector and the engine."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress

from collectors.contract import Source
from stream import local
from stream.engine import Engine
from tracetide.demo.act import Act
from tracetide.demo.errors import ContainerError
from tracetide.demo.performance import Performance
from tracetide.demo.recorder import Recorder
from tracetide.demo.scenes.scene import Scene
from tracetide.demo.stage import Stage, stage
from wire.batch import Batch
from wire.detection import Detection

# How long an attack may stay undetected, and how long to wait for what else is found of it: events travel
# in batches of at most 100 ms.
_PATIENCE = 5.0
_AFTERMATH = 0.5


async def play(
    source: Source,
    engine: Engine,
    scenes: Sequence[Scene],
    performance: Performance,
    recorder: Recorder | None = None,
) -> None:
    """Play ``scenes`` one after the other and note in ``performance`` what is found of each.

    Raises ``ContainerError`` if there can be no container and ``CollectorError`` if the source fails.
    Whatever happens, also when cancelled, nothing of it is left behind.
    """
    try:
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(_watch(source, engine, performance, recorder))
            await performance.changed.wait()
            async with stage() as opened:
                for scene in scenes:
                    await _play(scene, opened, performance)
            await asyncio.sleep(_AFTERMATH)
            watching.cancel()
    except BaseExceptionGroup as group_of_errors:
        raise group_of_errors.exceptions[0] from None


async def _play(scene: Scene, stage: Stage, performance: Performance) -> None:
    act = performance.begin(scene, time.time_ns())
    try:
        seen = await scene.act(stage)
    except (OSError, EOFError) as error:
        raise ContainerError(f"the scene {scene.name} cannot be played: {error}") from error
    performance.see(seen)
    with suppress(TimeoutError):
        async with asyncio.timeout(_PATIENCE):
            await _detected(act, performance)
    await asyncio.sleep(_AFTERMATH)
    performance.end()


async def _detected(act: Act, performance: Performance) -> None:
    while act.scene.rules and not act.caught:
        performance.changed.clear()
        await performance.changed.wait()


async def _watch(source: Source, engine: Engine, performance: Performance, recorder: Recorder | None) -> None:
    async def batches() -> AsyncIterator[Batch]:
        async for batch in source.batches():
            performance.count(batch)
            if recorder:
                recorder.write(batch)
            yield batch

    async def receive(detection: Detection) -> None:
        if _ours(detection):
            performance.find(detection)
        else:
            performance.elsewhere += 1

    await local.run(batches(), engine, receive)


def _ours(detection: Detection) -> bool:
    """Whether the demo's own doing was detected, and not that of somebody else on this host."""
    family = [detection.process, *detection.ancestors]
    return any(process is not None and process.pid == os.getpid() for process in family)
