"""Batches that wait: in order, bounded, kept over a restart, and never shed unseen."""

import asyncio
import itertools
import shutil
from pathlib import Path

from collectors.backlog import Backlog
from tests.events import batch, execute, leave, open_file
from wire.batch import Batch
from wire.event import Exec, Loss


def some(number: int, first: int = 0) -> list[Batch]:
    """Batches of an exec, three opens and an exit."""
    return [
        batch(
            execute(seq, 10, "cat", f"file{seq}" * 20),
            *(open_file(seq + more, 10, f"/srv/{seq}/{more}" * 30) for more in (1, 2, 3)),
            leave(seq + 4, 10),
        )
        for seq in range(5 * first + 1, 5 * (first + number) + 1, 5)
    ]


async def drained(backlog: Backlog, at_most: int | None = None) -> list[Batch]:
    """What the reader gets, up to a number of batches."""
    found: list[Batch] = []
    async for each in backlog.batches():
        if len(found) == at_most:
            break
        found.append(each)
    return found


def files(folder: Path) -> list[Path]:
    """What lies in the folder."""
    return sorted(folder.iterdir())


def whole(batches: list[Batch]) -> bool:
    """Whether the ranges of sequence numbers follow each other without a gap."""
    return all(after.first == before.last + 1 for before, after in itertools.pairwise(batches))


def counted(batches: list[Batch]) -> int:
    """Events that arrived or are counted in a loss."""
    events = [event for each in batches for event in each.events]
    return sum(sum(event.counts.values()) if isinstance(event, Loss) else 1 for event in events)


async def test_order(tmp_path: Path) -> None:
    """Through memory and files everything comes out as it went in, and no file remains."""
    backlog = Backlog(tmp_path, memory=3)
    batches = some(50)
    for each in batches:
        backlog.put(each)
    assert len(files(tmp_path)) == 1
    backlog.close()
    assert await drained(backlog) == batches
    assert files(tmp_path) == []


async def test_goes_on_while_it_is_read(tmp_path: Path) -> None:
    """A writer and a reader at the same time: in order, through several changes between memory and files."""
    backlog = Backlog(tmp_path, memory=2)
    batches = some(200)

    async def write() -> None:
        for number, each in enumerate(batches):
            backlog.put(each)
            if number % 7 == 0:
                await asyncio.sleep(0)
        backlog.close()

    writing = asyncio.create_task(write())
    found = []
    async for each in backlog.batches():
        found.append(each)
        if len(found) % 3 == 0:
            await asyncio.sleep(0)
    await writing
    assert found == batches
    assert files(tmp_path) == []


async def test_kept_for_the_next_run(tmp_path: Path) -> None:
    """What was not delivered at the end of a run comes first in the next one, before anything new."""
    batches = some(40)
    first = Backlog(tmp_path, memory=5)
    for each in batches[:20]:
        first.put(each)
    delivered = await drained(first, 2)
    first.keep()
    second = Backlog(tmp_path, memory=5)
    for each in batches[20:]:
        second.put(each)
    second.close()
    assert delivered + await drained(second) == batches
    assert files(tmp_path) == []


async def test_killed(tmp_path: Path) -> None:
    """Without a farewell, what was written to files is there; what was in memory is a visible gap."""
    batches = some(30)
    first = Backlog(tmp_path / "first", memory=5)
    for each in batches:
        first.put(each)
    shutil.copytree(tmp_path / "first", tmp_path / "second")
    first.keep()
    second = Backlog(tmp_path / "second", memory=5)
    second.close()
    assert await drained(second) == batches[5:]


async def test_sheds_opens_first(tmp_path: Path) -> None:
    """When space runs out opens go first, then the rest; every event is delivered or counted in its place."""
    backlog = Backlog(tmp_path, limit=20_000, memory=2)
    batches = some(400)
    for each in batches:
        backlog.put(each)
    backlog.close()
    found = await drained(backlog)
    assert whole(found)
    assert (found[0].first, found[-1].last) == (1, 2000)
    assert counted(found) == 2000
    assert backlog.shed["openat"] > backlog.shed["execve"] > 0
    lossy = [each for each in found if any(isinstance(event, Loss) for event in each.events)]
    assert any(isinstance(event, Exec) for each in lossy for event in each.events)
    assert files(tmp_path) == []


async def test_memory_only() -> None:
    """Without a folder what does not fit is shed and counted, and delivery goes on afterwards."""
    backlog = Backlog(memory=3)
    for each in some(10):
        backlog.put(each)
    reading = backlog.batches()
    found = [await anext(reading) for _ in range(3)]
    backlog.put(some(1, 10)[0])
    backlog.close()
    found += [each async for each in reading]
    assert whole(found)
    assert counted(found) == 55
    assert backlog.shed.total() == 35


async def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """Where no file can be made, events are shed and counted, and what is in memory arrives."""
    (tmp_path / "file").write_text("in the way")
    backlog = Backlog(tmp_path / "file" / "spill", memory=2)
    for each in some(6):
        backlog.put(each)
    backlog.close()
    found = await drained(backlog)
    assert whole(found)
    assert counted(found) == 30
    assert backlog.shed.total() == 20


async def test_damaged_file(tmp_path: Path) -> None:
    """A file that a crash has cut off gives what is readable, and what follows it arrives."""
    batches = some(30)
    first = Backlog(tmp_path, memory=0)
    for each in batches[:20]:
        first.put(each)
    first.keep()
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes()[:-200])
    second = Backlog(tmp_path, memory=0)
    for each in batches[20:]:
        second.put(each)
    second.close()
    found = await drained(second)
    assert found == [*batches[: len(found) - 10], *batches[20:]]
    assert 10 < len(found) < 30
