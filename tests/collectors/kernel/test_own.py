"""What the collector does itself is left out: all of its control group if that is its own, or its process."""

import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from collectors.kernel.cgroups import Hierarchies
from collectors.kernel.own import own_cgroup

pytestmark = pytest.mark.kernel

# Goes into a control group, watches, and has a helper of its own open a file; says what it saw of that.
WATCH = """
import asyncio, os, subprocess, sys
from collectors.kernel import KernelSource
from collectors.kernel.own import own_cgroup
from wire.event import Exec, Open

open(sys.argv[1], 'w').write(str(os.getpid()))
print('alone' if own_cgroup() else 'shared')

async def main():
    helper = None
    ran = opened = False
    async for batch in KernelSource(('openat',)).batches():
        if helper is None:
            helper = subprocess.Popen(['/bin/cat', '/etc/hostname'], stdout=subprocess.DEVNULL)
        for event in batch.events:
            ran |= type(event) is Exec and event.pid == helper.pid
            opened |= type(event) is Open and event.pid == helper.pid and event.path == '/etc/hostname'
            if event.type == 'procexit' and event.pid == helper.pid:
                print('ran' if ran else 'unseen', 'opened' if opened else 'nothing')
                return
asyncio.run(main())
"""


@pytest.fixture
def group(kernel: None) -> Iterator[Path]:
    """A control group for the test, in the hierarchy that tells containers apart."""
    mounts = Hierarchies().mounts
    mount = mounts.get("memory") or mounts.get("pids") or mounts.get("")
    if mount is None:
        pytest.skip("no control groups are mounted")
    directory = mount.point / f"tracetide-test-{secrets.token_hex(8)}"
    try:
        directory.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made: {error}")
    yield directory
    while (directory / "cgroup.procs").read_text():
        time.sleep(0.01)
    directory.rmdir()


def said(group: Path) -> list[str]:
    """What a collector in that group says."""
    done = subprocess.run(
        [sys.executable, "-c", WATCH, str(group / "cgroup.procs")],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.splitlines()


def test_a_group_of_its_own_is_left_out(group: Path) -> None:
    """A helper that the collector starts is seen to run, and what it opens is not told."""
    assert said(group) == ["alone", "ran nothing"]


def test_a_shared_group_is_watched(group: Path) -> None:
    """With somebody else in the group, only the collector's own process is left out."""
    with subprocess.Popen(["sleep", "60"]) as other:
        try:
            (group / "cgroup.procs").write_text(str(other.pid))
            assert said(group) == ["shared", "ran opened"]
        finally:
            other.kill()


def test_a_shell_is_not_left_out(kernel: None) -> None:
    """This test shares its group with whatever started it."""
    if os.getppid() == 1:
        pytest.skip("this is the first process of its group")
    groups = Hierarchies()
    if groups.of(Path("/proc/self")).id != groups.of(Path(f"/proc/{os.getppid()}")).id:
        pytest.skip("what started this is in another group")
    assert own_cgroup() == 0
