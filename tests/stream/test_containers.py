"""Containers told from the paths of control groups, as runtimes really name them."""

import pytest

from stream.containers import container_of

ID = "0123456789abcdef" * 4


@pytest.mark.parametrize(
    ("path", "runtime"),
    [
        (f"/docker/{ID}", "docker"),
        (f"/system.slice/docker-{ID}.scope", "docker"),
        (f"/libpod_parent/libpod-{ID}", "podman"),
        (f"/machine.slice/libpod-{ID}.scope/container", "podman"),
        (f"/kubepods/besteffort/pod8b1d/{ID}", None),
        (f"/kubepods.slice/kubepods-pod8b1d.slice/cri-containerd-{ID}.scope", "containerd"),
        (f"/kubepods.slice/kubepods-pod8b1d.slice/crio-{ID}.scope", "cri-o"),
        (f"/docker/{'f' * 64}/docker/{ID}/init.scope", "docker"),
        (f"/{ID}", None),
    ],
)
def test_the_innermost_container_is_found(path: str, runtime: str | None) -> None:
    """The id is the last one in the path, the runtime what its name or place says."""
    container = container_of(path)
    assert (container.id, container.full_id, container.runtime) == (ID[:12], ID, runtime)


@pytest.mark.parametrize(
    "path",
    [
        None,
        "",
        "/",
        "/user.slice/session-1.scope",
        f"/{ID[:-1]}",
        f"/libpod-conmon-{ID}.scope",
        f"/crio-conmon-{ID}",
    ],
)
def test_other_paths_are_the_host(path: str | None) -> None:
    """Monitors of a runtime are named after a container, but run on the host."""
    assert container_of(path).id == "host"
