"""Runs a kernel source in a thread of its own while a test makes things happen in other processes."""

import asyncio
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from collectors.contract import Source
from wire.batch import Batch
from wire.event import Event, Exec, Loss

_PATIENCE = 60.0

Kind = TypeVar("Kind", bound=Event)


class Watch:
    """What a source has delivered so far: what children of the test do, not its own system calls."""

    def __init__(self, source: Source, patience: float = _PATIENCE) -> None:
        """Start to watch; returns when the snapshot is there."""
        self.batches: list[Batch] = []
        self._patience = patience
        self._changed = threading.Condition()
        self._failure: BaseException | None = None
        self._loop = asyncio.new_event_loop()
        self._task = self._loop.create_task(self._read(source))
        # Where a test run is ended, nobody waits for it: the kernel takes out what a process has put in.
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        try:
            self._until(lambda: bool(self.batches))
        except BaseException:
            self.close()
            raise

    @property
    def events(self) -> list[Event]:
        """Everything in the order of its delivery."""
        return [event for batch in self.batches for event in batch.events]

    def of(self, pid: int, kind: type[Kind]) -> list[Kind]:
        """The events of one kind by one process."""
        return [event for event in self.events if event.pid == pid and type(event) is kind]

    def run(self, *command: str, **options: Any) -> int:
        """Run a program and wait until all that it did has been delivered; its process number."""
        with subprocess.Popen(command, **options) as process:
            process.wait()
        self.settle()
        return process.pid

    def python(self, script: str, *arguments: str, **options: Any) -> int:
        """The same for a few lines of Python."""
        return self.run(sys.executable, "-I", "-c", script, *arguments, **options)

    def settle(self) -> None:
        """Wait until everything up to now has been delivered."""
        token = secrets.token_hex(8)
        # Without an environment the record is small enough for the smallest buffer.
        subprocess.run(["/bin/true", token], check=True, env={})
        seen = 0

        def arrived() -> bool:
            nonlocal seen
            new, seen = self.batches[seen:], len(self.batches)
            return any(type(e) is Exec and e.args[-1:] == [token] for batch in new for e in batch.events)

        self._until(arrived)

    def close(self) -> None:
        """Stop watching."""
        self._loop.call_soon_threadsafe(self._task.cancel)
        self._thread.join(_PATIENCE)
        self._loop.close()

    def _until(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self._failure or condition(), self._patience), (
                "nothing came"
            )
        if self._failure:
            raise self._failure

    async def _read(self, source: Source) -> None:
        async for batch in source.batches():
            with self._changed:
                self.batches.append(batch)
                self._changed.notify_all()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._task)
        except asyncio.CancelledError:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        except Exception as error:  # noqa: BLE001  # handed to the test, which waits in another thread
            with self._changed:
                self._failure = error
                self._changed.notify_all()


@contextmanager
def watching(source: Source, patience: float = _PATIENCE) -> Iterator[Watch]:
    """Watch until the block ends."""
    watch = Watch(source, patience)
    try:
        yield watch
    finally:
        watch.close()


def until(condition: Callable[[], bool]) -> None:
    """Wait until something has come to pass that nobody announces."""
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.01)


def lost(watch: Watch, kind: str) -> int:
    """How many events of a type are counted as lost."""
    return sum(event.counts.get(kind, 0) for event in watch.events if isinstance(event, Loss))
