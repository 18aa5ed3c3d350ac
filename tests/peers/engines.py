"""Real container engines: started for the tests, in folders of their own, and gone without a trace."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

IMAGE = "tracetide-test:1"

_PATIENCE = 30.0

# What this kernel refuses otherwise: raising limits; and runc is what is installed.
_PODMAN = """
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
"""


@dataclass(frozen=True, slots=True)
class Engine:
    """An engine that runs: its socket, the start of a command line that uses it, and where its files are."""

    name: str
    socket: Path
    command: tuple[str, ...]
    environment: dict[str, str]
    folder: Path

    def __call__(self, *arguments: str) -> str:
        """Run a command and give what it prints; one that fails is an error with its reason."""
        done = subprocess.run(
            [*self.command, *arguments],
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=_PATIENCE,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def remove(self, *containers: str) -> None:
        """End and remove containers at once; podman would wait ten seconds for a stubborn program."""
        self("rm", "-f", *(["-t", "0"] if self.name == "podman" else []), *containers)


@pytest.fixture(scope="session")
def docker() -> Iterator[Engine]:
    """Docker, without networks."""
    with docker_engine() as engine:
        yield engine


@pytest.fixture(scope="session")
def podman() -> Iterator[Engine]:
    """podman, and its service."""
    with podman_engine() as engine:
        yield engine


@contextmanager
def docker_engine() -> Iterator[Engine]:
    """Docker until the end of the block; skips the test where it cannot be had."""
    need("docker.io", "dockerd", "docker", "runc")
    with folder_of() as folder:
        there = folder / "docker.sock"
        command = ["dockerd", "--iptables=false", "--bridge=none", "-H", f"unix://{there}"]
        command += ["--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")]
        with running([*command, "--pidfile", str(folder / "pid")], {}, there, folder):
            engine = Engine("docker", there, ("docker", "-H", f"unix://{there}"), {}, folder)
            with _with_image(engine):
                yield engine


@contextmanager
def podman_engine() -> Iterator[Engine]:
    """Podman and its service until the end of the block; skips the test where it cannot be had."""
    need("podman", "podman", "conmon", "runc")
    with folder_of() as folder:
        (folder / "containers.conf").write_text(_PODMAN)
        environment = {"CONTAINERS_CONF": str(folder / "containers.conf")}
        there = folder / "podman.sock"
        places = ("--root", f"{folder}/root", "--runroot", f"{folder}/run", "--tmpdir", f"{folder}/tmp")
        command = ("podman", *places)
        service = [*command, "system", "service", "--time", "0", f"unix://{there}"]
        with running(service, environment, there, folder):
            engine = Engine("podman", there, command, environment, folder)
            with _with_image(engine):
                yield engine


@contextmanager
def _with_image(engine: Engine) -> Iterator[None]:
    """The image of busybox, and at the end no container left."""
    archive = engine.folder / "image.tar"
    subprocess.run(["tar", "-C", str(tree_of(engine.folder)), "-cf", str(archive), "."], check=True)
    engine("import", "--change", "LABEL from=image", str(archive), IMAGE)
    try:
        yield
    finally:
        if left := engine("ps", "-aq").split():
            engine.remove(*left)
        drop_groups("libpod_parent" if engine.name == "podman" else "docker")


def tree_of(folder: Path) -> Path:
    """The files of an image: busybox and a few of its names."""
    tree = folder / "image"
    (tree / "bin").mkdir(parents=True)
    shutil.copy(shutil.which("busybox") or "busybox", tree / "bin/busybox")
    for name in ("sh", "sleep", "true", "cat", "ls"):
        (tree / "bin" / name).symlink_to("busybox")
    return tree


@contextmanager
def running(
    command: list[str], environment: dict[str, str], there: Path, folder: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """A daemon that listens at a socket; skips the test with what it said if it does not."""
    log = folder / "log"
    with log.open("wb") as output:
        daemon = subprocess.Popen(
            command, env=os.environ | environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        if not waited_for(lambda: _listens(there) or daemon.poll() is not None) or not _listens(there):
            pytest.skip(f"{command[0]} does not start here: {log.read_text()[-300:].strip()}")
        yield daemon
    finally:
        daemon.send_signal(signal.SIGTERM)
        try:
            daemon.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()


@contextmanager
def folder_of() -> Iterator[Path]:
    """A folder with a short name, as paths of sockets must be; nothing stays mounted in it."""
    folder = Path(tempfile.mkdtemp(prefix="tt-", dir="/tmp"))
    try:
        yield folder
    finally:
        mounts = Path("/proc/self/mounts").read_text().splitlines()
        for point in reversed([line.split()[1] for line in mounts]):
            if Path(point).is_relative_to(folder):
                subprocess.run(["umount", "-l", point], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def drop_groups(name: str) -> None:
    """Remove the control groups with this name and below, which engines leave; those in use stay."""
    for hierarchy in [Path("/sys/fs/cgroup"), *Path("/sys/fs/cgroup").iterdir()]:
        top = hierarchy / name
        if top.is_dir():
            for group in [*sorted((each for each in top.rglob("*") if each.is_dir()), reverse=True), top]:
                with contextlib.suppress(OSError):
                    group.rmdir()


def waited_for(condition: Callable[[], object], patience: float = _PATIENCE) -> bool:
    """Whether a condition came true before patience ended."""
    deadline = time.monotonic() + patience
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _listens(there: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as client, contextlib.suppress(OSError):
        client.connect(str(there))
        return True
    return False


def need(package: str, *programs: str) -> None:
    """Skip the test, with the reason, where it cannot have these programs."""
    if os.geteuid() != 0:
        pytest.skip(f"{programs[0]} needs root")
    for program in (*programs, "busybox"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed (Debian: {package})")
