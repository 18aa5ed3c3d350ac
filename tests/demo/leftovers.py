"""What is left of a demo that is over: mounts, files, processes, control groups, BPF programs."""

import ctypes
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")
_CONTAINER = re.compile(r"[0-9a-f]{64}")
_PROGRAM = re.compile(r"^prog_id:\s*(\d+)", re.MULTILINE)

# The kernel lets go of programs and control groups a moment after their last user.
_GRACE = 5.0


@dataclass(frozen=True)
class Before:
    """What was there before, of what is not below ``place``, the demo's own directory for temporary files."""

    place: Path
    cgroups: frozenset[str]
    programs: frozenset[int]

    def leftovers(self) -> list[str]:
        """What the demo has left behind, given a moment to vanish; a line each, best none."""
        deadline = time.monotonic() + _GRACE
        while (left := self.now()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return left

    def now(self) -> list[str]:
        """What is there at this moment that was not there before."""
        return [
            *(f"file {path}" for path in sorted(self.place.iterdir())),
            *(f"mount {mount}" for mount in _mounts(self.place)),
            *(f"process {process}" for process in _processes(self.place)),
            *(f"control group {group}" for group in sorted(cgroups() - self.cgroups)),
            *(f"BPF program {number}" for number in sorted(ownerless_programs() - self.programs)),
        ]


def before(place: Path) -> Before:
    """Take note of what is there; start the demo with ``TMPDIR`` set to ``place`` afterwards."""
    return Before(place, frozenset(cgroups()), frozenset(ownerless_programs()))


def cgroups() -> set[str]:
    """The control groups that are named like containers."""
    return {str(path) for path in _CGROUPS.glob("**/*") if _CONTAINER.search(path.name)}


def ownerless_programs() -> set[int]:
    """The BPF programs that no process holds: a pin or an attachment keeps them alive."""
    return _programs() - _held_programs()


def _programs() -> set[int]:
    found = set()
    number = ctypes.c_uint32(0)
    with suppress(OSError):  # without libbpf there are no programs of the demo either
        libbpf = ctypes.CDLL("libbpf.so.1")
        while libbpf.bpf_prog_get_next_id(number.value, ctypes.byref(number)) == 0:
            found.add(number.value)
    return found


def _held_programs() -> set[int]:
    """The programs that processes have open, by themselves or through a link (kernel/bpf/syscall.c)."""
    found = set()
    for descriptors in Path("/proc").glob("[0-9]*/fdinfo"):
        with suppress(OSError):
            for descriptor in descriptors.iterdir():
                found |= {int(number) for number in _PROGRAM.findall(descriptor.read_text())}
    return found


def _mounts(place: Path) -> list[str]:
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line for line in lines if str(place) in line]


def _processes(place: Path) -> list[str]:
    found = []
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            text = command.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            environment = command.with_name("environ").read_bytes().decode(errors="replace")
            if str(place) in text or f"TMPDIR={place}" in environment:
                found.append(f"{command.parent.name} {text}")
    return found
