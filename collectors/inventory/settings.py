"""Which sources of the inventory there can be on a host, and where they are looked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from collectors.contract import CollectorError
from collectors.inventory.contract import Teller


def _docker(path: Path) -> Teller:
    from collectors.inventory.docker import DockerTeller  # noqa: PLC0415  # only where its socket is

    return DockerTeller("docker", path)


def _podman(path: Path) -> Teller:
    from collectors.inventory.docker import DockerTeller  # noqa: PLC0415  # the same

    return DockerTeller("podman", path)


def _cri(path: Path) -> Teller:
    from collectors.inventory.cri import CriTeller  # noqa: PLC0415  # the same

    return CriTeller(path)


def _kubernetes(path: Path) -> Teller:
    from collectors.inventory.kubernetes import KubernetesTeller  # noqa: PLC0415  # the same

    return KubernetesTeller(path)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of source: patterns of the files that show that it is there, and how to open one."""

    paths: tuple[str, ...]
    open: Callable[[Path], Teller]


KINDS: Mapping[str, Kind] = {
    "docker": Kind(("/run/docker.sock", "/run/user/*/docker.sock"), _docker),
    "podman": Kind(("/run/podman/podman.sock", "/run/user/*/podman/podman.sock"), _podman),
    "cri": Kind(
        ("/run/containerd/containerd.sock", "/run/k3s/containerd/containerd.sock", "/run/crio/crio.sock"),
        _cri,
    ),
    # The account of the pod that the collector runs in; anything else that is named is a kubeconfig.
    "kubernetes": Kind(("/var/run/secrets/kubernetes.io/serviceaccount/token",), _kubernetes),
}


@dataclass(frozen=True, slots=True)
class Where:
    """Patterns of files by kind of source; a kind that is not named is not looked for."""

    paths: Mapping[str, tuple[str, ...]]

    def found(self) -> Iterator[tuple[str, Path]]:
        """The kinds and files that are there now; of several names of one file the first."""
        seen: set[Path] = set()
        for kind, patterns in self.paths.items():
            for pattern in patterns:
                for path in sorted(Path("/").glob(pattern.lstrip("/"))):
                    real = path.resolve()
                    if real not in seen:
                        seen.add(real)
                        yield kind, path


def everywhere() -> Where:
    """Every kind, at its usual places."""
    return Where({name: kind.paths for name, kind in KINDS.items()})


def where(wanted: tuple[str, ...]) -> Where:
    """From what a user wants: ``docker``, ``docker=/path`` or ``none``; nothing means everything.

    Raises ``CollectorError`` for a kind that does not exist.
    """
    if not wanted:
        return everywhere()
    paths: dict[str, tuple[str, ...]] = {}
    for each in wanted:
        name, _, path = each.partition("=")
        if each == "none" and len(wanted) == 1:
            break
        if name not in KINDS:
            raise CollectorError(
                f"the inventory has no source {name!r}: name {', '.join(KINDS)}, each with =PATH if it is "
                "not at its usual place, or none alone"
            )
        paths[name] = (*paths.get(name, ()), *((path,) if path else KINDS[name].paths))
    return Where(paths)
