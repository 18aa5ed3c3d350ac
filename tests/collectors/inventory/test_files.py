"""What runtimes leave in files, and the control groups of this host."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from collectors.inventory.facts import command, digest, nanoseconds, pod_of, short
from collectors.inventory.groups import Groups
from collectors.inventory.oci import Files, description
from collectors.kernel.cgroups import Hierarchies
from tests.events import execute, open_file
from wire.inventory import Mount, Pod

ID = "0123456789abcdef" * 4


def bundle(folder: Path, **spec: Any) -> Path:
    """A bundle with a specification."""
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(spec))
    return folder


def test_the_state_of_runc_leads_to_the_bundle(tmp_path: Path) -> None:
    """With the first process, which only the state knows."""
    made = bundle(
        tmp_path / "bundle", linux={"namespaces": [{"type": "pid"}, {"type": "network", "path": "/n"}]}
    )
    state = tmp_path / "run/runc" / ID
    state.mkdir(parents=True)
    content = {
        "init_process_pid": 77,
        "created": "2026-11-24T20:00:00.5Z",
        "config": {"labels": [f"bundle={made}"]},
    }
    (state / "state.json").write_text(json.dumps(content))
    about = Files(tmp_path).look(ID)
    assert about is not None
    assert (about.pid, about.created) == (77, 1795550400_500000000)
    assert (about.host_pid, about.host_network, about.host_ipc) == (False, None, True)


def test_rights_and_mounts_are_read_from_the_specification() -> None:
    """All capabilities and nothing of /proc hidden is what privileged means."""
    capabilities = [f"CAP_{number}" for number in range(41)]
    mounts = [
        {"type": "proc", "source": "proc", "destination": "/proc"},
        {"type": "bind", "source": "/", "destination": "/host", "options": ["rbind", "ro", "rslave"]},
    ]
    spec = {"process": {"capabilities": {"bounding": capabilities}}, "linux": {}, "mounts": mounts}
    about = description(spec)
    assert about.privileged is True
    assert about.mounts == [Mount("/", "/host", "ro", writable=False, propagation="rslave")]
    assert description(spec | {"linux": {"maskedPaths": ["/proc/kcore"]}}).privileged is False


@pytest.mark.parametrize("content", ["", "[]", "{", '{"config": 1}', "\x00"])
def test_damaged_files_say_nothing(content: str, tmp_path: Path) -> None:
    """They may be half written."""
    state = tmp_path / "run/runc" / ID
    state.mkdir(parents=True)
    (state / "state.json").write_text(content)
    assert Files(tmp_path).look(ID) is None


def test_cri_o_notes_the_pod_in_its_annotations(tmp_path: Path) -> None:
    """Under the names that the kubelet uses for labels."""
    annotations = {
        "io.kubernetes.container.name": "app",
        "io.kubernetes.cri-o.ImageName": "shop/web:2",
        "io.kubernetes.pod.uid": "u",
        "io.kubernetes.pod.name": "web-1",
        "io.kubernetes.pod.namespace": "shop",
    }
    bundle(tmp_path / "run/containers/storage/overlay-containers" / ID / "userdata", annotations=annotations)
    about = Files(tmp_path).look(ID)
    assert about is not None
    assert (about.name, about.image) == ("app", "shop/web:2")
    assert about.pod == Pod(uid="u", name="web-1", namespace="shop")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-24T20:00:00Z", 1795550400_000000000),
        ("2026-11-24T20:00:00.123456789Z", 1795550400_123456789),
        ("2026-11-24T21:00:00.1234567891+01:00", 1795550400_123456789),
        ("0001-01-01T00:00:00Z", None),
        ("yesterday", None),
        (7, None),
    ],
)
def test_times_keep_their_nanoseconds(text: object, expected: int | None) -> None:
    """Go writes as many digits as it has."""
    assert nanoseconds(text) == expected


def test_small_facts() -> None:
    """Commands of checks, digests of the right repository, annotations without documents, pods in labels."""
    assert command(None) is None
    several = ["a.example/x@sha256:1", "b.example:5000/x@sha256:2"]
    assert digest(several, "b.example:5000/x:1") == several[1]
    assert (digest(several, "c/x"), digest([], "c/x")) == (several[0], None)
    assert short({"a": "b", "long": "x" * 2000}) == {"a": "b"}
    assert pod_of({"app": "web"}) is None


async def test_a_group_is_found_through_a_process_in_it() -> None:
    """The number and the path are those that the kernel's events have."""
    own = Hierarchies().of(Path("/proc/self"))
    assert own.id is not None
    groups = Groups()
    groups.read([open_file(1, os.getpid(), "/x", cgroup=own.id)])
    assert await groups.path(own.id, 0) == own.path
    assert groups.exists(own.path or "", otherwise=False) or not groups.exists("/nonesuch", otherwise=False)


async def test_a_group_of_a_process_that_is_gone_waits_for_an_exec() -> None:
    """Not longer than asked to."""
    groups = Groups()
    groups.read([open_file(1, 2**22 + 1, "/x", cgroup=77)])
    assert await groups.path(77, 0.05) is None
    waiting = asyncio.create_task(groups.path(77, 5))
    await asyncio.sleep(0)
    groups.read([execute(2, 9, "sh", cgroup=77, cgroup_path=f"/docker/{ID}")])
    assert await waiting == f"/docker/{ID}"
