"""Programs for kernels without type information: BCC compiles them on the host, by the kernel's headers.

BCC works in a process of its own, of the system's Python: its compiler does not stay in memory, and what it
does in case of an error is not done to the collector.
"""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import bpf
from bpf.build import ARCHITECTURES
from collectors.kernel import libbpf
from collectors.kernel.libbpf import BpfError, Program

_SOURCES = Path(bpf.__file__).parent
_COMPILER = ["/usr/bin/python3", "-I", str(_SOURCES / "by_bcc.py")]
_MODULES = Path("/lib/modules")
_PATIENCE = 300.0

# Sources that look into what is in no header, or hang on functions.
LEFT_OUT = frozenset({"dns", "uring"})

_TYPED = "tp_btf/"
_TRACEPOINT, _RAW_TRACEPOINT = 5, 17  # enum bpf_prog_type


def why_not() -> str | None:
    """``None`` if there is what it takes to compile for the running kernel."""
    release = platform.release()
    build = _MODULES / release / "build"
    remedy = f"install linux-headers-{release}"
    try:
        generated = (build / "include/generated/utsrelease.h").read_text()
    except OSError:
        return f"there are no headers of this kernel in {build}: {remedy}"
    found = re.search(r'UTS_RELEASE "(.*)"', generated)
    if found is None or found[1] != release:
        other = found[1] if found else "an unknown kernel"
        return f"the headers in {build} are those of {other}, and this kernel is {release}: {remedy}"
    probe = [_COMPILER[0], "-I", "-c", "import bcc"]
    try:
        subprocess.run(probe, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "BCC is not there for the system's Python: install python3-bpfcc"
    return None


def load(
    source: str, sections: Mapping[str, str], maps: Mapping[str, int], cleanup: ExitStack
) -> dict[str, Program]:
    """Compile and load programs of a source; ``maps`` has descriptors by the names that the source uses.

    They are given up at ``cleanup``.

    Raises:
        BpfError: BCC or the kernel refused.
    """
    programs = {}
    for name, code in _compile(source, list(sections), maps).items():
        programs[name] = libbpf.load_program(name, code, *_kind(sections[name]))
        cleanup.callback(os.close, programs[name].fd)
    return programs


def _kind(section: str) -> tuple[int, str]:
    """The type of the program, and the section that says how to attach it without type information."""
    if section.startswith(_TYPED):
        return _RAW_TRACEPOINT, libbpf.RAW_TRACEPOINT + section.removeprefix(_TYPED)
    return _TRACEPOINT, section


def _compile(source: str, programs: list[str], maps: Mapping[str, int]) -> dict[str, bytes]:
    # BCC takes functions of the main source only.
    mains = [f"int {name}(void *context) {{ return run_{name}(context); }}" for name in programs]
    asked = {
        "text": "\n".join([f'#include "{source}.bpf.c"', *mains, ""]),
        "flags": [
            "-DTRACETIDE_BY_HEADERS",
            f"-D__TARGET_ARCH_{ARCHITECTURES[platform.machine()]}",
            f"-I{_SOURCES}",
            *(f"-DMAP_{name}={fd}" for name, fd in maps.items() if name.isidentifier()),
            "-w",
            "-Werror=implicit-function-declaration",
        ],
        "programs": programs,
    }
    try:
        done = subprocess.run(
            _COMPILER, input=json.dumps(asked), capture_output=True, text=True, check=True, timeout=_PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BpfError(f"{source}.bpf.c cannot be compiled here: {error}") from error
    except subprocess.CalledProcessError as error:
        raise BpfError(f"{source}.bpf.c does not compile here:\n{error.stderr.strip()[-2000:]}") from error
    lines = (line.split() for line in done.stdout.splitlines())
    return {name: bytes.fromhex(code) for name, code in lines}
