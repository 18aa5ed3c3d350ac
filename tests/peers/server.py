"""Servers that are processes of their own, run so that they cannot outlive the tests."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

START_TIMEOUT = 90.0
STOP_TIMEOUT = 30.0


@dataclass
class Server:
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
