"""The programs in C and the table in Python."""

import re
from pathlib import Path

import pytest

from bpf import build
from collectors.kernel.hooks import ALWAYS, HOOKS, RING
from collectors.kernel.layout import KINDS
from wire.event_types import NUMBERS

SOURCES = sorted(build.HERE.glob("*.bpf.c"))

# SYSCALL(openat, 6) and TRACEPOINT(sched_process_fork, on_fork, ...).
SYSCALL = re.compile(r"^(?:SYSCALL(?:_AT)?|OPEN)\((\w+), (\d+)[,)]", re.MULTILINE)
RAW_TRACEPOINT = re.compile(r'^SEC\("raw_tp/\w+"\) int (?:BPF_PROG\()?(\w+)[(,]', re.MULTILINE)
TRACEPOINT = re.compile(r"^TRACEPOINT\(\w+, (\w+),", re.MULTILINE)


def programs() -> set[tuple[str, str]]:
    """Source and name of every program."""
    found = set()
    for source in SOURCES:
        name, text = source.name.removesuffix(".bpf.c"), source.read_text()
        found |= {(name, f"on_{call}") for call, _ in SYSCALL.findall(text)}
        found |= {(name, program) for program in TRACEPOINT.findall(text)}
        found |= {(name, program) for program in RAW_TRACEPOINT.findall(text)}
    return found


def test_every_program_is_registered() -> None:
    """A program without a line in the table is never loaded; a line without a program loads nothing."""
    registered = {(hook.source, hook.program) for hook in HOOKS.values()}
    assert registered | RING == programs()


def test_operations_agree() -> None:
    """An operation of io_uring is the same event in C as in the table."""
    text = (build.HERE / "request.bpf.h").read_text()
    operations = {name: int(number) for name, number in re.findall(r"(IORING_OP_\w+) = (\d+)", text)}
    cases = re.findall(r"((?:\tcase IORING_OP_\w+:\n)+)\t\treturn (\d+);", text)
    reported = {
        operations[name]: int(kind) for names, kind in cases for name in re.findall(r"IORING_OP_\w+", names)
    }
    assert reported.keys() == set(operations.values())
    assert reported == {operation: hook.kind for hook in HOOKS.values() for operation in hook.ring}


def test_numbers_agree() -> None:
    """A system call's number in C is that of its line in the table."""
    for source in SOURCES:
        for call, number in SYSCALL.findall(source.read_text()):
            assert HOOKS[call].kind == int(number)


def test_arguments_agree() -> None:
    """A program tells every number that an argument is made of."""
    told = re.compile(r"^SYSCALL\((\w+), \d+\)\n\{\n(.*?)^\}", re.MULTILINE | re.DOTALL)
    counts = {
        call: int(count[1])
        for source in SOURCES
        for call, body in told.findall(source.read_text())
        if (count := re.search(r"\.count = (\d+)", body))
    }
    assert counts == {call: number for call, number in NUMBERS.items() if number}


def test_numbers_of_processes_agree() -> None:
    """The same for the events whose numbers are named, those of processes among them."""
    text = (build.HERE / "events.h").read_text()
    named = re.search(r"enum kind \{(.*?)\};", text, re.DOTALL)
    assert named
    numbers = {name.lower(): int(number) for name, number in re.findall(r"KIND_(\w+) = (\d+)", named[1])}
    assert numbers == {name: HOOKS[name].kind for name in numbers}
    assert numbers.keys() >= {name for name, hook in HOOKS.items() if hook.source == "process"}


def test_numbers_are_unique() -> None:
    """Each event type has its own place in the table of losses."""
    kinds = [hook.kind for hook in HOOKS.values()]
    assert len(set(kinds)) == len(kinds)
    assert all(0 < kind < KINDS for kind in kinds)
    assert HOOKS.keys() >= ALWAYS


@pytest.mark.parametrize("machine", build.ARCHITECTURES)
def test_compiles(clang: str, machine: str) -> None:
    """Every program compiles for every architecture, without a warning."""
    build.build()
    for source in SOURCES:
        header = (build.OBJECTS / machine / source.with_suffix(".o").name).read_bytes()[:20]
        assert header[:6] == b"\x7fELF\x02\x01"
        assert int.from_bytes(header[18:20], "little") == 247, "the number of BPF as a machine"


def test_compiles_once(clang: str) -> None:
    """What is up to date is not compiled again."""
    build.build()
    assert build.build() == []


def test_without_compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A missing compiler is named, with how to get it."""
    monkeypatch.setattr(build, "OBJECTS", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(build.BuildError, match="apt-get install clang"):
        build.build()


def test_faulty_program(clang: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A program with a mistake leaves no object, and the compiler's words are shown."""
    for header in build.HERE.glob("*.h"):
        (tmp_path / header.name).write_text(header.read_text())
    (tmp_path / "wrong.bpf.c").write_text('#include "common.bpf.h"\nint f(void) { return nothing; }\n')
    monkeypatch.setattr(build, "HERE", tmp_path)
    monkeypatch.setattr(build, "OBJECTS", tmp_path / "objects")
    with pytest.raises(build.BuildError, match=r"(?s)wrong.bpf.c for x86_64 does not compile.*'nothing'"):
        build.build()
    assert not list(tmp_path.rglob("*.o"))


@pytest.mark.parametrize("source", [*SOURCES, *build.HERE.glob("*.h")], ids=lambda path: path.name)
def test_licence(source: Path) -> None:
    """Every file of C says under which licences it may be used."""
    assert "SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause" in source.read_text().splitlines()[0]
