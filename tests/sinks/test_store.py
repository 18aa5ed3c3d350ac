"""The queue on disk: what was handed over is there after a stop, a kill and a restart, within its bounds."""

import asyncio
import sqlite3
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from sinks.contract import Delivered, Never, Retry, SinkError
from sinks.counters import Counters
from sinks.embedded import delivering
from sinks.runner import Pace
from sinks.store import Store
from tests.sinks.samples import detection, detections
from tests.sinks.scripted import ScriptedSink
from tests.sinks.test_embedded import QUICK, no_grave, received
from tests.sinks.test_runner import answering, hanging
from wire import detection as wire_detection

ROOT = Path(__file__).parent.parent.parent
SINKS = ("scripted",)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the queue is."""
    return tmp_path / "state" / "queue.sqlite"


async def test_what_is_delivered_is_gone(path: Path) -> None:
    """In order, once, and nothing is left for the next run."""
    for numbers in ((1, 2, 3), (4, 5)):
        sink = ScriptedSink()
        async with Store(path, SINKS) as store, delivering([sink], no_grave, QUICK, store) as deliver:
            for number in numbers:
                await deliver(detection(number))
        assert received(sink) == [detection(number).id for number in numbers]


async def test_what_is_delivered_at_a_second_try_is_gone_too(path: Path) -> None:
    """Part of a batch is tried again after the rest has been struck off: nothing is left for the next run."""
    sink = ScriptedSink()
    sink.script.append(answering(Delivered(), Retry("later"), Delivered()))
    async with Store(path, SINKS) as store:
        await store.run(store.add, "scripted", [wire_detection.encode(one) for one in detections(3)])
        async with delivering([sink], no_grave, QUICK, store):
            pass
    assert sink.calls == [[detection(number).id for number in (1, 2, 3)], [detection(2).id]]
    async with Store(path, SINKS) as store:
        assert await store.run(store.waiting, "scripted") == 0


async def test_a_stop_leaves_for_the_next_run_what_was_not_delivered(path: Path) -> None:
    """The destination is down: a stop waits for the grace time, the next run delivers."""
    down, up = ScriptedSink(), ScriptedSink()
    down.script.extend([hanging] * 100)

    async def work() -> None:
        async with Store(path, SINKS) as store, delivering([down], no_grave, QUICK, store) as deliver:
            for found in detections(700):
                await deliver(found)
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError, match="stopped"):
        await asyncio.wait_for(work(), 5)
    async with Store(path, SINKS) as store, delivering([up], no_grave, QUICK, store):
        pass
    assert received(up) == [found.id for found in detections(700)]


PROGRAM = """
import asyncio, sys
from pathlib import Path
from sinks.embedded import delivering
from sinks.store import Store
from tests.sinks.samples import detection
from tests.sinks.scripted import ScriptedSink

class Down(ScriptedSink):
    async def deliver(self, detections):
        await asyncio.sleep(3600)

async def main():
    async with Store(Path(sys.argv[1]), ("scripted",)) as store:
        async with delivering([Down()], None, store=store) as deliver:
            for number in range(1, 100_000):
                await deliver(detection(number))
                if number % 100 == 0:
                    await asyncio.sleep(0.005)

asyncio.run(main())
"""


def stored(path: Path) -> list[str]:
    """The ids in the file, seen by another process."""
    with sqlite3.connect(path) as database:
        rows = database.execute("SELECT detection FROM waiting ORDER BY number").fetchall()
    database.close()
    return [wire_detection.decode(body).id for (body,) in rows]


async def test_a_kill_loses_nothing_that_was_on_disk(path: Path) -> None:
    """Killed while it writes, the file is whole: a run of detections without a gap, delivered by the next."""
    command = [sys.executable, "-c", PROGRAM, str(path)]
    seen = await asyncio.to_thread(_killed_while_writing, command, path)
    sink = ScriptedSink()
    async with Store(path, SINKS) as store, delivering([sink], no_grave, QUICK, store):
        pass
    assert received(sink)[: len(seen)] == seen
    assert received(sink) == [found.id for found in detections(len(received(sink)))]


def _killed_while_writing(command: list[str], path: Path) -> list[str]:
    """What was in the file at some moment before the kill."""
    with subprocess.Popen(command, env={"PYTHONPATH": str(ROOT)}) as process:
        seen: list[str] = []
        try:
            while len(seen) < 1000:
                time.sleep(0.05)
                with suppress(sqlite3.OperationalError):  # it has no tables yet
                    seen = stored(path) if path.exists() else []
        finally:
            process.kill()
    return seen


async def test_a_full_queue_sheds_what_comes_and_counts_it(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What is in the queue stays; what finds no room is counted, and said once."""
    sink = ScriptedSink()
    sink.script.extend([hanging] * 1000)
    async with Store(path, SINKS, size=5) as store:
        counters = Counters()
        queue = store.queue("scripted", counters)
        for found in detections(8):
            await queue.put(found)
        await queue.keep()
        assert [found.id for found in detections(5)] == stored(path)
        assert counters.shed == 3
        taken = await queue.take(2, 0)
        assert taken is not None
        for item in taken:
            item.settle()
        await queue.commit()
        await queue.put(detection(9))
        await queue.keep()
        assert (counters.shed, len(stored(path))) == (3, 4)
    assert caplog.text.count("there is no room") == 1


async def test_what_is_refused_is_a_dead_letter_in_the_file(path: Path) -> None:
    """With the sink, the reason, the attempts and the detection itself."""
    sink = ScriptedSink()
    sink.script.extend([answering(Retry("busy")), answering(Never("odd"))])
    async with Store(path, SINKS) as store:
        async with delivering([sink], no_grave, QUICK, store) as deliver:
            await deliver(detection())
        ((_, name, reason, attempts, first, last, body),) = await store.run(store.dead)
    assert (name, reason, attempts) == ("scripted", "odd", 2)
    assert first <= last
    assert wire_detection.decode(body) == detection()


async def test_there_is_room_for_so_many_dead_letters_only(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One more is counted as shed; it does not block what comes after it."""
    monkeypatch.setattr("sinks.store.DEAD", 2)
    sink = ScriptedSink()
    sink.script.append(answering(*[Never("odd")] * 3, Delivered()))
    async with Store(path, SINKS) as store:
        for found in detections(4):
            store_queue = store.queue("scripted", Counters())
            await store_queue.put(found)
            await store_queue.keep()
        async with delivering([sink], no_grave, Pace(age=0.1), store) as deliver:
            pass
        assert len(await store.run(store.dead)) == 2
    assert (deliver.runners[0].counters.shed, deliver.runners[0].counters.delivered) == (1, 1)


async def test_a_file_that_another_process_uses_is_said(path: Path) -> None:
    """Two that deliver from one file would deliver everything twice."""
    async with Store(path, SINKS):
        with pytest.raises(SinkError, match="in use by another process"):
            await Store(path, SINKS).__aenter__()


async def _opened(path: Path) -> None:
    async with Store(path, SINKS):
        pass


def test_a_damaged_file_is_said(path: Path) -> None:
    """A sentence with the file and what to do; the file is left as it is."""
    path.parent.mkdir()
    path.write_bytes(b"no database" * 1000)
    with pytest.raises(SinkError, match=r"queue\.sqlite cannot be used .* move this one away"):
        asyncio.run(_opened(path))
    assert path.read_bytes() == b"no database" * 1000


def test_only_the_owner_reads_the_file(path: Path) -> None:
    """Detections hold what people typed."""
    asyncio.run(_opened(path))
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


async def test_what_no_json_can_be_made_of_is_counted(path: Path) -> None:
    """It can neither be kept nor delivered; the next one is."""
    deep: dict[str, object] = {}
    for _ in range(300):
        deep = {"a": deep}
    async with Store(path, SINKS) as store:
        queue = store.queue("scripted", counters := Counters())
        await queue.put(detection(1, event=deep))
        await queue.put(detection(2))
        await queue.keep()
    assert counters.dead == 1
    assert stored(path) == [detection(2).id]
