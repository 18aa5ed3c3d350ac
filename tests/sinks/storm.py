"""A queue full of detections, and a process that delivers it and is killed at random."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from random import Random

from sinks.store import Store
from tests.sinks.samples import BOOT, RULE, detection
from wire import detection as wire_detection
from wire.detection import detection_id

ROOT = Path(__file__).parent.parent.parent
ROUNDS = int(os.environ.get("TRACETIDE_FAULT_ROUNDS", "3"))
SEED = int(os.environ.get("TRACETIDE_FAULT_SEED", "20261125"))

# What `tracetide run` does with its queue, without a kernel to watch; ends when nothing waits.
PROGRAM = """
import asyncio, sys
from pathlib import Path
from sinks import open_sink
from sinks.embedded import delivering
from sinks.runner import Pace
from sinks.store import Store

async def main(path, name, batch):
    sink = open_sink(name)
    pace = Pace(count=int(batch), age=0.05, first_wait=0.05, longest_wait=0.3, timeout=20)
    async with Store(path, [name]) as store:
        async with delivering([sink], None, pace, store) as deliver:
            print("started", flush=True)
    await sink.close()
    print(deliver.runners[0].counters)

asyncio.run(main(Path(sys.argv[1]), *sys.argv[2:]))
"""


@dataclass(frozen=True, slots=True)
class Storm:
    """``count`` detections for ``sink`` in the queue at ``path``; ``batch`` of them go out at a time.

    ``rounds`` times the process that delivers them is killed, at most ``longest`` seconds after it began.
    """

    path: Path
    sink: str
    count: int
    batch: int = 100
    rounds: int = ROUNDS
    longest: float = 0.8
    seed: int = SEED

    def ids(self) -> set[str]:
        """What was sent."""
        return {detection_id(RULE.name, BOOT, [number]) for number in range(1, self.count + 1)}

    async def rage(self, settings: Mapping[str, str]) -> int:
        """Fill the queue, start and kill, and let the last process finish; how many kills hit.

        Raises:
            AssertionError: something was refused for good.
        """
        async with Store(self.path, ()) as store:
            bodies = (wire_detection.encode(detection(number)) for number in range(1, self.count + 1))
            await store.run(store.add, self.sink, bodies)
        random, hits = Random(self.seed), 0  # noqa: S311  # the same every time is wanted
        for number in range(self.rounds + 1):
            last = number == self.rounds
            wait = None if last else random.uniform(0.05, self.longest)
            code = await asyncio.to_thread(self._run, settings, wait)
            hits += code != 0
            assert not last or code == 0, f"the last process ended with {code}"
        async with Store(self.path, ()) as store:
            dead, waiting = await store.run(store.dead), await store.run(store.waiting, self.sink)
        assert (dead, waiting) == ([], 0), f"{waiting} wait, {[reason for _, _, reason, *_ in dead]}"
        return hits

    def _run(self, settings: Mapping[str, str], wait: float | None) -> int:
        """Its exit code; killed ``wait`` seconds after it began to deliver."""
        environment = {**os.environ, **settings, "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-c", PROGRAM, str(self.path), self.sink, str(self.batch)]
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"started\n"
            if wait is not None:
                time.sleep(wait)
                process.kill()
            return process.wait(1800)
