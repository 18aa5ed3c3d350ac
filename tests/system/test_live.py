"""A host at work, watched: ordinary programs are no attack, and nothing crashes or is lost unseen."""

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from collectors.kernel import why_not
from tests.rules.files import rule
from tracetide.demo.container import Workshop, run_once, running

pytestmark = pytest.mark.kernel

SERIOUS = {"Emergency", "Alert", "Critical", "Error"}


@dataclass
class Watch:
    """A running ``tracetide run`` and where it writes; after ``stop`` what it found and said."""

    process: subprocess.Popen[str]
    path: Path
    said: list[str]

    def stop(self) -> tuple[list[dict[str, Any]], str]:
        """What was detected of this test's doing, and the summary that was printed last."""
        self.process.terminate()
        assert self.process.wait(30) == 0
        lines = self.path.read_text().splitlines() if self.path.exists() else []
        return [found for line in lines if _ours(found := json.loads(line))], self.said[-1]


def _ours(detection: dict[str, Any]) -> bool:
    """Whether this test process is an ancestor: others may be at work on the machine."""
    return os.getpid() in {each["pid"] for each in detection.get("ancestors", [])}


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Watch]:
    """This host, watched with the rule library."""
    if reason := why_not():
        pytest.skip(reason)
    with _watching(tmp_path / "found.jsonl") as watching:
        yield watching


@contextmanager
def _watching(path: Path, *options: str) -> Iterator[Watch]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tracetide", "run", "--sink", "jsonl", *options],
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TRACETIDE_JSONL_PATH": str(path), "TRACETIDE_QUEUE": f"{path}.queue"},
    )
    assert process.stderr is not None
    said = [process.stderr.readline()]
    reader = threading.Thread(target=lambda: said.extend(process.stderr or ()))
    reader.start()
    try:
        assert "watching this host" in said[0]
        yield Watch(process, path, said)
    finally:
        process.kill()
        process.wait()
        reader.join()
        process.stderr.close()


def run(*command: str) -> None:
    """A program that must succeed."""
    subprocess.run(command, check=True, capture_output=True, timeout=120)


def install_a_package() -> None:
    """What an administrator does."""
    run("apt-get", "install", "-y", "--reinstall", "--no-install-recommends", "hostname")


def run_a_test_suite(folder: Path) -> None:
    """What a developer does: many files, many small programs, also ones just written."""
    (folder / "test_it.py").write_text(
        "import os, pathlib, subprocess, sys, tempfile\n"
        "import pytest\n"
        "@pytest.mark.parametrize('n', range(20))\n"
        "def test_it(n, tmp_path):\n"
        "    script = tmp_path / 'tool'\n"
        "    script.write_text('#!/bin/sh\\nexec true\\n')\n"
        "    script.chmod(0o755)\n"
        "    assert subprocess.run([script]).returncode == 0\n"
        "    assert subprocess.run([sys.executable, '-c', 'import json']).returncode == 0\n"
    )
    run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder))


def compile_a_program(folder: Path) -> None:
    """What a build does: a program is written and executed right away."""
    if shutil.which("gcc") is None:
        return
    (folder / "hello.c").write_text("int main(void) { return 0; }\n")
    run("gcc", "-o", str(folder / "hello"), str(folder / "hello.c"))
    run(str(folder / "hello"))


def test_ordinary_work_raises_no_serious_alarm(watch: Watch, tmp_path: Path) -> None:
    """Packages, tests, searches, keys and compilers: no crash, no alarm of high severity, losses counted."""
    for work in works(tmp_path):
        work()
    time.sleep(1)
    found, summary = watch.stop()
    serious = [each for each in found if each["rule"]["priority"] in SERIOUS]
    assert [(each["rule"]["name"], each["output"]) for each in serious] == []
    assert "failed" not in summary
    assert int(summary.split()[0]) > 1000


def test_an_attack_among_ordinary_work_is_found(watch: Watch) -> None:
    """The same watch does see what it must: a program that is executed from memory."""
    script = "import os; f = os.memfd_create('x'); os.write(f, open('/bin/true', 'rb').read())"
    run(sys.executable, "-c", f"{script}; os.execve(f, ['x'], {{}})")
    time.sleep(1)
    found, _ = watch.stop()
    assert [each["rule"]["name"] for each in found] == [
        "Interpreter makes a file in memory",
        "Program run from memory",
    ]


def test_changed_rules_are_taken_over(tmp_path: Path) -> None:
    """A rule that is added while the host is watched finds what happens from then on."""
    if reason := why_not():
        pytest.skip(reason)
    folder = tmp_path / "rules"
    folder.mkdir()
    (folder / "one.yaml").write_text(rule("evt.type=execve and proc.args=marked", "First"))
    with _watching(tmp_path / "found.jsonl", "--rules", str(folder), "--no-library") as watch:
        run("true", "marked")
        (folder / "two.yaml").write_text(rule("evt.type=execve and proc.args=marked", "Second"))
        deadline = time.monotonic() + 20
        while not any("1 added (Second)" in line for line in watch.said) and time.monotonic() < deadline:
            time.sleep(0.1)
        run("true", "marked")
        time.sleep(1)
        found, _ = watch.stop()
    assert [each["rule"]["name"] for each in found] == ["First", "First", "Second"]


@pytest.mark.containers
def test_containers_coming_and_going_raise_no_alarm(watch: Watch, containers: Workshop) -> None:
    """Started, used and ended: what a container runtime does is not what an attacker does."""
    for number in range(8):
        run_once(containers, "/bin/sh", "-c", f"echo {number} > /tmp/note; ls /; cat /tmp/note; id")
    with running(containers, "/usr/sbin/httpd", "-f", "-p", "127.0.0.1:8080"):
        time.sleep(0.5)
    time.sleep(1)
    found, summary = watch.stop()
    assert [each["rule"]["name"] for each in found] == []
    assert "failed" not in summary


def works(folder: Path) -> list[Callable[[], None]]:
    """The programs of this test that this machine has."""
    suite = folder / "suite"
    suite.mkdir()
    found: list[Callable[[], None]] = [
        lambda: run("find", "/", "-xdev", "-maxdepth", "4"),
        lambda: run_a_test_suite(suite),
        lambda: compile_a_program(folder),
    ]
    if shutil.which("apt-get") and os.geteuid() == 0:
        found.append(install_a_package)
    if shutil.which("ssh-keygen"):
        found.append(lambda: run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "key")))
    return found
