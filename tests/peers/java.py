"""Real servers written in Java: resolved by Maven into a cache, run so that they cannot outlive the tests."""

import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent
CACHE = HERE.parent.parent / ".cache" / "peers"
HEAP = ["-Xmx512m", "-XX:+UseSerialGC"]  # the serial collector costs the least on few cores
START_TIMEOUT = 90.0
STOP_TIMEOUT = 30.0
ENOUGH_JAVA = 17


@dataclass
class JavaServer:
    """One server process with a fixed port. It can be started again after a ``stop`` or ``kill``."""

    command: list[str]
    log: Path
    port: int
    ready: Callable[[int], bool]
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return when it answers; raises RuntimeError with the end of its log if it does not."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                # The kernel kills the server when the tests die, however they die.
                ["setpriv", "--pdeathsig", "KILL", *self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_TIMEOUT
        while not self.ready(self.port):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"the server did not start; its log ends with:\n{tail(self.log)}")
            time.sleep(0.1)

    def stop(self) -> None:
        """End it as an administrator would, or with ``kill`` if that takes too long."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(STOP_TIMEOUT)
            except subprocess.TimeoutExpired:
                self.kill()
            self.process = None

    def kill(self) -> None:
        """End it and everything it started at once, as a power cut would."""
        if self.process is not None:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


def libraries(name: str) -> Path:
    """The folder with the jars of ``NAME.pom.xml``; skips the test where they cannot be had."""
    need_java()
    pom = HERE / f"{name}.pom.xml"
    folder = CACHE / f"{name}-{hashlib.sha256(pom.read_bytes()).hexdigest()[:12]}"
    if not folder.exists():
        _resolve(pom, folder)
    return folder


def need_java() -> None:
    """Skip where there is no Java that the servers run on."""
    if shutil.which("java") is None:
        pytest.skip("java is not installed (Debian: default-jdk-headless)")
    answer = subprocess.run(["java", "-version"], capture_output=True, text=True, check=True).stderr
    version = re.search(r'version "(\d+)', answer)
    if version is None or int(version[1]) < ENOUGH_JAVA:
        pytest.skip(f"the servers need Java {ENOUGH_JAVA} or newer, here is {answer.splitlines()[0]}")


def _resolve(pom: Path, folder: Path) -> None:
    if shutil.which("mvn") is None:
        pytest.skip("mvn is not installed (Debian: maven)")
    copy = ["mvn", "-B", "-q", "-f", str(pom), "dependency:copy-dependencies"]
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        # A folder appears only when it is complete: another run may look at the same time.
        jars = Path(scratch) / "jars"
        resolved = subprocess.run(
            [*copy, f"-DoutputDirectory={jars}", "-DincludeScope=runtime"],
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        if resolved.returncode != 0:
            pytest.skip(f"Maven could not resolve {pom.name}: {resolved.stdout.strip()[-300:]}")
        try:
            jars.rename(folder)
        except OSError:
            if not folder.exists():
                raise


def free_port() -> int:
    """A port on loopback that nobody uses at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def accepts(port: int) -> bool:
    """Whether something on loopback takes connections at ``port``."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def tail(log: Path, characters: int = 2000) -> str:
    """The end of a log, for messages."""
    return log.read_text(errors="replace")[-characters:]
