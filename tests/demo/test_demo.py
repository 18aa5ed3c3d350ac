"""The demo as its users run it: everything is caught, nothing else raises an alarm, nothing remains."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.demo.leftovers import before
from tracetide.demo.scenes import ATTACKS

# Under nohup hang-ups are ignored, in the background of a script interrupts, and programs inherit that.
TERMINAL = ["/usr/bin/env", "--default-signal=HUP,INT"]
DEMO = [sys.executable, "-c", "from tracetide.cli import main; main()", "demo"]
NOBODY = {
    "the user nobody": ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"],
    "nobody in a user namespace": ["unshare", "--user"],
}
PROJECT = Path(__file__).parents[2]


def started(place: Path, *prefix: str) -> subprocess.Popen[str]:
    """The demo with ``place`` for its temporary files, and a process group of its own as in a shell."""
    return subprocess.Popen(
        [*TERMINAL, *prefix, *DEMO],
        cwd=PROJECT,
        env=os.environ | {"TMPDIR": str(place), "COLUMNS": "120"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def check(text: str) -> None:
    """Every attack has its heading and below it a whole detection; the last line sums them up."""
    for number, scene in enumerate(ATTACKS, start=1):
        told = text.partition(f" {number}/5  {scene.title}")[2].partition(f" {number + 1}/5 ")[0]
        assert any(rule in told for rule in scene.rules), scene.name
        assert "this process" in told, scene.name
        assert re.search(r"\bT\d{4}", told), scene.name
        assert re.search(r"container [0-9a-f]{12}, host", told), scene.name
    assert text.count("no alarm") == 3
    summary = r"5 of 5 attacks caught, no false alarm; [\d,]+ events seen, 0 lost; \d+\.\d seconds"
    assert re.search(summary, text)


@pytest.mark.kernel
@pytest.mark.containers
@pytest.mark.usefixtures("containers", "kernel")
def test_every_attack_is_caught_live_and_nothing_is_left(tmp_path: Path) -> None:
    """On a kernel that can be watched the demo is real, and leaves the host as it was."""
    then = before(tmp_path)
    with started(tmp_path) as demo:
        text, _ = demo.communicate(timeout=90)
    assert demo.returncode == 0, text
    assert "recording" not in text
    check(text)
    assert then.leftovers() == []


@pytest.mark.kernel
@pytest.mark.containers
@pytest.mark.usefixtures("containers", "kernel")
@pytest.mark.parametrize(
    ("moment", "numbers"),
    [
        ("real container", [signal.SIGINT]),
        ("real container", [signal.SIGTERM]),
        (" 1/5 ", [signal.SIGINT]),
        (" 3/5 ", [signal.SIGTERM]),
        (" 4/5 ", [signal.SIGINT]),
        (" 4/5 ", [signal.SIGHUP]),
        (" 5/5 ", [signal.SIGINT, signal.SIGINT, signal.SIGTERM]),
    ],
)
def test_stopping_it_in_the_middle_leaves_nothing(
    tmp_path: Path, moment: str, numbers: list[signal.Signals]
) -> None:
    """Ctrl-C, which reaches the whole process group, and its like: it cleans up and says so."""
    then = before(tmp_path)
    with started(tmp_path) as demo:
        assert demo.stdout is not None
        while moment not in demo.stdout.readline():
            assert demo.poll() is None
        time.sleep(0.1)
        for number in numbers:
            os.killpg(demo.pid, number)
            time.sleep(0.05)
        rest, _ = demo.communicate(timeout=20)
    assert demo.returncode == 130, rest
    assert rest.splitlines()[-1] == "Stopped. Nothing is left behind."
    assert "Traceback" not in rest
    assert then.leftovers() == []


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give up its rights")
@pytest.mark.parametrize("who", NOBODY)
def test_without_rights_a_recording_is_shown(tmp_path: Path, who: str) -> None:
    """A sentence says why it is not live; the rest is the same, found by the same engine."""
    if subprocess.run(
        [*NOBODY[who], *DEMO, "--help"], cwd=PROJECT, capture_output=True, check=False
    ).returncode:
        pytest.skip(f"{who} cannot be had, or may not read this checkout and its virtual environment")
    with started(tmp_path, *NOBODY[who]) as demo:
        text, _ = demo.communicate(timeout=60)
    assert demo.returncode == 0, text
    assert "This is a recording" in text
    assert "root" in text.partition("because")[2].partition("1/5")[0]
    check(text)


def test_without_a_container_runtime_a_recording_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is missing is named."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with started(tmp_path) as demo:
        text, _ = demo.communicate(timeout=60)
    assert demo.returncode == 0, text
    assert re.search(r"because there is no (static busybox|OCI runtime)", " ".join(text.split()))
    check(text)


@pytest.mark.kernel
@pytest.mark.containers
@pytest.mark.usefixtures("containers", "kernel")
def test_a_reader_who_goes_away_leaves_nothing(tmp_path: Path) -> None:
    """When nobody reads the output any more, as with ``| head``, the demo ends and cleans up."""
    then = before(tmp_path)
    with started(tmp_path) as demo:
        assert demo.stdout is not None
        while " 1/5 " not in demo.stdout.readline():
            assert demo.poll() is None
        demo.stdout.close()
        demo.wait(timeout=20)
    assert demo.returncode == 1
    assert then.leftovers() == []
