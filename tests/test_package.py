"""The package: what the wheel holds, who owns its names, and that every registry is complete."""

import importlib
import importlib.metadata
import subprocess
import sys
import zipfile
from pathlib import Path

import click
import pytest

from sinks import SINKS
from tracetide.cli import tracetide
from tracetide.commands import COMMANDS
from tracetide.commands.rules import SUBCOMMANDS, rules

ROOT = Path(__file__).parent.parent
NAMES = ("wire", "bpf", "collectors", "rules", "stream", "sinks", "notify", "tracetide")

# Files of these folders that are no entries of their registry.
NO_SINKS = {
    "__init__", "attack", "body", "contract", "counters", "ecs", "elastic_setup", "embedded", "forwarder",
    "http", "letters", "runner", "settings", "store",
}  # fmt: skip
NO_COMMANDS = {"__init__"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """The wheel, built as for a release."""
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode != 0:
        if "clang" in built.stderr:
            pytest.skip("the wheel needs clang and libbpf-dev to be built")
        pytest.fail(built.stderr[-2000:])
    (path,) = folder.glob("tracetide-*-py3-none-any.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_every_module_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    """All modules, rules and BPF objects for both architectures; no tests, no caches."""
    inside = set(wheel.namelist())
    modules = {str(path.relative_to(ROOT)) for name in NAMES for path in (ROOT / name).rglob("*.py")}
    rules = {str(path.relative_to(ROOT)) for path in (ROOT / "rules").rglob("*.yaml")}
    assert modules | rules <= inside
    assert {path.split("/")[0] for path in inside if ".dist-info/" not in path} == set(NAMES)
    for architecture in ("x86_64", "aarch64"):
        for source in (ROOT / "bpf").glob("*.bpf.c"):
            assert f"bpf/objects/{architecture}/{source.stem}.o" in inside
    assert not [path for path in inside if "__pycache__" in path]


@pytest.mark.parametrize("name", NAMES)
def test_nobody_else_owns_our_names(name: str) -> None:
    """Another distribution with a package of the same name would shadow ours, or ours it."""
    owners = set(importlib.metadata.packages_distributions().get(name, ["tracetide"]))
    assert owners == {"tracetide"}


def test_every_sink_file_is_registered() -> None:
    """A new sink is a new file and a line in ``SINKS``; forgetting either is noticed."""
    files = {path.stem for path in (ROOT / "sinks").glob("*.py")} - NO_SINKS
    assert files == {module.removeprefix("sinks.") for module in SINKS.values()}


def test_every_command_file_is_registered_and_explains_itself() -> None:
    """A new command is a new file and a line in ``COMMANDS``; each has a help text."""
    assert _modules("tracetide/commands") == _registered(COMMANDS)
    assert _modules("tracetide/commands/rules") == _registered(SUBCOMMANDS)
    context = click.Context(tracetide)
    for group, names in ((tracetide, COMMANDS), (rules, SUBCOMMANDS)):
        for name in names:
            command = group.get_command(context, name)
            assert command is not None
            assert command.help, name


def _modules(folder: str) -> set[str]:
    """The modules and packages in a folder of commands."""
    files = {path.stem for path in (ROOT / folder).glob("*.py")}
    packages = {path.parent.name for path in (ROOT / folder).glob("*/__init__.py")}
    return (files | packages) - NO_COMMANDS


def _registered(registry: dict[str, str]) -> set[str]:
    """The modules that a registry of commands names."""
    return {entry.partition(":")[0].rsplit(".", 1)[-1] for entry in registry.values()}


@pytest.mark.parametrize("name", NAMES)
def test_every_module_can_be_imported(name: str) -> None:
    """No module depends on another having been imported before, or on a peer being there."""
    for path in (ROOT / name).rglob("*.py"):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if not module.endswith("__main__"):
            importlib.import_module(module)
