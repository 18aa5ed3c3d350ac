"""Which hooks are chosen for system calls."""

import os
import platform
import struct
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from collectors.kernel import HOOKS, KernelSource, casts, headers, libbpf, ways
from collectors.kernel.ways import Part, Way
from tests.collectors.kernel.watching import watching
from wire.event import Exec, Open

SYS = "__x64_sys" if platform.machine() == "x86_64" else "__arm64_sys"


@pytest.fixture
def functions(kernel: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kernel whose functions can be hooked, as far as the choice is concerned."""
    monkeypatch.setattr(ways, "way", Way)


def descriptors() -> Counter[str]:
    """What this process has open that belongs to BPF."""
    links = (link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink())
    return Counter(name for name in map(str, links) if "bpf" in name)


@pytest.mark.kernel
def test_trying_leaves_nothing_behind(kernel: None) -> None:
    """Whether functions can be hooked is found out with nothing left loaded, and the reason is one line."""
    before = descriptors()
    ways.way.cache_clear()
    found = ways.way()
    assert descriptors() == before
    assert "\n" not in str(found)
    assert ("fexit" in str(found)) == (found.problem is None)


@pytest.mark.kernel
def test_functions_are_preferred(functions: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where functions can be hooked, programs hang on them, those of one type together."""
    types = {f"{SYS}_openat": 1, f"{SYS}_openat2": 1, f"{SYS}_creat": 2}
    monkeypatch.setattr(libbpf, "kernel_functions", lambda names: {name: types[name] for name in names})
    assert ways.parts("file", ["on_openat", "on_openat2", "on_creat"]) == [
        Part("file", frozenset({"at_openat", "at_openat2"}), f"{SYS}_openat"),
        Part("file", frozenset({"at_creat"}), f"{SYS}_creat"),
    ]


@pytest.mark.kernel
def test_refused_functions(kernel: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they cannot, it is the tracepoints."""
    monkeypatch.setattr(ways, "way", lambda: Way("refused"))
    assert ways.parts("file", ["on_openat"]) == [Part("file", frozenset({"on_openat"}), None)]


@pytest.mark.kernel
def test_missing_function(functions: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call without such a function is hooked at its tracepoint, apart from the others."""
    monkeypatch.setattr(
        libbpf, "kernel_functions", lambda names: {name: 1 for name in names if not name.endswith("_creat")}
    )
    at, on = ways.parts("file", ["on_openat", "on_creat"])
    assert at.programs == {"at_openat"}
    assert on == Part("file", frozenset({"on_creat"}), None)


@pytest.mark.kernel
def test_other_hooks_are_no_choice(functions: None) -> None:
    """Programs on other hooks are the same everywhere."""
    wanted = frozenset({"on_execve", "on_fork"})
    assert ways.parts("process", wanted) == [Part("process", wanted, None)]


@pytest.mark.kernel
def test_functions_of_the_kernel(kernel: None) -> None:
    """The kernel's type information says which functions there are, and which are of one type."""
    found = libbpf.kernel_functions(["vfs_read", "kernel_read", "vfs_open", "no_such_function"])
    assert found.keys() == {"vfs_read", "kernel_read", "vfs_open"}
    assert found["vfs_read"] != found["vfs_open"]


def test_every_call_has_both_programs() -> None:
    """Each program on a tracepoint has one with the same body on the function of the same call."""
    for source in {hook.source for hook in HOOKS.values()}:
        loaded = ways.open_object(source)
        sections = {name: libbpf.section(program) for name, program in loaded.programs.items()}
        loaded.close()
        calls = {
            name: section.removeprefix("tp/syscalls/sys_exit_")
            for name, section in sections.items()
            if section.startswith("tp/")
        }
        for name, call in calls.items():
            if name != "on_finish":
                assert sections[name.replace("on_", "at_", 1)].endswith(f"_sys_{call}")


@pytest.mark.kernel
@pytest.mark.parametrize("source", sorted({hook.source for hook in HOOKS.values()} - headers.LEFT_OUT))
def test_maps_without_type_information(
    kernel: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, source: str
) -> None:
    """Where the kernel tells nothing of its types an object is loaded for its maps alone."""
    monkeypatch.setattr(ways, "BTF", tmp_path / "missing")
    monkeypatch.setattr(ways, "way", lambda: Way("no type information", typed=False))
    found = Part(source, frozenset(), None).open()
    try:
        found.load()
        assert {"config", "events", "moves", "records"} <= found.maps.keys()
    finally:
        found.close()


def test_names_of_costs() -> None:
    """What a program costs is told of its event type whatever the program hangs on."""
    assert ways.called("at_openat") == ways.called("on_openat") == "on_openat"


@pytest.mark.kernel
@pytest.mark.parametrize("event", ["openat", "execve"])
def test_a_kernel_that_cannot_cast_is_watched_too(
    kernel: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, event: str
) -> None:
    """Every look is a copy there: the same programs load, and see the same."""
    monkeypatch.setattr(casts, "function", lambda: None)
    with watching(KernelSource((event,))) as watch:
        pid = watch.run("/bin/cat", str(tmp_path / "missing"), stderr=subprocess.DEVNULL)
    seen = {each.path for each in watch.of(pid, Open)} if event == "openat" else set()
    assert (str(tmp_path / "missing") in seen) == (event == "openat")
    assert [each.exepath for each in watch.of(pid, Exec)] == [os.path.realpath("/bin/cat")]


def test_the_function_is_called_by_its_number() -> None:
    """The call and the mark are replaced, wherever they are, and nothing else is."""
    code = b"".join((ways.OBJECTS / f"{name}.bpf.o").read_bytes() for name in ("file", "process"))
    number = casts.function()
    if number is None:
        pytest.skip("this kernel has no bpf_rdonly_cast")
    fitted = casts.fitted(code)
    assert len(fitted) == len(code)
    before = [instruction for (instruction,) in struct.iter_unpack("<q", code)]
    after = [instruction for (instruction,) in struct.iter_unpack("<q", fitted)]
    changed = {(old >> 32, new >> 32) for old, new in zip(before, after, strict=True) if old != new}
    assert changed == {(0x7C0FFEE1, number), (0x7C0FFEE2, 1)}
