"""A virtual machine with Debian's kernel and this machine's files; what it writes to them is forgotten.

The root directory is this machine's, read through 9p below an overlay in memory, so the checkout, its
``.venv`` and every program are there under their names. Where KVM does not run the kernel, QEMU emulates a
processor, much slower.
"""

import lzma
import os
import platform
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which

import pytest

from tests.peers.kernels import unpacked
from tests.peers.server import tail

_PROGRAMS = ("qemu-system-x86_64", "busybox", "setpriv")
_MODULES = ("virtio_pci", "9pnet_virtio", "9p", "overlay")
_CPUS = "2"
_MEMORY = "2G"
ROOT = Path(__file__).parents[2]
_KVM_BOOT = 8.0
_BOOT = 120.0
_COMMAND_LINE = "console=ttyS0 quiet panic=-1 lsm=lockdown,capability,bpf mitigations=off no5lvl"
_9P = "trans=virtio,version=9p2000.L,msize=512000"

# The first process, in the initial root file system: loads modules, and goes over to this machine's files.
_FIRST = f"""#!/busybox sh
b=/busybox
for module in $($b cat /modules/order); do $b insmod /modules/$module; done
$b mkdir -p /proc /host /kernel /root /memory
$b mount -t proc proc /proc
$b mount -t 9p -o ro,cache=loose,{_9P} host /host
$b mount -t 9p -o ro,cache=loose,{_9P} kernel /kernel
$b mount -t tmpfs memory /memory
$b mkdir /memory/upper /memory/work
$b mount -t overlay -o lowerdir=/kernel:/host,upperdir=/memory/upper,workdir=/memory/work overlay /root
$b mount -t tmpfs run /root/run
$b mkdir /root/run/shared
$b mount -t 9p -o {_9P} shared /root/run/shared
exec $b switch_root /root /bin/sh /run/shared/begin
"""

# What it does there: mount what a system has, run the test's commands, and turn the machine off.
_SECOND = """export HOME=/root PYTHONDONTWRITEBYTECODE=1
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/shm /dev/pts
mount -t tmpfs shm /dev/shm
mount -t devpts pts /dev/pts
mount -t cgroup2 cgroup /sys/fs/cgroup
mount -t tracefs tracefs /sys/kernel/tracing
mount -t securityfs security /sys/kernel/security
busybox ip link set lo up
sh /run/shared/commands > /run/shared/output 2>&1 < /dev/null
echo $? > /run/shared/status
echo b > /proc/sysrq-trigger
"""


@dataclass(frozen=True)
class Guest:
    """A machine that can be started again and again, each time as new.

    One that is ``counting`` is emulated and has one processor, and its clock goes by the instructions that
    this has carried out, one in a nanosecond.
    """

    kernel: Path
    accelerator: str
    counting: bool = False

    @property
    def release(self) -> str:
        """As ``uname -r`` says it there."""
        return next((self.kernel / "usr/lib/modules").iterdir()).name

    def run(self, commands: str, shared: Path, seconds: float) -> str:
        """Run commands of the shell as root in the checkout's folder; what they printed.

        ``shared`` is ``/run/shared`` in the guest. Fails the test if a command does, or if they take longer.
        """
        with self._running(f"set -e\ncd {ROOT}\n{commands}\n", shared) as machine:
            try:
                machine.wait(_BOOT + seconds)
            except subprocess.TimeoutExpired:
                pytest.fail(f"the guest was not done after {seconds:.0f} seconds:\n{_said(shared)}")
        status = shared / "status"
        if not status.exists() or status.read_text() != "0\n":
            pytest.fail(f"a command failed in the guest:\n{_said(shared)}")
        return (shared / "output").read_text(errors="replace")

    def boots(self, seconds: float) -> bool:
        """Whether it gets as far as running commands in this time."""
        with tempfile.TemporaryDirectory() as scratch:
            shared = Path(scratch)
            with self._running("", shared) as machine:
                end = time.monotonic() + seconds
                while machine.poll() is None and time.monotonic() < end:
                    time.sleep(0.1)
            return (shared / "status").exists()

    @contextmanager
    def _running(self, commands: str, shared: Path) -> "Iterator[subprocess.Popen[bytes]]":
        (shared / "begin").write_text(_SECOND)
        (shared / "commands").write_text(commands)
        _write_initial(self.kernel, self.release, shared / "initial")
        with (shared / "console").open("wb") as console:
            machine = subprocess.Popen(
                [*self._command(shared)], stdin=subprocess.DEVNULL, stdout=console, stderr=console
            )
        try:
            yield machine
        finally:
            machine.kill()
            machine.wait()

    def _command(self, shared: Path) -> Iterator[str]:
        # The kernel ends the machine when the tests die, however they die.
        yield from ("setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", "-nodefaults", "-no-user-config")
        yield from ("-machine", f"q35,accel={self.accelerator}", "-cpu", "max", "-m", _MEMORY)
        yield from ("-icount", "shift=0,sleep=off") if self.counting else ("-smp", _CPUS)
        yield from ("-display", "none", "-serial", "stdio", "-no-reboot", "-append", _COMMAND_LINE)
        yield from ("-kernel", str(self.kernel / f"boot/vmlinuz-{self.release}"))
        yield from ("-initrd", str(shared / "initial"))
        yield from _folder("host", Path("/"), ",readonly=on")
        yield from _folder("kernel", self.kernel, ",readonly=on")
        yield from _folder("shared", shared)


def _folder(tag: str, path: Path, further: str = "") -> tuple[str, str]:
    return "-virtfs", f"local,path={path},mount_tag={tag},security_model=none,multidevs=remap{further}"


def _said(shared: Path) -> str:
    """The end of what there is to read of a run that went wrong."""
    return "\n".join(tail(shared / name) for name in ("console", "output") if (shared / name).exists())


def _write_initial(kernel: Path, release: str, target: Path) -> None:
    """Write the initial root file system: a shell, the modules for the other file systems, and _FIRST."""
    modules = (kernel / "usr/lib/modules" / release).rglob("*.ko*")
    found = {path.name.partition(".")[0].replace("-", "_"): path for path in modules}
    order: dict[str, Path] = {}
    for module in _MODULES:
        _with_needed(module, found, order)
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        (root / "modules").mkdir()
        for name, path in order.items():
            (root / "modules" / name).write_bytes(_module(path))
        (root / "modules/order").write_text("\n".join(order))
        (root / "busybox").write_bytes(Path(which("busybox") or "").read_bytes())
        (root / "init").write_text(_FIRST)
        for program in ("busybox", "init"):
            (root / program).chmod(0o755)
        files = "\n".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
        archive = ["busybox", "cpio", "-o", "-H", "newc"]
        with target.open("wb") as written:
            subprocess.run(
                archive, cwd=root, input=files.encode(), stdout=written, stderr=subprocess.DEVNULL, check=True
            )


def _with_needed(module: str, found: dict[str, Path], order: dict[str, Path]) -> None:
    """Add a module after those that it needs; what is not in ``found`` is built into the kernel."""
    if module not in found or module in order:
        return
    needed = re.search(rb"\0depends=([^\0]*)\0", _module(found[module]))
    for other in needed[1].decode().split(",") if needed else ():
        _with_needed(other.replace("-", "_"), found, order)
    order[module] = found[module]


def _module(path: Path) -> bytes:
    """What is in a module's file, which newer packages compress."""
    return lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()


def kernel_of(*, newest: bool) -> Path:
    """The packages of a kernel; skips the test where they, or what a guest is made with, cannot be had."""
    if missing := [program for program in _PROGRAMS if which(program) is None]:
        pytest.skip(f"the guest needs {', '.join(missing)} (Debian: qemu-system-x86, busybox-static)")
    return unpacked(newest=newest)


@pytest.fixture(scope="session")
def guest() -> Guest:
    """The machine with the kernel of this release of Debian."""
    return _started()


@pytest.fixture(scope="session")
def newest_guest() -> Guest:
    """The machine with the newest kernel that this release can be had with."""
    return _started(newest=True)


def _started(*, newest: bool = False) -> Guest:
    """With KVM where that runs the kernel."""
    if platform.machine() != "x86_64" or os.geteuid() != 0:
        pytest.skip("the guest shares this machine's files, which takes root on x86-64")
    kernel = kernel_of(newest=newest)
    fast = Guest(kernel, "kvm")
    if os.access("/dev/kvm", os.W_OK) and fast.boots(_KVM_BOOT):
        return fast
    return Guest(kernel, "tcg")
