"""What the unit files and manifests grant is enough to watch a host, and nothing more than is said."""

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

DEPLOY = Path(__file__).parents[2] / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
FOUR = {"BPF", "PERFMON", "SYS_PTRACE", "DAC_READ_SEARCH"}

# Watches until the first event, with tracefs mounted where only this process sees it: the last of the
# arguments are the capabilities of an otherwise ordinary user.
_WATCH = """
mount -t tracefs tracefs /sys/kernel/tracing || exit 77
capabilities=$1
shift
exec setpriv --reuid 65534 --regid 65534 --clear-groups --bounding-set "-all,$capabilities" \
    --inh-caps "$capabilities" --ambient-caps "$capabilities" "$@"
"""
_FIRST = """
import asyncio
from collectors.contract import CollectorError
from collectors.kernel import KernelSource

async def main():
    batches = KernelSource().batches()
    try:
        while not any(event.type in ("execve", "openat") for event in (await anext(batches)).events):
            pass
        print("watched")
    except CollectorError as error:
        print(error)
    finally:
        await batches.aclose()

asyncio.run(main())
"""


def unit(path: Path) -> dict[str, str]:
    """The settings of a unit's service."""
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # systemd's names have capitals
    parser.read(path)
    return dict(parser["Service"])


# Everything in the manifests that a cluster would take, and the containers of its workloads.
DOCUMENTS: list[dict[str, Any]] = [
    each
    for path in MANIFESTS
    for each in yaml.safe_load_all(path.read_text())
    if each["kind"] != "Kustomization"
]
CONTAINERS: list[dict[str, Any]] = [
    container
    for document in DOCUMENTS
    for container in document.get("spec", {}).get("template", {}).get("spec", {}).get("containers", ())
]


def watched_with(capabilities: set[str]) -> str:
    """What a process says that watches with these capabilities, under a user who owns nothing."""
    granted = ",".join(f"+{name.lower()}" for name in sorted(capabilities))
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", _WATCH, "sh", granted, sys.executable, "-c", _FIRST],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=DEPLOY.parent,
    )
    if done.returncode == 77:
        pytest.skip(f"tracefs cannot be mounted here: {done.stderr.strip()}")
    return done.stdout + done.stderr


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_units_grant_the_four(path: Path) -> None:
    """A unit runs as a user of its own, whose capabilities are four and can never be more."""
    service = unit(path)
    assert service["User"] == "tracetide"
    assert service["NoNewPrivileges"] == "yes"
    for key in ("AmbientCapabilities", "CapabilityBoundingSet"):
        assert {name.removeprefix("CAP_") for name in service[key].split()} == FOUR


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_units_are_understood(path: Path, tmp_path: Path) -> None:
    """A unit is one that systemd has nothing to say against."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    program = tmp_path / "tracetide"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    copy = tmp_path / path.name
    copy.write_text(re.sub(r"ExecStart=\S+", f"ExecStart={program}", path.read_text()))
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(copy)], capture_output=True, text=True, check=False
    )
    assert path.name not in done.stderr
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document["kind"])
def test_manifests_are_understood(document: dict[str, Any]) -> None:
    """Every manifest follows the schema of its kind, and no key is unknown there."""
    kubernetes_validate.validate(document, "1.32", strict=True)


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda container: container["name"])
def test_manifests_grant_no_more(container: dict[str, Any]) -> None:
    """Only the collector has capabilities, the four; nothing is privileged or can become so."""
    context = container["securityContext"]
    assert context["capabilities"]["drop"] == ["ALL"]
    expected = FOUR if container["name"] == "collector" else set()
    assert set(context["capabilities"].get("add", ())) == expected
    assert context["allowPrivilegeEscalation"] is False
    assert context["readOnlyRootFilesystem"] is True


@pytest.mark.kernel
def test_four_are_enough(kernel: None) -> None:
    """An ordinary user with the four capabilities watches the host."""
    assert watched_with(FOUR) == "watched\n"


@pytest.mark.kernel
@pytest.mark.parametrize("missing", sorted(FOUR))
def test_none_can_be_missing(kernel: None, missing: str) -> None:
    """With one of them missing, a sentence names it."""
    said = watched_with(FOUR - {missing})
    assert f"the kernel cannot be watched here: CAP_{missing} is missing" in said
    assert "Traceback" not in said
