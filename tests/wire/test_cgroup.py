"""Containers told from the paths of control groups, as runtimes and kubelets really name them."""

import pytest

from wire.cgroup import Named, containers

ID = "0123456789abcdef" * 4
OUTER = "f" * 64
UID = "5759a1ae-36ca-48a8-b20a-b0b5c8a90fb8"
LOW = UID.replace("-", "_")
STATIC = "8b1d" * 8  # pods that a kubelet reads from files have no hyphens in their uid

PATHS: dict[str, Named] = {
    # Docker: cgroupfs, systemd, below a slice of its own, with systemd inside
    f"/docker/{ID}": Named(ID, "docker", None),
    f"/system.slice/docker-{ID}.scope": Named(ID, "docker", None),
    f"/build.slice/docker-{ID}.scope": Named(ID, "docker", None),
    f"/docker/{ID}/system.slice/nginx.service": Named(ID, "docker", None),
    f"/user.slice/user-1000.slice/user@1000.service/user.slice/docker-{ID}.scope": Named(ID, "docker", None),
    f"/actions_job/{ID}": Named(ID, None, None),
    f"/ecs/2fa1c66b4c6c4dd8/{ID}": Named(ID, None, None),
    f"/{ID}": Named(ID, None, None),
    # podman: cgroupfs, systemd, crun's inner group, a pod of podman's, a service with cgroups=split, rootless
    f"/libpod_parent/libpod-{ID}": Named(ID, "podman", None),
    f"/machine.slice/libpod-{ID}.scope": Named(ID, "podman", None),
    f"/machine.slice/libpod-{ID}.scope/container": Named(ID, "podman", None),
    f"/machine.slice/machine-libpod_pod_{OUTER}.slice/libpod-{ID}.scope": Named(ID, "podman", None),
    f"/system.slice/web.service/libpod-payload-{ID}": Named(ID, "podman", None),
    f"/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{ID}.scope/container": Named(
        ID, "podman", None
    ),
    # containerd without Kubernetes
    f"/system.slice/nerdctl-{ID}.scope": Named(ID, "containerd", None),
    f"/default/{ID}": Named(ID, None, None),
    # Kubernetes: cgroupfs and systemd drivers, all classes of service, all runtimes
    f"/kubepods/besteffort/pod{UID}/{ID}": Named(ID, None, UID),
    f"/kubepods/pod{UID}/{ID}": Named(ID, None, UID),
    f"/kubepods/burstable/pod{STATIC}/{ID}": Named(ID, None, STATIC),
    f"/kubepods/besteffort/pod{UID}/crio-{ID}": Named(ID, "cri-o", UID),
    f"/kubepods.slice/kubepods-pod{LOW}.slice/cri-containerd-{ID}.scope": Named(ID, "containerd", UID),
    f"/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod{LOW}.slice/docker-{ID}.scope": Named(
        ID, "docker", UID
    ),
    f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{LOW}.slice/crio-{ID}.scope": Named(
        ID, "cri-o", UID
    ),
    f"/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{LOW}.slice/crio-{ID}.scope/container": (
        Named(ID, "cri-o", UID)
    ),
    # a runtime without systemd's driver under a kubelet with it
    f"/system.slice/containerd.service/kubepods-besteffort-pod{LOW}.slice:cri-containerd:{ID}": Named(
        ID, "containerd", UID
    ),
    # LXC and systemd-nspawn have names
    "/lxc/web": Named("web", "lxc", None),
    "/lxc.payload/web/system.slice": Named("web", "lxc", None),
    "/lxc.payload.web/init.scope": Named("web", "lxc", None),
    "/machine.slice/systemd-nspawn@web.service/payload/init.scope": Named("web", "systemd-nspawn", None),
    "/machine.slice/machine-web\\x2d1.scope/payload": Named("web-1", "systemd-nspawn", None),
}

NESTED = {
    # docker-in-docker, with cgroupfs and with systemd outside
    f"/docker/{OUTER}/docker/{ID}/init.scope": Named(ID, "docker", None),
    f"/system.slice/docker-{OUTER}.scope/docker/{ID}": Named(ID, "docker", None),
    # kind and k3d: the node is a container of Docker's
    f"/docker/{OUTER}/kubelet/kubepods/burstable/pod{UID}/{ID}": Named(ID, None, UID),
    f"/docker/{OUTER}/kubepods/besteffort/pod{UID}/{ID}": Named(ID, None, UID),
    (
        f"/system.slice/docker-{OUTER}.scope/kubelet.slice/kubelet-kubepods.slice"
        f"/kubelet-kubepods-besteffort.slice/kubelet-kubepods-besteffort-pod{LOW}.slice/cri-containerd-{ID}.scope"
    ): Named(ID, "containerd", UID),
    # a pod that runs docker
    f"/kubepods/burstable/pod{UID}/{OUTER}/docker/{ID}": Named(ID, "docker", None),
    # a container within a virtual host of LXC's is the inner one
    f"/lxc.payload.{OUTER}/system.slice/docker-{ID}.scope": Named(ID, "docker", None),
}


@pytest.mark.parametrize(("path", "named"), PATHS.items())
def test_a_container_is_found(path: str, named: Named) -> None:
    """Its id, its runtime where a name in the path says it, and the uid of its pod."""
    assert containers(path) == (named,)


@pytest.mark.parametrize(("path", "inner"), NESTED.items())
def test_of_nested_containers_all_are_found(path: str, inner: Named) -> None:
    """The outer one first; the innermost is the one that a process in the group runs in."""
    found = containers(path)
    assert [each.id for each in found] == [OUTER, ID]
    assert found[-1] == inner


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/init.scope",
        "/user.slice/user-1000.slice/session-1.scope",
        "/system.slice/docker.service",
        "/system.slice/containerd.service",
        "/kubepods.slice/kubepods-burstable.slice",
        f"/kubepods/besteffort/pod{UID}",
        f"/{ID[:-1]}",
        f"/{ID}0",
        f"/libpod_parent/libpod-conmon-{ID}",
        f"/machine.slice/libpod-conmon-{ID}.scope",
        f"/system.slice/crio-conmon-{ID}.scope",
        f"/kubepods.slice/kubepods-burstable-pod{LOW}.slice/crio-conmon-{ID}.scope",
        "/lxc.monitor.web",
        "/lxc",
        "/machine.slice/machine-web.scope/supervisor",
        "/machine.slice/machine-qemu\\x2d1\\x2dvm.scope/libvirt/emulator",
    ],
)
def test_other_paths_name_none(path: str) -> None:
    """A runtime's monitors and supervisors are named after a container, but are outside of it."""
    assert containers(path) == ()


def test_a_monitor_within_a_container_is_in_that_one() -> None:
    """A node of Kubernetes may itself be a container, and what runs there is in it."""
    path = f"/docker/{OUTER}/kubelet/kubepods/pod{UID}/crio-conmon-{ID}.scope"
    assert [each.id for each in containers(path)] == [OUTER]
