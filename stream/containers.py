"""Which container a control group belongs to, told from its path alone."""

import re

from stream.process import HOST, Container

# The last path component that names a container, with the prefix that the runtime's systemd
# driver puts before the id and the ".scope" behind it. With the cgroupfs driver the component
# is the bare id and the one above it names the runtime or the pod.
_COMPONENT = re.compile(r"^(?:(?P<prefix>[a-z-]+?)-)?(?P<id>[0-9a-f]{64})(?:\.scope)?$")

_RUNTIMES = {
    "docker": "docker",
    "cri-containerd": "containerd",
    "crio": "cri-o",
    "libpod": "podman",
}
_PARENTS = {"docker": "docker", "libpod_parent": "podman"}

# Groups of the runtime's own monitor, named after the container but outside of it.
_MONITORS = {"crio-conmon", "libpod-conmon"}


def container_of(cgroup_path: str | None) -> Container:
    """The innermost container named in a cgroup path, or ``HOST``.

    Nested containers appear as nested components; the innermost is the one the process runs in.
    """
    if not cgroup_path:
        return HOST
    components = cgroup_path.split("/")
    for index in range(len(components) - 1, -1, -1):
        match = _COMPONENT.match(components[index])
        if match and match["prefix"] not in _MONITORS:
            return _container(match["id"], match["prefix"], components[index - 1] if index else "")
    return HOST


def _container(full_id: str, prefix: str | None, parent: str) -> Container:
    runtime = _RUNTIMES.get(prefix or "") or _PARENTS.get(parent)
    return Container(id=full_id[:12], full_id=full_id, runtime=runtime)
