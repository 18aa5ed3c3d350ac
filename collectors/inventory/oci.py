"""What the runtimes' own files say: the state of runc and the bundle of a container that runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collectors.inventory.facts import nanoseconds, pod_of
from wire.inventory import Description, Mount, Pod

# Where runc and crun keep the state of a container, and where containerd, podman and CRI-O keep its bundle.
STATES = (
    "run/runc",
    "run/crun",
    "run/containerd/runc/*",
    "run/docker/runtime-runc/*",
    "run/user/*/runc",
    "run/user/*/crun",
)
BUNDLES = (
    "run/containerd/io.containerd.runtime.v2.task/*/{id}",
    "run/k3s/containerd/io.containerd.runtime.v2.task/*/{id}",
    "var/lib/containers/storage/overlay-containers/{id}/userdata",
    "run/containers/storage/overlay-containers/{id}/userdata",
)

# A container that has all capabilities and sees all of /proc was made privileged.
_ALL_CAPABILITIES = 38

_PROPAGATION = {"private", "rprivate", "shared", "rshared", "slave", "rslave"}
_LARGEST = 4 << 20


@dataclass(frozen=True, slots=True)
class Files:
    """The files below ``root``, which is / except in tests."""

    root: Path = Path("/")

    def look(self, container: str) -> Description | None:
        """What the files say of a container, or ``None``; a few looks at the file system.

        Users write the files of their own containers, so anything may be in them.
        """
        try:
            return self._look(container)
        except (AttributeError, KeyError, TypeError, ValueError, OSError):
            return None

    def _look(self, container: str) -> Description | None:
        state = next((found for found in map(_read, self._states(container)) if found), {})
        bundles = [*self._bundles(container), *_bundle_of(state)]
        spec = next((found for found in (_read(each / "config.json") for each in bundles) if found), None)
        if spec is None:
            return None
        return description(spec, pid=state.get("init_process_pid"), created=state.get("created"))

    def _states(self, container: str) -> Iterator[Path]:
        for pattern in STATES:
            yield from self.root.glob(f"{pattern}/{container}/state.json")

    def _bundles(self, container: str) -> Iterator[Path]:
        for pattern in BUNDLES:
            yield from self.root.glob(pattern.format(id=container))


def description(spec: Mapping[str, Any], *, pid: object = None, created: object = None) -> Description:
    """What the specification in a bundle says of a container."""
    process, linux = spec.get("process") or {}, spec.get("linux") or {}
    capabilities = (process.get("capabilities") or {}).get("bounding") or []
    spaces = linux.get("namespaces")
    annotations = spec.get("annotations") or {}
    bare = not linux.get("maskedPaths") and len(capabilities) >= _ALL_CAPABILITIES
    return Description(
        name=_annotation(annotations, "container-name", "io.kubernetes.container.name"),
        image=_annotation(annotations, "image-name", "io.kubernetes.cri-o.ImageName"),
        privileged=bare,
        capabilities=sorted(capabilities),
        mounts=[_mount(each) for each in spec.get("mounts") or () if each.get("type") == "bind"],
        pid=pid if isinstance(pid, int) else None,
        created=nanoseconds(created),
        host_network=_shared(spaces, "network"),
        host_pid=_shared(spaces, "pid"),
        host_ipc=_shared(spaces, "ipc"),
        pod=_pod(annotations),
    )


def _annotation(annotations: Mapping[str, str], containerd: str, crio: str) -> str | None:
    """Containerd and CRI-O note the same under different names."""
    return annotations.get(f"io.kubernetes.cri.{containerd}") or annotations.get(crio)


def _pod(annotations: Mapping[str, str]) -> Pod | None:
    if found := pod_of(annotations):
        return found
    uid = annotations.get("io.kubernetes.cri.sandbox-uid")
    if uid is None:
        return None
    return Pod(
        uid=uid,
        name=annotations.get("io.kubernetes.cri.sandbox-name"),
        namespace=annotations.get("io.kubernetes.cri.sandbox-namespace"),
        sandbox=annotations.get("io.kubernetes.cri.sandbox-id"),
    )


def _mount(found: Mapping[str, Any]) -> Mount:
    options = [option for option in found.get("options") or () if isinstance(option, str)]
    return Mount(
        source=found.get("source") or "",
        destination=found.get("destination") or "",
        mode=",".join(option for option in options if option in ("ro", "rw", "z", "Z")),
        writable="ro" not in options,
        propagation=next((option for option in options if option in _PROPAGATION), ""),
    )


def _shared(spaces: Sequence[Mapping[str, Any]] | None, kind: str) -> bool | None:
    """A namespace that the specification does not ask for is the host's; one with a path is somebody's."""
    found = [space for space in spaces or () if space.get("type") == kind]
    return None if spaces is None or (found and found[0].get("path")) else not found


def _bundle_of(state: Mapping[str, Any]) -> Iterator[Path]:
    """Runc notes the bundle among the labels of its state."""
    for label in (state.get("config") or {}).get("labels") or ():
        name, _, path = str(label).partition("=")
        if name == "bundle":
            yield Path(path)


def _read(path: Path) -> dict[str, Any] | None:
    """A file as JSON, or ``None`` if it is gone or being written; nothing larger than any real one."""
    try:
        if path.stat().st_size > _LARGEST:
            return None
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
