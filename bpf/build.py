"""Compiles the BPF programs for every architecture that tracetide runs on: ``python -m bpf.build``."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import which

HERE = Path(__file__).parent
OBJECTS = HERE / "objects"

# The machine's name (uname -m) and what libbpf's headers call it.
ARCHITECTURES = {"x86_64": "x86", "aarch64": "arm64"}

_LIBBPF = Path("/usr/include/bpf/bpf_helpers.h")
_FLAGS = ("-target", "bpf", "-mcpu=v3", "-g", "-O2", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter")


class BuildError(Exception):
    """The programs cannot be compiled: the message says why and what to do."""


def build() -> list[Path]:
    """Compile what is missing or older than its sources; the objects that were written.

    Raises:
        BuildError: clang or libbpf's headers are missing, or a program has an error.
    """
    stale = list(_stale())
    if stale:
        _check()
    for source, machine, target in stale:
        _compile(source, machine, target)
    return [target for _, _, target in stale]


def _stale() -> Iterator[tuple[Path, str, Path]]:
    headers = max(header.stat().st_mtime for header in HERE.glob("*.h"))
    for source in sorted(HERE.glob("*.bpf.c")):
        newest = max(headers, source.stat().st_mtime)
        for machine in ARCHITECTURES:
            target = OBJECTS / machine / f"{source.name.removesuffix('.c')}.o"
            if not target.exists() or target.stat().st_mtime < newest:
                yield source, machine, target


def _check() -> None:
    if which("clang") is None:
        raise BuildError("the BPF programs are compiled with clang, which is missing: apt-get install clang")
    if not _LIBBPF.exists():
        raise BuildError("libbpf's headers are missing: apt-get install libbpf-dev")


def _compile(source: Path, machine: str, target: Path) -> None:
    """Write to another name first, so that a target is complete or not there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(".new")
    command = ["clang", *_FLAGS, f"-D__TARGET_ARCH_{ARCHITECTURES[machine]}", f"-ffile-prefix-map={HERE}=bpf"]
    result = subprocess.run(
        [*command, "-c", str(source), "-o", str(unfinished)], capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        raise BuildError(f"{source.name} for {machine} does not compile:\n{result.stderr.strip()}")
    unfinished.replace(target)


def main() -> int:
    """Compile and say what was done."""
    try:
        written = build()
    except BuildError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    for target in written:
        sys.stdout.write(f"{target.relative_to(HERE.parent)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
