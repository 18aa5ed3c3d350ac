"""What the path of a control group says of containers: their ids, their runtimes, their pods."""

import re
from functools import lru_cache
from typing import NamedTuple


class Named(NamedTuple):
    """A container that a path names. ``pod`` is the uid of its pod in Kubernetes."""

    id: str
    runtime: str | None
    pod: str | None


# A path component that names a container by its id. systemd's driver puts the runtime before the id and
# ".scope" behind it. With the cgroupfs driver it is the bare id, and the component above names the runtime
# or the pod. A runtime that is told a slice but uses cgroupfs joins slice, runtime and id by colons.
_COMPONENT = re.compile(r"^(?:[^:]*:)?(?:(?P<prefix>[a-z-]+?)[-:])?(?P<id>[0-9a-f]{64})(?:\.scope)?$")

_RUNTIMES = {
    "docker": "docker",
    "cri-containerd": "containerd",
    "nerdctl": "containerd",
    "crio": "cri-o",
    "libpod": "podman",
    "libpod-payload": "podman",
}
_PARENTS = {"docker": "docker", "libpod_parent": "podman"}

# Groups of the runtime's own monitor, named after the container but outside of it.
_MONITORS = {"crio-conmon", "libpod-conmon"}

# Containers that have a name instead of an id: LXC's, and those of systemd-nspawn, whose processes are in the
# group "payload" below. The name is systemd's, in which a hyphen may be written \x2d.
_LXC = re.compile(r"^lxc\.payload\.(?P<name>.+)$")
_LXC_PARENTS = {"lxc", "lxc.payload"}
_NSPAWN = re.compile(r"^(?:systemd-nspawn@(?P<service>.+)\.service|machine-(?P<scope>.+)\.scope)$")

_ESCAPED = re.compile(r"\\x([0-9a-f]{2})")

# systemd wants no hyphens in the name of a slice, so there the uid has underscores.
_POD = re.compile(
    r"(?:^|-)pod(?P<uid>[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}|[0-9a-f]{32})(?:\.slice|$)"
)


@lru_cache(4096)
def containers(path: str) -> tuple[Named, ...]:
    """The containers that a path names, the outermost first: a process in it is in the last one."""
    components = path.split("/")
    found: list[Named] = []
    pod = None
    for above, component, below in zip(["", *components], components, [*components[1:], ""], strict=False):
        pod = _pod(component) or pod
        named = _by_id(component, above, pod) or _by_name(component, above, below)
        if named:
            found.append(named)
            pod = None
    return tuple(found)


def _pod(component: str) -> str | None:
    match = _POD.search(component.partition(":")[0])
    return match["uid"].replace("_", "-") if match else None


def _by_id(component: str, above: str, pod: str | None) -> Named | None:
    match = _COMPONENT.match(component)
    if not match or match["prefix"] in _MONITORS:
        return None
    return Named(match["id"], _RUNTIMES.get(match["prefix"] or "") or _PARENTS.get(above), pod)


def _by_name(component: str, above: str, below: str) -> Named | None:
    if above in _LXC_PARENTS and component:
        return Named(component, "lxc", None)
    if match := _LXC.match(component):
        return Named(match["name"], "lxc", None)
    if below == "payload" and (match := _NSPAWN.match(component)):
        return Named(_unescaped(match["service"] or match["scope"]), "systemd-nspawn", None)
    return None


def _unescaped(name: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), name)
