"""Real Docker and real podman, asked about containers whose events are seen by the real kernel."""

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from collectors.inventory.docker import description
from tests.collectors.inventory.watching import before_first_exec, described, told
from tests.peers.engines import IMAGE, Engine, waited_for
from wire.event import Container, Snapshot
from wire.inventory import Mount

pytestmark = [pytest.mark.kernel, pytest.mark.containers]

RUN = ("run", "--network", "none")


@pytest.fixture(params=["docker", "podman"])
def engine(request: pytest.FixtureRequest, kernel: None) -> Engine:
    """One of the two."""
    found: Engine = request.getfixturevalue(request.param)
    return found


def test_a_container_is_described_before_its_first_program(engine: Engine, tmp_path: Path) -> None:
    """Name, image, labels, rights and mounts are there when the rules see its first exec."""
    mounted = f"{tmp_path}:/data:ro"
    options = ["--name", "web", "--label", "team=shop", "-v", mounted, "--pid", "host"]
    # Docker gives all capabilities that there are, and cannot where one is missing.
    privileged = engine.name == "podman"
    options += ["--privileged"] if privileged else []
    with described({engine.name: engine.socket}) as watch:
        container = engine(*RUN, "-d", *options, IMAGE, "/bin/sleep", "60")
        watch.settle()
        event = before_first_exec(watch, container)
        engine.remove(container)
    assert event is not None
    about = event.about
    assert about is not None
    assert (about.runtime, about.name, about.privileged) == (engine.name, "web", privileged)
    assert (about.image or "").endswith(IMAGE)
    assert re.fullmatch("[0-9a-f]{64}", about.image_id or "")
    assert about.labels == {"team": "shop", "from": "image"}
    assert (about.host_pid, about.host_network) == (True, False)
    mounts = [mount for mount in about.mounts or () if mount.destination == "/data"]
    assert [(mount.source, mount.writable) for mount in mounts] == [(str(tmp_path), False)]


def test_a_container_that_ends_at_once_is_described_too(engine: Engine) -> None:
    """It is gone, and its record with it, before the events can be looked at."""
    with described({engine.name: engine.socket}) as watch:
        for number in range(5):
            engine(*RUN, "--rm", "--name", f"short-{number}", IMAGE, "/bin/true")
        watch.settle()
        names = {
            event.id: event.about.name or ""
            for event in watch.events
            if isinstance(event, Container) and event.about
        }
    assert sorted(names.values()) == [f"short-{number}" for number in range(5)]


def test_what_ran_before_is_described_too(engine: Engine) -> None:
    """A collector that starts later tells of a container before the snapshot of its processes."""
    container = engine(*RUN, "-d", "--name", "old", IMAGE, "/bin/sleep", "60")
    with described({engine.name: engine.socket}) as watch:
        watch.settle()
        found = told(watch, container)
    engine.remove(container)
    assert [each.about and each.about.name for each in found][:1] == ["old"]
    process = next(e for e in watch.events if isinstance(e, Snapshot) and container in (e.cgroup_path or ""))
    assert found[0].seq < process.seq


def test_a_changed_name_is_told(engine: Engine) -> None:
    """The last record is what holds."""
    with described({engine.name: engine.socket}) as watch:
        container = engine(*RUN, "-d", "--name", "before", IMAGE, "/bin/sleep", "60")
        watch.settle()
        engine("rename", container, "after")

        def renamed() -> bool:
            watch.settle()
            return "after" in [each.about and each.about.name for each in told(watch, container)]

        changed = waited_for(renamed, 10)
        engine.remove(container)
    if engine.name == "podman" and not changed:
        pytest.skip("this podman tells nobody of renamed containers")
    assert changed


def test_a_daemon_that_was_away_is_asked_again(engine: Engine, tmp_path: Path) -> None:
    """A socket that appears later is found, and what ran meanwhile is told of."""
    link = tmp_path / "engine.sock"
    container = engine(*RUN, "-d", "--name", "waiting", IMAGE, "/bin/sleep", "60")
    with described({engine.name: link}) as watch:
        watch.settle()
        assert [each.about for each in told(watch, container)] == [None]
        assert "no container runtime" in (told(watch, container)[0].why or "")
        link.symlink_to(engine.socket)

        def found() -> bool:
            watch.settle()
            return told(watch, container)[-1].about is not None

        assert waited_for(found, 15)
    engine.remove(container)


def test_the_numbers_have_no_gap(engine: Engine) -> None:
    """Records take numbers that were left free, so that nothing looks lost."""
    with described({engine.name: engine.socket}) as watch:
        engine(*RUN, "--rm", IMAGE, "/bin/true")
        watch.settle()
        batches = list(watch.batches)
    assert all(later.first == earlier.last + 1 for earlier, later in pairwise(batches))
    seqs = [event.seq for batch in batches for event in batch.events]
    assert seqs == sorted(set(seqs))
    assert all(batch.first <= event.seq <= batch.last for batch in batches for event in batch.events)


HEALTH: list[tuple[Any, str | None]] = [
    ({"Test": ["CMD", "/bin/check", "--fast"]}, "/bin/check --fast"),
    ({"Test": ["CMD-SHELL", "true || exit 1"]}, "/bin/sh -c true || exit 1"),
    ({"Test": ["NONE"]}, None),
    (None, None),
]


@pytest.mark.parametrize(("check", "line"), HEALTH)
def test_health_checks_are_command_lines(check: dict[str, Any] | None, line: str | None) -> None:
    """As the processes that run them will show."""
    assert description("docker", {"Config": {"Healthcheck": check}}).healthcheck == line


def test_an_inspection_with_little_in_it_is_understood() -> None:
    """What is not there is not known; what Docker leaves empty is not there."""
    about = description("docker", {"Id": "x", "State": {"Pid": 0, "StartedAt": "0001-01-01T00:00:00Z"}})
    assert (about.name, about.pid, about.started, about.mounts, about.pod) == (None, None, None, [], None)


def test_mounts_are_as_the_engine_writes_them() -> None:
    """Source, destination, mode, whether it may be written, propagation."""
    mount = {"Source": "/a", "Destination": "/b", "Mode": "z", "RW": True, "Propagation": "rprivate"}
    assert description("docker", {"Mounts": [mount]}).mounts == [Mount("/a", "/b", "z", True, "rprivate")]
