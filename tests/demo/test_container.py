"""Containers made on the spot: real ones, shut off, and gone without a trace."""

import re
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.demo.leftovers import before
from tracetide.demo.container import Workshop, run_once, running, runtime, workshop
from tracetide.demo.errors import ContainerError
from tracetide.demo.image import File, busybox

pytestmark = pytest.mark.containers


def test_a_container_runs_its_program_and_is_over(containers: Workshop) -> None:
    """The output and the exit status of the one program are those of the run."""
    done = run_once(containers, "/bin/sh", "-c", "echo hello; exit 7")
    assert (done.returncode, done.stdout) == (7, "hello\n")


def test_its_control_group_names_it(containers: Workshop) -> None:
    """The container's id, 64 hexadecimal digits, is the last component of its path in version 2."""
    with running(containers, "/bin/sleep", "60") as container:
        assert re.fullmatch("[0-9a-f]{64}", container.id)
        lines = Path(f"/proc/{container.pid}/cgroup").read_text().splitlines()
        assert f"0::/{container.id}" in lines


def test_other_programs_can_be_run_in_it(containers: Workshop) -> None:
    """``execute`` is beside the container's first process, in its file system and its process ids."""
    with running(containers, "/bin/sleep", "60") as container:
        assert "1 root" in container.execute("/bin/ps").stdout
        container.execute("/bin/sh", "-c", "echo here > /tmp/there")
        assert (container.root / "tmp/there").read_text() == "here\n"


def test_what_it_writes_lies_in_its_own_layer(containers: Workshop) -> None:
    """The image stays as it is: the root is an overlay as with Docker."""
    with running(containers, "/bin/sleep", "60") as container:
        container.execute("/bin/cp", "/bin/busybox", "/usr/bin/dropped")
        assert (container.root / "usr/bin/dropped").exists()
        assert not (containers.image / "usr/bin/dropped").exists()
        assert "overlay / overlay" in container.execute("/bin/cat", "/proc/mounts").stdout


def test_it_has_no_network_but_loopback(containers: Workshop) -> None:
    """A hole in what runs there is a hole for nobody else."""
    links = run_once(containers, "/bin/ls", "/sys/class/net").stdout.split()
    assert links == ["lo"]


def test_it_has_the_rights_that_docker_gives(containers: Workshop) -> None:
    """Root in the container is not root: the effective capabilities are Docker's 14."""
    status = run_once(containers, "/bin/cat", "/proc/self/status").stdout
    assert "CapEff:\t00000000a80425fb" in status


def test_a_program_that_is_not_there_is_an_error_with_the_runtimes_reason(containers: Workshop) -> None:
    """The reason is one line and names the program."""
    with pytest.raises(ContainerError, match="nonesuch"), running(containers, "/bin/nonesuch"):
        pass


@pytest.mark.usefixtures("containers")
def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No mount, file, process or control group remains, also when the work in the container fails."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    then = before(tmp_path)
    with (  # noqa: PT012  # the error must come from within the container's life
        pytest.raises(RuntimeError, match="in the middle"),
        workshop({"etc/motd": File("hello\n")}) as place,
        running(place, "/bin/sleep", "60") as container,
    ):
        assert container.execute("/bin/cat", "/etc/motd").stdout == "hello\n"
        assert then.now()
        raise RuntimeError("in the middle")
    assert then.leftovers() == []


@pytest.mark.usefixtures("containers")
def test_a_container_that_dies_by_itself_leaves_nothing_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of its first process is the end of the container."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    then = before(tmp_path)
    with workshop({}) as place, running(place, "/bin/sleep", "0.2") as container:
        subprocess.run(["tail", f"--pid={container.pid}", "-f", "/dev/null"], check=True, timeout=10)
    assert then.leftovers() == []


def test_missing_programs_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a runtime or a static busybox the error says what to install."""
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ContainerError, match="runc"):
        runtime()
    with pytest.raises(ContainerError, match="busybox-static"):
        busybox()
