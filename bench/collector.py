"""The collector under a steady load of 5,000 events a second: memory and CPU, into a real Kafka."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.broker import broker
from bench.table import Row
from collectors.kernel import why_not

SECONDS = 10
EVENTS = 5000

# Each hundredth of a second: opens, and a program that is forked, executed and ends.
LOAD = """
import os, sys, time
end = time.monotonic() + float(sys.argv[1])
turn = time.monotonic()
while turn < end:
    for _ in range(43):
        os.close(os.open("/etc/hostname", os.O_RDONLY))
    os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0)
    turn += 0.01
    time.sleep(max(0.0, turn - time.monotonic()))
"""


def rows(_folder: Path) -> Iterator[Row]:
    """Resident memory and share of a core of ``tracetide collect`` while the load runs."""
    if reason := why_not():
        print(reason, file=sys.stderr)
        return
    with broker() as bootstrap, _started("collect", "--kafka", bootstrap) as collector:
        time.sleep(4)
        idle = _resident(collector.pid)
        before = _cpu(collector.pid)
        subprocess.run([sys.executable, "-c", LOAD, str(SECONDS)], check=True)
        busy = _cpu(collector.pid) - before
        resident = _resident(collector.pid)
    yield Row("collector: resident memory, idle", idle, "MB")
    yield Row(f"collector: resident memory at {EVENTS} events/s", resident, "MB", resident / idle, "< 60 MB")
    yield Row(f"collector: share of a core at {EVENTS} events/s", 100 * busy / SECONDS, "%", None, "< 10 %")


@contextmanager
def _started(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-m", "tracetide", *arguments])
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident(pid: int) -> float:
    (line,) = (
        line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")
    )
    return int(line.split()[1]) / 1024
