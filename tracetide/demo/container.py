"""Runs containers through an OCI runtime, on bundles made on the spot, and leaves nothing of them behind.

The demo and the tests use it. The root file system is an overlay as with Docker: the image below, the
container's own layer above; both lie on one tmpfs, which vanishes with everything in it.
"""

import json
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tracetide.demo.errors import ContainerError
from tracetide.demo.image import File, make_image

# crun takes the same commands; Docker brings runc along, Podman one of the two.
_RUNTIMES = ("runc", "crun")

_PATIENCE = 20.0

# What Docker leaves to a container's root (moby, oci/caps/defaults.go).
_CAPABILITIES = [
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_FSETID",
    "CAP_FOWNER",
    "CAP_MKNOD",
    "CAP_NET_RAW",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETFCAP",
    "CAP_SETPCAP",
    "CAP_NET_BIND_SERVICE",
    "CAP_SYS_CHROOT",
    "CAP_KILL",
    "CAP_AUDIT_WRITE",
]

_MOUNTS = [
    {"destination": "/proc", "type": "proc", "source": "proc"},
    {
        "destination": "/dev",
        "type": "tmpfs",
        "source": "tmpfs",
        "options": ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    {
        "destination": "/sys",
        "type": "sysfs",
        "source": "sysfs",
        "options": ["nosuid", "noexec", "nodev", "ro"],
    },
]


@dataclass(frozen=True, slots=True)
class Workshop:
    """A place to run containers of one image in: the runtime's program, the tmpfs, the image on it."""

    runtime: str
    place: Path
    image: Path

    def command(self, *arguments: str) -> list[str]:
        """A call of the runtime that keeps its books here and not in a directory of the system."""
        return [self.runtime, "--root", str(self.place / "state"), *arguments]


@dataclass(frozen=True, slots=True)
class Container:
    """A running container. ``pid`` is its first process as the host sees it, ``root`` its file system."""

    id: str
    pid: int
    root: Path
    workshop: Workshop

    def execute(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program in the container beside the others, as ``docker exec`` does, and wait for it."""
        return _call(self.workshop.command("exec", self.id, *arguments))


def runtime() -> str:
    """The OCI runtime of this host; ``ContainerError`` says how to get one."""
    for name in _RUNTIMES:
        if found := shutil.which(name):
            return found
    raise ContainerError("there is no OCI runtime to run a container with (Debian, Ubuntu: runc)")


@contextmanager
def workshop(files: Mapping[str, File]) -> Iterator[Workshop]:
    """An image of busybox and ``files``, on a tmpfs; raises ``ContainerError`` where that cannot be had."""
    program = runtime()
    place = Path(tempfile.mkdtemp(prefix="tracetide-demo-"))
    try:
        _mount("tmpfs", "tmpfs", place, "size=256m,mode=700")
        try:
            image = place / "image"
            make_image(image, files)
            yield Workshop(program, place, image)
        finally:
            _unmount(place)
    finally:
        place.rmdir()


@contextmanager
def running(place: Workshop, *arguments: str) -> Iterator[Container]:
    """A container in which ``arguments`` is process 1; killed and removed at the end, whatever happens."""
    with _bundle(place, arguments) as (identity, bundle):
        log = bundle / "log"
        with log.open("wb") as output:
            # A session of its own: a Ctrl-C in the terminal is for the demo, which then stops this.
            process = subprocess.Popen(
                place.command("run", "--bundle", str(bundle), "--pid-file", str(bundle / "pid"), identity),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                start_new_session=True,
            )
        try:
            yield Container(identity, _pid(process, bundle / "pid", log), bundle / "rootfs", place)
        finally:
            _call(place.command("kill", identity, "KILL"))
            _end(process)
            _call(place.command("delete", "--force", identity))


def run_once(place: Workshop, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Start a new container, wait until its one program has ended, and remove it."""
    with _bundle(place, arguments) as (identity, bundle):
        try:
            return _call(place.command("run", "--bundle", str(bundle), identity))
        finally:
            _call(place.command("delete", "--force", identity))


@contextmanager
def _bundle(place: Workshop, arguments: Sequence[str]) -> Iterator[tuple[str, Path]]:
    """A container's id, 64 hexadecimal digits as with Docker, and the directory its runtime needs."""
    identity = secrets.token_hex(32)
    bundle = place.place / identity
    for part in ("upper", "work", "rootfs"):
        (bundle / part).mkdir(parents=True)
    (bundle / "config.json").write_text(json.dumps(_specification(identity, arguments)))
    layers = f"lowerdir={place.image},upperdir={bundle / 'upper'},workdir={bundle / 'work'}"
    _mount("overlay", "overlay", bundle / "rootfs", layers)
    try:
        yield identity, bundle
    finally:
        _unmount(bundle / "rootfs")


def _specification(identity: str, arguments: Sequence[str]) -> dict[str, object]:
    """An OCI runtime configuration, version 1.0: its own namespaces, loopback as its only network."""
    sets = ("bounding", "effective", "permitted")
    return {
        "ociVersion": "1.0.2",
        "hostname": "web",
        "root": {"path": "rootfs"},
        "mounts": _MOUNTS,
        "process": {
            "args": list(arguments),
            "cwd": "/",
            "env": ["PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME=/root"],
            "user": {"uid": 0, "gid": 0},
            "capabilities": dict.fromkeys(sets, _CAPABILITIES),
            "noNewPrivileges": True,
        },
        "linux": {
            # The last component alone names the container, and nothing above it has to be removed again.
            "cgroupsPath": f"/{identity}",
            "namespaces": [{"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount")],
            "maskedPaths": ["/proc/kcore", "/proc/keys", "/proc/timer_list", "/sys/firmware"],
            "readonlyPaths": ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
        },
    }


def _pid(process: subprocess.Popen[bytes], file: Path, log: Path) -> int:
    """The container's first process, as soon as the runtime has started it."""
    deadline = time.monotonic() + _PATIENCE
    while not file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise ContainerError(f"the container does not start: {_last_line(log)}")
        time.sleep(0.01)
    return int(file.read_text())


def _end(process: subprocess.Popen[bytes]) -> None:
    """Wait for the runtime, which ends with its container; one that does not is killed."""
    try:
        process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _call(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=_PATIENCE,
        cwd="/",
        env=os.environ | {"LC_ALL": "C"},
        check=False,
        start_new_session=True,
    )


def _mount(kind: str, source: str, target: Path, options: str) -> None:
    done = _call(["mount", "-t", kind, "-o", options, source, str(target)])
    if done.returncode:
        raise ContainerError(f"a {kind} file system cannot be mounted: {done.stderr.strip()}")


def _unmount(target: Path) -> None:
    """Take the mount away; one that is still busy disappears as soon as its last user is gone."""
    if _call(["umount", str(target)]).returncode:
        _call(["umount", "--lazy", str(target)])


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "its runtime gives no reason"
