"""Rules that change while a local engine reads a recording: real files, real batches, one process tree."""

import asyncio
import logging
import os
import pty
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from collectors.recording import RecordingSource, RecordingWriter
from rules import RuleSet
from stream import local
from stream.engine import Engine
from stream.worker import Worker
from tests.events import batch, execute, open_file
from tests.rules.files import rule
from tracetide.live import until_stopped
from tracetide.reloading import RuleFiles
from wire.batch import Batch
from wire.detection import Detection

PATIENCE = 20.0

FIRST = rule("evt.type=openat and fd.name=/first", "First")
SECOND = rule("evt.type=openat and proc.cmdline startswith 'cat' and fd.name=/second", "Second")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one rule file."""
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "a.yaml").write_text(FIRST)
    return tmp_path / "rules"


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A program starts; later it opens two files, twice."""
    path = tmp_path / "r.jsonl.zst"
    with RecordingWriter(path) as writer:
        writer.write(
            batch(execute(1, 10, "cat", "x"), open_file(2, 10, "/first"), open_file(3, 10, "/second"))
        )
        writer.write(batch(open_file(4, 10, "/first"), open_file(5, 10, "/second")))
    return path


def files_in(folder: Path) -> RuleFiles:
    """The rules of a folder alone, looked at often."""
    return RuleFiles([folder], library=False, matching="all", interval=0.05)


async def replay(
    recording: Path, files: RuleFiles, change: Callable[[], object], *, taken: bool = True
) -> list[str]:
    """What a local engine finds: between the two batches something happens to the files, and time passes."""
    engine = Engine(files.rules)
    found: list[str] = []
    adopted = asyncio.Event()

    async def adopt(rules: RuleSet) -> None:
        engine.rules = rules
        adopted.set()

    async def batches() -> AsyncIterator[Batch]:
        first, second = RecordingSource(recording).read()
        yield first
        change()
        if taken:
            await asyncio.wait_for(adopted.wait(), PATIENCE)
        else:
            await asyncio.sleep(0.5)
        yield second

    async def receive(detection: Detection) -> None:
        found.append(f"{detection.rule.name} {detection.events[0]}")

    async with files.followed(adopt):
        await local.run(batches(), engine, receive)
    assert taken is adopted.is_set()
    return found


async def until(holds: Callable[[], object]) -> None:
    """Wait for something that nobody announces."""
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110  # the same
            await asyncio.sleep(0.02)


async def test_a_new_file_is_taken_over_and_the_process_tree_stays(
    recording: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The new rule knows what the process executed before the rule was there; the log says what changed."""
    found = await replay(recording, files_in(folder), lambda: (folder / "b.yaml").write_text(SECOND))
    assert found == ["First 2", "First 4", "Second 5"]
    assert "rules were loaded again: 1 added (Second)" in caplog.text


async def test_a_changed_file_and_one_that_is_gone(
    recording: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A rule that is not there any more finds nothing; one that changed finds the other thing."""
    (folder / "b.yaml").write_text(SECOND)

    def change() -> None:
        (folder / "b.yaml").unlink()
        (folder / "a.yaml").write_text(FIRST.replace("/first", "/second"))

    assert await replay(recording, files_in(folder), change) == ["First 2", "Second 3", "First 5"]
    assert "1 removed (Second); 1 changed (First)" in caplog.text


async def test_a_file_that_is_replaced_is_seen_by_its_inode(recording: Path, folder: Path) -> None:
    """As editors and configuration managers do it, here with the same size and time of change."""
    old = folder / "a.yaml"

    def change() -> None:
        facts = old.stat()
        new = folder / "a.tmp"
        new.write_text(FIRST.replace("/first", "/secon"))
        os.utime(new, ns=(facts.st_atime_ns, facts.st_mtime_ns))
        assert new.stat().st_size == facts.st_size
        new.replace(old)

    assert await replay(recording, files_in(folder), change) == ["First 2"]


async def test_a_folder_behind_a_link_that_is_turned(recording: Path, tmp_path: Path) -> None:
    """As a mounted ConfigMap changes: the files stay links, and what they lead to becomes another."""
    for number, text in enumerate((FIRST, SECOND)):
        (tmp_path / f"..{number}").mkdir()
        (tmp_path / f"..{number}" / "r.yaml").write_text(text)
    (tmp_path / "mine").mkdir()
    data = tmp_path / "mine" / "..data"
    data.symlink_to(tmp_path / "..0")
    (tmp_path / "mine" / "r.yaml").symlink_to("..data/r.yaml")

    def change() -> None:
        (tmp_path / "turned").symlink_to(tmp_path / "..1")
        (tmp_path / "turned").replace(data)

    assert await replay(recording, files_in(tmp_path / "mine"), change) == ["First 2", "Second 5"]


@pytest.mark.parametrize("broken", ["- rule: [", rule("evt.type=openat and fd.nam=/x", "Bad")])
async def test_broken_rules_are_refused(
    recording: Path, folder: Path, caplog: pytest.LogCaptureFixture, broken: str
) -> None:
    """The errors are in the log with their place, and the rules before stay in use."""
    found = await replay(
        recording, files_in(folder), lambda: (folder / "b.yaml").write_text(broken), taken=False
    )
    assert found == ["First 2", "First 4"]
    assert "the new rules cannot be used, those before stay in use" in caplog.text
    assert f"{folder}/b.yaml:" in caplog.text


async def test_what_was_broken_can_be_mended(recording: Path, folder: Path) -> None:
    """The next change is looked at again."""
    files = files_in(folder)
    await replay(recording, files, lambda: (folder / "b.yaml").write_text("- rule: ["), taken=False)
    found = await replay(recording, files, lambda: (folder / "b.yaml").write_text(SECOND))
    assert found == ["First 2", "First 4", "Second 5"]


async def test_a_file_that_vanishes_is_refused(
    recording: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody is left without rules because a file is gone for a moment."""
    single = folder / "a.yaml"
    assert await replay(recording, files_in(single), single.unlink, taken=False) == ["First 2", "First 4"]
    assert "cannot be read" in caplog.text


async def test_asked_for_without_a_change(
    recording: Path, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Then everything is read again, and the log says that nothing differs."""
    files = files_in(folder)
    assert await replay(recording, files, files.ask) == ["First 2", "First 4"]
    assert "rules were loaded again: nothing" in caplog.text


async def test_a_failure_of_ours_does_not_stop_the_work(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """If rules cannot be handed over, the next ones are tried all the same."""
    files = files_in(folder)
    handed: list[int] = []
    done = asyncio.Event()

    async def adopt(rules: RuleSet) -> None:
        handed.append(len(rules.rules))
        if len(handed) == 1:
            raise RuntimeError("not now")
        done.set()

    async with files.followed(adopt):
        (folder / "b.yaml").write_text(SECOND)
        await until(lambda: handed)
        files.ask()
        await asyncio.wait_for(done.wait(), PATIENCE)
    assert handed == [2, 2]
    assert "not now" in caplog.text


async def test_a_worker_takes_over_good_rules_and_refuses_broken_ones(
    folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A fleet's worker is handed new rules as a local engine is."""
    caplog.set_level(logging.INFO)
    files = files_in(folder)
    worker = Worker(files.rules, "nowhere:9092")
    before = worker.rules
    async with files.followed(worker.adopt):
        (folder / "b.yaml").write_text("- rule: [")
        await until(lambda: "stay in use" in caplog.text)
        assert worker.rules is before
        (folder / "b.yaml").write_text(SECOND)
        await until(lambda: worker.rules is not before)
    assert [each.name for each in worker.rules.rules] == ["First", "Second"]


@pytest.fixture
def hang_up() -> Iterator[None]:
    """SIGHUP as a shell leaves it to its commands; under nohup it is ignored, and stays so."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


async def test_sighup_asks_for_rules(hang_up: None) -> None:
    """It does not end the command that has rules to load, and SIGTERM still does."""
    asked: list[str] = []

    async def work() -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: asked)
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(PATIENCE)

    await asyncio.wait_for(until_stopped(work(), reload=lambda: asked.append("again")), PATIENCE)
    assert asked == ["again"]


SCRIPT = """
import asyncio
from tracetide.live import until_stopped

async def work():
    print("ready", flush=True)
    await asyncio.sleep(20)

asyncio.run(until_stopped(work(), reload=lambda: print("again", flush=True)))
"""


def test_a_terminal_that_is_closed_ends_the_command(hang_up: None) -> None:
    """SIGHUP while the terminal is there asks for rules; when it is gone, nobody is left to watch."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(sys.executable, [sys.executable, "-c", SCRIPT])  # noqa: S606  # our own script
    said = b""
    while b"ready" not in said:
        said += os.read(terminal, 1024)
    os.kill(child, signal.SIGHUP)
    while b"again" not in said:
        said += os.read(terminal, 1024)
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
