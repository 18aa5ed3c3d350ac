"""Does a few things, and writes how the kernel tells them: ``python -m tests.collectors.kernel.actions``.

The first argument is a file, which gets a JSON object with ``way`` and ``events``; the others are sources of
programs, of which the events are wanted. With ``tracepoints`` among them system calls are hooked there.
"""

import json
import lzma
import platform
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import msgspec

from collectors.kernel import HOOKS, KernelSource, ways
from tests.collectors.kernel.watching import watching

ACTIONS = """
import ctypes, os, socket, subprocess, sys
here, module = sys.argv[1:]
os.chdir(here)
os.close(os.open('new', os.O_RDWR | os.O_CREAT, 0o640))
os.rename('new', here + '/old')
os.symlink('/etc/passwd', 'link')
os.chmod('old', 0o4755)
os.chown('old', 1, 2)
os.mkdir('folder')
os.unlink('old')
os.rmdir('folder')
try:
    open('/no/such/file')
except FileNotFoundError:
    pass
with socket.create_server(('127.0.0.1', 40404)) as server:
    with socket.create_connection(('127.0.0.1', 40404), 9, ('127.0.0.1', 40405)) as client:
        with server.accept()[0] as accepted:
            client.sendall(b'hello')
            accepted.recv(10)
with socket.socket(socket.AF_UNIX) as unix:
    unix.bind(here + '/socket')
    unix.listen()
os.dup2(1, 9)
os.memfd_create('hidden')
libc = ctypes.CDLL(None)
libc.prctl(15, b'renamed', 0, 0, 0)
libc.ptrace(0x4206, 1, 0, 0)
libc.mount(b'none', here.encode(), b'tmpfs', 0, None)
libc.umount2(here.encode(), 2)
libc.unshare(0x400)
file = os.open(module, os.O_RDONLY)
libc.syscall(313, file, b'numdummies=1', 0)
libc.syscall(176, b'dummy', 0o4000)
libc.syscall(175, b'none', 4, b'key=value')
subprocess.run(['/bin/sh', '-c', 'exit 3', 'argument'], env={'LD_PRELOAD': ''})
os.setgid(7)
os.setuid(8)
"""

# Seconds that programs may take to be compiled where the processor is emulated.
_PATIENCE = 1200.0

# What differs from run to run.
_VOLATILE = frozenset(
    {
        "seq",
        "time",
        "pid",
        "tid",
        "start",
        "parents",
        "cgroup",
        "cgroup_path",
        "parent",
        "parent_start",
        "vpid",
        "inode",
    }
)


def main(target: Path, sources: Collection[str], *, tracepoints: bool) -> None:
    """Watch, act, and write."""
    if tracepoints:
        ways.way = lambda: ways.Way("not wanted")  # type: ignore[assignment]  # as the kernel might answer
    events = tuple(name for name, hook in HOOKS.items() if hook.source in sources)
    with watching(KernelSource(events), _PATIENCE) as watch, tempfile.TemporaryDirectory() as scratch:
        acting = watch.python(ACTIONS, scratch, _module(Path(scratch)))
        seen = [
            _steady(msgspec.to_builtins(event), scratch)
            for event in watch.events
            if acting in (event.pid, getattr(event, "parent", None))
        ]
    target.write_text(json.dumps({"way": str(ways.way()), "events": seen}))


def _module(scratch: Path) -> str:
    """The file of a module that may be loaded; it is unpacked if Debian has compressed it."""
    module = Path(f"/lib/modules/{platform.release()}/kernel/drivers/net/dummy.ko")
    compressed = Path(f"{module}.xz")
    if not compressed.exists():
        return str(module)
    target = scratch / "drivers/net/dummy.ko"
    target.parent.mkdir(parents=True)
    target.write_bytes(lzma.decompress(compressed.read_bytes()))
    return str(target)


def _steady(event: dict[str, Any], scratch: str) -> dict[str, Any]:
    """An event without what differs from run to run."""
    if event.get("type") == "prctl":  # where in memory the name is
        event = {**event, "args": event["args"][:1]}
    text = json.dumps(event).replace(scratch, "HERE")
    kept: dict[str, Any] = json.loads(text, object_pairs_hook=_without_volatile)
    return kept


def _without_volatile(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value for name, value in pairs if name not in _VOLATILE}


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:], tracepoints="tracepoints" in sys.argv)
