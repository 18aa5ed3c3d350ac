"""The collector on Debian's kernel in a virtual machine: functions hooked, modules loaded, and without BTF.

That a kernel has no type information is imitated: a file system mounted there hides it.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from collectors.kernel import HOOKS
from tests.peers.guest import Guest

pytestmark = pytest.mark.slow

# Emulated, a test takes seconds; these load every program and look at the fields of most.
TESTED = ("again", "call", "open", "uring", "ways")
TESTS = tuple(f"tests/collectors/kernel/test_{name}.py" for name in TESTED)

# Without the folders' conftest.py, which would import every peer there is.
PYTEST = """PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 .venv/bin/python -m pytest -q --noconftest -p no:cacheprovider \\
    -p pytest_asyncio.plugin -p tests.peers.kernel -p tests.collectors.kernel.conftest"""

ACT = ".venv/bin/python -m tests.collectors.kernel.actions"
SOURCES = sorted({hook.source for hook in HOOKS.values()})
COMMANDS = f"""
{ACT} /run/shared/functions.json {" ".join(SOURCES)}
{ACT} /run/shared/tracepoints.json tracepoints {" ".join(SOURCES)}
{PYTEST} --junitxml=/run/shared/tests.xml {" ".join(TESTS)} || true
"""

# Emulated, it takes about a minute to compile a source.
COMPILED = ("process", "file")
WITHOUT_BTF = f"""
mount -t tmpfs hidden /sys/kernel/btf
why="from collectors.kernel import why_not; print(why_not())"
headers=/lib/modules/$(uname -r)/build/include/generated
cp $headers/utsrelease.h /run
sed -i 's/"6.*"/"6.1.0-1-other"/' $headers/utsrelease.h
.venv/bin/python -c "$why" > /run/shared/other_headers
mv $headers $headers.away
.venv/bin/python -c "$why" > /run/shared/no_headers
mv $headers.away $headers
cp /run/utsrelease.h $headers
{ACT} /run/shared/compiled.json {" ".join(COMPILED)}
"""


@dataclass(frozen=True)
class Found:
    """What came back from the guest: how it was watched, and what was seen of the same actions."""

    folder: Path

    def actions(self, name: str) -> dict[str, Any]:
        """``way`` and ``events`` of one run of tests/collectors/kernel/actions.py."""
        found: dict[str, Any] = json.loads((self.folder / f"{name}.json").read_text())
        return found

    def events(self, name: str, kind: str) -> list[dict[str, Any]]:
        """The events of one type."""
        return [event for event in self.actions(name)["events"] if _type(event) == kind]


@pytest.fixture(scope="module", params=["guest", "newest_guest"])
def found(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """One run of a guest."""
    machine: Guest = request.getfixturevalue(request.param)
    folder = tmp_path_factory.mktemp("guest")
    machine.run(COMMANDS, folder, 400)
    return Found(folder)


@pytest.fixture(scope="module")
def compiled(guest: Guest, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """Another run, without type information."""
    if not Path("/usr/lib/python3/dist-packages/bcc").exists():
        pytest.skip("BCC is not installed (Debian: python3-bpfcc)")
    folder = tmp_path_factory.mktemp("compiled")
    guest.run(WITHOUT_BTF, folder, 900)
    return Found(folder)


def test_tests_of_the_kernel_pass_there(found: Found) -> None:
    """What holds on this machine's kernel holds where system calls are hooked at their functions."""
    cases = list(ET.parse(found.folder / "tests.xml").getroot().iter("testcase"))  # noqa: S314  # it is ours
    failed = [case.get("name") for case in cases if {each.tag for each in case} & {"failure", "error"}]
    assert not failed
    passed = {case.get("classname", "").replace(".", "/") for case in cases if not len(case)}
    assert {f"{name}.py" for name in passed} == set(TESTS)


def test_functions_are_hooked(found: Found) -> None:
    """This kernel lets functions be hooked, and that is what the collector chooses and says."""
    assert found.actions("functions")["way"] == "system calls at their functions (fexit)"
    assert "tracepoints" in found.actions("tracepoints")["way"]


def test_both_hooks_see_the_same(found: Found) -> None:
    """The same actions give the same events in the same order, with the same fields."""
    functions, tracepoints = found.actions("functions")["events"], found.actions("tracepoints")["events"]
    assert len(functions) > 50
    assert functions == tracepoints


def test_modules(found: Found) -> None:
    """A module that is really loaded, really taken out, and one that is none."""
    (loaded,) = found.events("functions", "finit_module")
    assert loaded["result"] == 0
    assert loaded["file"]["name"].endswith("/drivers/net/dummy.ko")
    assert loaded["text"] == "numdummies=1"
    (gone,) = found.events("functions", "delete_module")
    assert (gone["result"], gone["text"]) == (0, "dummy")
    (none,) = found.events("functions", "init_module")
    assert (none["result"], none["text"]) == (-8, "key=value")


@pytest.mark.parametrize("found", ["guest"], indirect=True)
def test_compiled_programs_see_the_same(found: Found, compiled: Found) -> None:
    """Programs that BCC has compiled there tell the same actions with the same fields."""
    assert "BCC" in compiled.actions("compiled")["way"]
    mine = {name for name, hook in HOOKS.items() if hook.source in COMPILED} | {"exec", "exit"}
    expected = [event for event in found.actions("functions")["events"] if _type(event) in mine]
    assert compiled.actions("compiled")["events"] == expected
    assert {_type(event) for event in expected} >= {"fork", "exec", "exit", "openat"}


@pytest.mark.parametrize(
    ("file", "words"),
    [("other_headers", "are those of 6.1.0-1-other"), ("no_headers", "no headers of this kernel")],
)
def test_only_headers_of_this_kernel(compiled: Found, guest: Guest, file: str, words: str) -> None:
    """Headers of another kernel would give wrong values without a sign: they are refused, with the remedy."""
    said = (compiled.folder / file).read_text()
    assert words in said
    assert f"install linux-headers-{guest.release}" in said


def _type(event: dict[str, Any]) -> str:
    return str(event.get("type", event["kind"]))
