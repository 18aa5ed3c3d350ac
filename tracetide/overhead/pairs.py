"""Runs a workload in pairs, unwatched and watched, and judges the difference."""

import json
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import comb
from statistics import median
from typing import Any

from tracetide.errors import CommandError
from tracetide.overhead.watcher import READY

# How sure the interval is about the slow-down that another set of pairs would show.
CONFIDENCE = 0.95

# Pairs from which on an interval can be that sure.
FEWEST = 6

_WATCHER = "tracetide.overhead.watcher"

# Seconds for the programs to be loaded; and for the last events to be read before the watcher is ended.
_PATIENCE = 30.0
_REST = 0.3

# Seconds between two programs that are run to be seen.
_POKE = 0.5


@dataclass(frozen=True, slots=True)
class Interval:
    """A median, and between which values it lies with ``CONFIDENCE``, whatever the distribution."""

    middle: float
    low: float
    high: float


@dataclass
class Measured:
    """Seconds of each run, pair by pair, and what the watcher of each watched run said at its end."""

    unwatched: list[float] = field(default_factory=list)
    watched: list[float] = field(default_factory=list)
    watchers: list[dict[str, Any]] = field(default_factory=list)

    @property
    def slowdown(self) -> Interval:
        """How many times as long the workload takes when it is watched."""
        return interval([mine / bare for mine, bare in zip(self.watched, self.unwatched, strict=True)])


def interval(values: Sequence[float]) -> Interval:
    """The median, and the two values between which the true one lies; the outermost if there are few.

    The number of values below the true median is binomial, so the n-th from either end bounds it with a
    known probability (Conover, Practical Nonparametric Statistics).
    """
    ordered = sorted(values)
    number = len(ordered)
    outside, rank = 0.0, 0
    while rank < number // 2:
        outside += 2 * comb(number, rank) / 2**number
        if outside > 1 - CONFIDENCE:
            break
        rank += 1
    rank = max(rank - 1, 0)
    return Interval(median(ordered), ordered[rank], ordered[number - 1 - rank])


def measure(
    command: Sequence[str], pairs: int, progress: Callable[[str], None], options: Sequence[str] = ()
) -> Measured:
    """Run the command once to warm up, and then so many pairs; which of a pair comes first alternates.

    ``options`` are the watcher's.
    """
    measured = Measured()
    progress("once unmeasured")
    seconds_of(command)
    for number in range(pairs):
        progress(f"pair {number + 1} of {pairs}")
        for watching in (False, True) if number % 2 == 0 else (True, False):
            if watching:
                with watcher(*options) as said:
                    measured.watched.append(seconds_of(command))
                measured.watchers.append(said)
            else:
                measured.unwatched.append(seconds_of(command))
    return measured


def costs(command: Sequence[str], options: Sequence[str] = ()) -> dict[str, Any]:
    """What a watcher says of one more run, in which the kernel counts how long its programs run."""
    with watcher("--costs", *options) as said:
        seconds_of(command)
    return said


def seconds_of(command: Sequence[str]) -> float:
    """How long the command takes; raises ``CommandError`` if it fails, because then it measures nothing."""
    began = time.perf_counter()
    try:
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except OSError as error:
        raise CommandError(f"{command[0]} cannot be run: {error.strerror}") from error
    seconds = time.perf_counter() - began
    if ended.returncode != 0:
        last = ended.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise CommandError(
            f"the workload failed with exit code {ended.returncode}: {last or 'it says nothing'}"
        )
    return seconds


@contextmanager
def watcher(*options: str, module: str = _WATCHER) -> Iterator[dict[str, Any]]:
    """A watcher at work during the block; what it says at its end is in the dictionary afterwards."""
    said: dict[str, Any] = {}
    process = subprocess.Popen([sys.executable, "-m", module, *options], stdout=subprocess.PIPE, text=True)
    try:
        _wait_until_ready(process)
        yield said
        time.sleep(_REST)
        process.terminate()
        output, _ = process.communicate(timeout=_PATIENCE)
        said |= json.loads(output)
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()


def _wait_until_ready(process: subprocess.Popen[str]) -> None:
    """Somebody has to do something for a first event to come, and on an idle host nobody else does."""
    assert process.stdout is not None  # noqa: S101  # it was asked for
    while not select.select([process.stdout], [], [], _POKE)[0]:
        subprocess.run(["true"], check=False)
    if process.stdout.readline().strip() != READY:
        process.wait(_PATIENCE)
        raise CommandError("this host cannot be watched; tracetide doctor says why")
