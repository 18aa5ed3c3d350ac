"""Which hooks are chosen for system calls."""

from collections import Counter
from pathlib import Path

import pytest

from collectors.kernel import HOOKS, libbpf, ways
from collectors.kernel.ways import Way


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
def test_functions_are_preferred(functions: None) -> None:
    """Where functions can be hooked, programs and the one that they jump to hang on them."""
    assert ways.parts("file", {"on_openat", "on_openat2"}) == [{"at_openat", "at_openat2", "at_finish"}]


@pytest.mark.kernel
def test_refused_functions(kernel: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where they cannot, it is the tracepoints."""
    monkeypatch.setattr(ways, "way", lambda: Way("refused"))
    assert ways.parts("file", {"on_openat"}) == [{"on_openat", "on_finish"}]


@pytest.mark.kernel
def test_missing_function(functions: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call without such a function is hooked at its tracepoint, apart from the others."""
    monkeypatch.setattr(
        libbpf, "kernel_functions", lambda names: {name for name in names if not name.endswith("_creat")}
    )
    parts = ways.parts("file", {"on_openat", "on_creat"})
    assert parts == [{"at_openat", "at_finish"}, {"on_creat", "on_finish"}]


@pytest.mark.kernel
def test_other_hooks_are_no_choice(functions: None) -> None:
    """Programs on other hooks are the same everywhere."""
    assert ways.parts("process", {"on_execve", "on_fork"}) == [{"on_execve", "on_fork"}]


@pytest.mark.kernel
def test_functions_of_the_kernel(kernel: None) -> None:
    """The kernel's type information says which functions there are."""
    assert libbpf.kernel_functions(["vfs_read", "no_such_function"]) == {"vfs_read"}


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
            if name not in ways.FINISHES:
                assert sections[name.replace("on_", "at_", 1)].endswith(f"_sys_{call}")


def test_names_of_costs() -> None:
    """What a program costs is told of its event type whatever the program hangs on."""
    assert ways.called("at_openat") == ways.called("on_openat") == "on_openat"
