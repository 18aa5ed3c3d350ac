"""A real containerd with its CRI, asked about pods that are made as the kubelet makes them."""

from pathlib import Path

import pytest

from collectors.inventory.contract import InventoryError, Seen
from collectors.inventory.cri import CriTeller
from collectors.inventory.docker import DockerTeller
from collectors.inventory.oci import Files
from tests.collectors.inventory.watching import before_first_exec, described, told
from tests.peers.cri import IMAGE, Cri
from tests.peers.engines import waited_for
from wire.inventory import Mount

pytestmark = [pytest.mark.kernel, pytest.mark.containers]


async def test_a_container_of_a_pod_is_described_before_its_first_program(
    cri: Cri, tmp_path: Path, kernel: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Container, image, mounts and rights, and the pod with its labels, annotations and sandbox.

    The first process may be known only later, as the runtime tells of it when it has started it.
    """
    monkeypatch.setattr("collectors.inventory.cri._POLL", 0.2)
    with described({"cri": cri.socket}) as watch:
        container, sandbox, uid = await cri.run("web", "/bin/sleep", "60", mount=tmp_path)
        watch.settle()
        event = before_first_exec(watch, container)
        of_sandbox = before_first_exec(watch, sandbox)

        def process_known() -> bool:
            watch.settle()
            about = told(watch, container)[-1].about
            return bool(about and about.pid and about.started)

        assert waited_for(process_known, 10)
        await cri.remove(sandbox)
    assert event is not None
    assert event.about is not None
    about, pod = event.about, event.about.pod
    assert (about.runtime, about.name, about.image, about.privileged) == ("containerd", "web", IMAGE, False)
    assert about.mounts == [Mount(str(tmp_path), "/data", "ro", writable=False, propagation="private")]
    assert "CAP_CHOWN" in (about.capabilities or ())
    assert (about.host_network, about.host_pid, about.host_ipc) == (True, False, False)
    assert pod is not None
    assert (pod.uid, pod.name, pod.namespace, pod.sandbox) == (uid, "web-pod", "shop", sandbox)
    assert (pod.labels, pod.annotations) == ({"app": "web"}, {"owner": "team-shop"})
    assert of_sandbox is not None
    assert of_sandbox.about is not None
    assert (of_sandbox.about.name, of_sandbox.about.pod) == ("web-pod", pod)


async def test_a_container_that_ends_at_once_is_described_too(cri: Cri, tmp_path: Path, kernel: None) -> None:
    """The runtime still knows it when the kernel's events are read."""
    with described({"cri": cri.socket}) as watch:
        container, sandbox, _ = await cri.run("short", "/bin/true", mount=tmp_path)
        watch.settle()
        found = before_first_exec(watch, container)
        await cri.remove(sandbox)
    assert found is not None
    assert found.about is not None
    assert found.about.name == "short"


async def test_a_container_whose_control_group_is_gone_is_told_as_removed(
    cri: Cri, tmp_path: Path, kernel: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine can forget it: nothing can happen in it any more."""
    monkeypatch.setattr("collectors.inventory.described._SWEEP", 0.5)
    with described({"cri": cri.socket}) as watch:
        container, sandbox, _ = await cri.run("gone", "/bin/sleep", "60", mount=tmp_path)
        watch.settle()
        assert not any(event.removed for event in told(watch, container))
        await cri.remove(sandbox)

        def removed() -> bool:
            watch.settle()
            return any(event.removed for event in told(watch, container))

        assert waited_for(removed, 15)


async def test_the_runtimes_files_say_much_of_it(cri: Cri, tmp_path: Path) -> None:
    """Where nobody can be asked, the bundle and the state of runc have rights, mounts and the pod."""
    container, sandbox, uid = await cri.run("files", "/bin/sleep", "60", mount=tmp_path)
    bundle = cri.socket.parent / "state/io.containerd.runtime.v2.task/k8s.io" / container
    seen = tmp_path / "run/containerd/io.containerd.runtime.v2.task/k8s.io" / container
    seen.parent.mkdir(parents=True)
    seen.symlink_to(bundle)
    about = Files(tmp_path).look(container)
    await cri.remove(sandbox)
    assert about is not None
    assert about.name == "files"
    assert about.privileged is False
    assert str(tmp_path) in [mount.source for mount in about.mounts or ()]
    assert about.pod is not None
    assert (about.pod.uid or uid, about.pod.name, about.pod.namespace) == (uid, "files-pod", "shop")
    assert Files(tmp_path).look("f" * 64) is None


async def test_a_socket_that_speaks_something_else_is_an_error_in_a_sentence(
    cri: Cri, tmp_path: Path
) -> None:
    """Neither a file, nor nobody, nor another protocol is taken for a runtime."""
    (tmp_path / "file").touch()
    for teller in (
        CriTeller(tmp_path / "file"),
        CriTeller(tmp_path / "nothing"),
        DockerTeller("docker", tmp_path / "nothing"),
        DockerTeller("docker", cri.socket),
    ):
        with pytest.raises(InventoryError, match=r"cannot be asked|answers in another way"):
            await teller.look(Seen("f" * 64))


async def test_a_container_that_does_not_exist_is_not_known(cri: Cri) -> None:
    """That is an answer, not an error."""
    assert await CriTeller(cri.socket).look(Seen("f" * 64)) is None
