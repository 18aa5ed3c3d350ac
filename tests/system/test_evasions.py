"""Ways to stay unseen, tried on the real kernel: the rule library still tells of them, with the true facts.

docs/evasions.md lists all of them, and those that succeed.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import rules
from collectors.kernel import HOOKS, KernelSource
from stream.engine import Engine
from tests.collectors.kernel.rings import RING
from tests.collectors.kernel.watching import Watch, watching
from wire.detection import Detection

pytestmark = pytest.mark.kernel

HASHES = "Password hashes read"
SHADOW = "/etc/shadow"

# A shell whose every word is ours, so that nothing of the caller's shell gets in the way.
LIBRARY = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
here = sys.argv[1]
"""


class Detector:
    """What the rule library finds in what processes of a test do."""

    def __init__(self, watch: Watch) -> None:
        """Begin with what already runs."""
        self._watch = watch
        self._engine = Engine(rules.load([]))
        self._seen = 0

    def script(self, script: str, directory: Path) -> list[Detection]:
        """Run a few lines of Python."""
        return self._found(self._watch.python(LIBRARY + script, str(directory)))

    def shell(self, script: str, directory: Path) -> list[Detection]:
        """Run a few lines of shell."""
        return self._found(self._watch.run("/bin/bash", "-c", script, cwd=directory))

    def _found(self, pid: int) -> list[Detection]:
        found: list[Detection] = []
        while self._seen < len(self._watch.batches):
            found += self._engine.process(self._watch.batches[self._seen])
            self._seen += 1
        return [each for each in found if pid in _line(each)]


def _line(detection: Detection) -> set[int]:
    """The process and its ancestors."""
    chain = [detection.process, *detection.ancestors]
    return {process.pid for process in chain if process is not None}


@pytest.fixture(scope="module")
def detector(kernel: None) -> Iterator[Detector]:
    """The whole library, over every event of this host."""
    if os.geteuid() != 0 or not Path(SHADOW).exists():
        pytest.skip(f"{SHADOW}, which these attacks read, is not there for us")
    with watching(KernelSource(tuple(HOOKS))) as watch:
        yield Detector(watch)


def names(found: list[Detection]) -> set[str]:
    """The rules that matched."""
    return {each.rule.name for each in found}


def hashes_read(found: list[Detection]) -> Detection:
    """The detection of the read, which names the file as it is."""
    (detection, *_) = [each for each in found if each.rule.name == HASHES]
    assert detection.fields["fd.name"] == SHADOW
    return detection


PATHS = {
    "symbolic link": "os.symlink('/etc/shadow', here + '/x')\nopen(here + '/x')",
    "link to a directory": "os.symlink('/etc', here + '/x')\nopen(here + '/x/shadow')",
    "chain of links": (
        "os.symlink('/etc', here + '/a')\nos.symlink(here + '/a', here + '/b')\nopen(here + '/b/shadow')"
    ),
    "working directory": "os.chdir('/etc')\nopen('shadow')",
    "fchdir": "os.fchdir(os.open('/etc', os.O_RDONLY))\nopen('shadow')",
    "descriptor of the directory": "os.open('shadow', os.O_RDONLY, dir_fd=os.open('/etc', os.O_PATH))",
    "dots and slashes": "open('/usr//../etc/./../etc///shadow')",
    "/proc/self/root": "open('/proc/self/root/etc/shadow')",
    "/proc/self/cwd": "os.chdir('/etc')\nopen('/proc/self/cwd/shadow')",
    "/proc/self/fd": "fd = os.open('/etc/shadow', os.O_PATH)\nopen(f'/proc/self/fd/{fd}')",
    "/dev/fd": "fd = os.open('/etc/shadow', os.O_PATH)\nopen(f'/dev/fd/{fd}')",
    "the longest path": "open('/etc' + '/.' * 2041 + '//shadow')",
    "another root directory": "os.chroot('/etc')\nopen('/shadow')",
    "openat2 with a root of its own": (
        "import struct\nfd = os.open('/etc', os.O_PATH)\n"
        "how = struct.pack('QQQ', 0, 0, 0x10)\nlibc.syscall(437, fd, b'/shadow', how, 24)"
    ),
    "creating it, which it does not": "os.open('/etc/shadow', os.O_RDONLY | os.O_CREAT | os.O_APPEND, 0o600)",
}


@pytest.mark.parametrize("script", PATHS.values(), ids=PATHS.keys())
def test_path(detector: Detector, tmp_path: Path, script: str) -> None:
    """However the file is named, it is found under its name."""
    hashes_read(detector.script(script, tmp_path))


def test_thread_that_rewrites_the_path(detector: Detector, tmp_path: Path) -> None:
    """Another thread puts a harmless path where the kernel has read the true one."""
    script = """
import threading
path, done = ctypes.create_string_buffer(b'/etc/shadow'), False
def rewrite():
    while not done:
        ctypes.memmove(path, b'/etc/passwd', 11)
        ctypes.memmove(path, b'/etc/shadow', 11)
thread = threading.Thread(target=rewrite)
thread.start()
opened = 0
while opened < 5:
    fd = libc.open(path, os.O_RDONLY)
    opened += os.readlink(f'/proc/self/fd/{fd}') == '/etc/shadow'
    os.close(fd)
done = True
thread.join()
"""
    hashes_read(detector.script(script, tmp_path))


def test_hard_link(detector: Detector, tmp_path: Path) -> None:
    """A second name is not recognised when it is read, but making it is."""
    try:
        os.link(SHADOW, tmp_path / "probe")
    except OSError as error:
        pytest.skip(f"no hard link from here to {SHADOW}: {error}")
    (tmp_path / "probe").unlink()
    script = "os.link('/etc/shadow', here + '/x')\nopen(here + '/x')\nos.unlink(here + '/x')"
    found = detector.script(script, tmp_path)
    assert names(found) == {"Link made to a file with secrets"}


def test_bind_mount(detector: Detector, tmp_path: Path) -> None:
    """A directory that is seen elsewhere: the mount is told, what is read through it is not."""
    script = """
if libc.unshare(0x20000) or libc.mount(None, b'/', None, 0x44000, None): sys.exit(1)
assert libc.mount(b'/etc', os.fsencode(here), None, 4096, None) == 0
open(here + '/shadow')
"""
    found = detector.script(script, tmp_path)
    assert names(found) == {"Secrets mounted in another place"}


def test_bind_mount_by_the_newer_calls(detector: Detector, tmp_path: Path) -> None:
    """The same without mount(2): a copy of the mount is made and put somewhere."""
    script = """
if libc.unshare(0x20000) or libc.mount(None, b'/', None, 0x44000, None): sys.exit(1)
tree = libc.syscall(428, -100, b'/etc', 1)
assert libc.syscall(429, tree, b'', -100, os.fsencode(here), 4) == 0
open(here + '/shadow')
"""
    assert names(detector.script(script, tmp_path)) == {"Secrets mounted in another place"}


def test_handle(detector: Detector, tmp_path: Path) -> None:
    """A file that is opened by the number that its file system gives it."""
    script = """
handle, mount = ctypes.create_string_buffer(bytes([128, 0, 0, 0]), 136), ctypes.c_int()
if libc.name_to_handle_at(-100, b'/etc/shadow', handle, ctypes.byref(mount), 0): sys.exit(3)
fd = libc.open_by_handle_at(os.open('/etc', os.O_RDONLY), handle, os.O_RDONLY)
assert fd >= 0, os.strerror(ctypes.get_errno())
"""
    program = [sys.executable, "-I", "-c", LIBRARY + script, str(tmp_path)]
    if subprocess.run(program, check=False, capture_output=True).returncode != 0:
        pytest.skip("the file system of /etc has no handles, or this process may not use them")
    hashes_read(detector.script(script, tmp_path))


def test_ring(detector: Detector, tmp_path: Path) -> None:
    """A read through io_uring is a read."""
    found = detector.script(RING + "Ring().open(b'/etc/shadow')", tmp_path)
    assert hashes_read(found).event["ring"] == "completed"
    assert "Ring of system calls made by a stranger" in names(found)


def test_ring_with_chain_and_hidden_success(detector: Detector, tmp_path: Path) -> None:
    """A request that waits for another one, takes a relative path and announces no success."""
    script = (
        RING
        + """
ring = Ring()
os.chdir('/etc')
ring.push(0, sqe=4)
ring.push(18, address=pointer(b'shadow'), sqe=64)
ring.enter(2, 1)
"""
    )
    assert hashes_read(detector.script(script, tmp_path)).event["ring"] == "submitted"


PROGRAMS = {
    "renamed": "cp /bin/cat ./harmless; ./harmless /etc/shadow",
    "false argv[0]": "exec -a sshd /bin/cat /etc/shadow",
    "name of a system program": "cp /bin/cat ./sshd; ./sshd /etc/shadow",
    "name that is no text": "cp /bin/cat $'./\\xff\\xfe'; $'./\\xff\\xfe' /etc/shadow",
    "hard link to a program": "cp /bin/cat a; ln a su; ./su /etc/shadow",
    "link to a program": "ln -s /bin/cat su; ./su /etc/shadow",
    "dynamic loader": "$(ls /lib64/ld-linux-*.so* /lib/ld-linux-*.so* | head -1) /bin/cat /etc/shadow",
    "deleted while it runs": "cp /bin/cat x; exec 3< <(sleep 0.2); ./x - /etc/shadow <&3 & rm x; wait",
    "by descriptor": "cp /bin/cat x; exec 3<x; rm x; /proc/self/fd/3 /etc/shadow",
    "script": "printf '#!/bin/cat\\n' > x; chmod +x x; ./x /etc/shadow",
    "200 arguments": "/bin/cat $(for i in $(seq 200); do echo -n ' -u'; done) /etc/shadow",
    "cleared environment": "env -i /bin/cat /etc/shadow",
    "own user namespace": "unshare -r -U /bin/cat /etc/shadow",
    "own mount namespace": "unshare -m /bin/cat /etc/shadow",
    "own process numbers": "unshare -p -f --mount-proc /bin/cat /etc/shadow",
    "own session": "setsid -w /bin/cat /etc/shadow",
    "orphan": "(setsid /bin/sh -c 'sleep 0.2; /bin/cat /etc/shadow' &) ; sleep 0.6",
}


@pytest.mark.parametrize("script", PROGRAMS.values(), ids=PROGRAMS.keys())
def test_program(detector: Detector, tmp_path: Path, script: str) -> None:
    """Whatever a program is called and however it is started, what it reads is told of the file that runs."""
    detection = hashes_read(detector.shell(script, tmp_path))
    assert detection.process
    assert detection.process.exepath
    assert not detection.process.exepath.endswith("/sshd") or str(tmp_path) in detection.process.exepath


def test_busybox_by_another_name(detector: Detector, tmp_path: Path) -> None:
    """A program of many names that was copied is not the system's one."""
    busybox = shutil.which("busybox")
    if busybox is None:
        pytest.skip("no busybox")
    shutil.copy(busybox, tmp_path / "login")
    detection = hashes_read(detector.shell("exec -a cat ./login /etc/shadow", tmp_path))
    assert detection.process
    assert detection.process.exepath == f"{tmp_path}/login"


def test_another_name_by_prctl(detector: Detector, tmp_path: Path) -> None:
    """A process that calls itself sshd is told by the file that it runs."""
    detection = hashes_read(detector.script("libc.prctl(15, b'sshd')\nopen('/etc/shadow')", tmp_path))
    assert detection.process
    assert detection.process.exepath == os.path.realpath(sys.executable)


def test_parent_that_is_gone(detector: Detector, tmp_path: Path) -> None:
    """A process whose parent and grandparent have ended is still told to descend from them."""
    script = """
if os.fork(): os.wait(); os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
while os.getppid() != 1 and not os.path.exists(here + '/x'): open(here + '/x', 'w').close()
os.execv('/bin/cat', ['cat', '/etc/shadow'])
"""
    detection = hashes_read(detector.script(script, tmp_path))
    assert [each.name for each in detection.ancestors[:2]] == [Path(sys.executable).name] * 2


MEMORY = """
fd = os.memfd_create('x')
os.write(fd, open('/bin/cat', 'rb').read())
"""


@pytest.mark.parametrize(
    "script",
    [
        "os.execv(f'/proc/self/fd/{fd}', ['cat', '/etc/shadow'])",
        "os.execve(fd, ['cat', '/etc/shadow'], {})",
    ],
    ids=["/proc/self/fd", "fexecve"],
)
def test_program_in_memory(detector: Detector, tmp_path: Path, script: str) -> None:
    """A program without a file is told as one, and what it reads."""
    found = detector.script(MEMORY + script, tmp_path)
    assert names(found) >= {"Program run from memory", HASHES}
    assert hashes_read(found).fields["proc.exepath"].startswith("/memfd:x")


def test_library_put_into_a_program(detector: Detector, tmp_path: Path) -> None:
    """A program that may read passwords is made to, by a library from a folder of the attacker's."""
    found = detector.shell(f"LD_PRELOAD={tmp_path}/none.so /bin/true 2>&-", tmp_path)
    assert "Library forced into a program by a variable" in names(found)


def test_long_command_line(detector: Detector, tmp_path: Path) -> None:
    """What matters behind 200 other arguments is found."""
    script = """
code = "import socket; s = socket.socket(); s.connect_ex(('127.0.0.1', 1)); '/bin/sh'"
os.execv(sys.executable, ['python'] + ['-B'] * 200 + ['-c', code])
"""
    assert "Interpreter told to connect a shell to the network" in names(detector.script(script, tmp_path))


def test_old_system_calls(detector: Detector, tmp_path: Path) -> None:
    """System calls made the 32-bit way pass by the tracepoints: what is opened like that is not seen."""
    script = """
import mmap, struct
low = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x40, prot=7)
at = ctypes.addressof(ctypes.c_char.from_buffer(low))
low[512:524] = b'/etc/shadow\\0'
code = bytes.fromhex('53b805000000bb') + struct.pack('I', at + 512) + bytes.fromhex('31c931d2cd805bc3')
low[:len(code)] = code
sys.exit(ctypes.CFUNCTYPE(ctypes.c_int)(at)() < 3)
"""
    if os.uname().machine != "x86_64":
        pytest.skip("only x86-64 has these calls")
    program = [sys.executable, "-I", "-c", LIBRARY + script, str(tmp_path)]
    if subprocess.run(program, check=False, capture_output=True).returncode != 0:
        pytest.skip("this kernel takes no 32-bit system calls")
    assert HASHES not in names(detector.script(script, tmp_path))
