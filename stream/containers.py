"""The containers of a host: told from the paths of control groups, described by the inventory."""

from typing import Any

import msgspec
from msgspec import Struct, field

from stream.process import HOST, NOBODY, NOTHING, Container, Process
from wire.cgroup import containers
from wire.event import Container as Told
from wire.inventory import Description, Pod

# Containers and control groups kept at most, should nobody say that the old ones are gone.
LIMIT = 1 << 14

# Control groups that are forgotten together with their container; systemd within one may make any number.
_GROUPS = 64


class Places(Struct, kw_only=True):
    """Containers by their full id, and for each known control group what it belongs to."""

    containers: dict[str, Container] = field(default_factory=dict)
    cgroups: dict[int, Container] = field(default_factory=dict)

    def at(self, path: str, cgroup: int | None) -> Container:
        """The innermost container that a path names, or the host; remembered for the control group."""
        named = containers(path)
        place = self._named(named[-1].id, named[-1].runtime) if named else HOST
        if cgroup is not None and self.cgroups.get(cgroup) is not place:
            _keep(self.cgroups, cgroup, place)
            if place is not HOST and len(place.cgroups) < _GROUPS:
                place.cgroups.append(cgroup)
        return place

    def learn(self, told: Told) -> None:
        """Take over what the inventory tells of a container."""
        if told.removed:
            self._forget(told.id)
            return
        if told.cgroup_path:
            self.at(told.cgroup_path, told.cgroup)
        place = self._named(told.id, None)
        place.about = _with_pod(told.about) if told.about else NOTHING
        place.silent = told.why
        place.runtime = place.about.runtime or place.runtime

    def _named(self, full_id: str, runtime: str | None) -> Container:
        known = self.containers.get(full_id)
        if known is None:
            known = Container(id=full_id[:12], full_id=full_id, runtime=runtime)
            _keep(self.containers, full_id, known)
        known.runtime = known.runtime or runtime
        return known

    def _forget(self, full_id: str) -> None:
        """Its last processes keep what is known of it."""
        gone = self.containers.pop(full_id, None)
        for cgroup in gone.cgroups if gone else ():
            self.cgroups.pop(cgroup, None)


def entered(process: Process) -> bool | None:
    """Whether a process came into its container from outside, and not from the container's first process.

    That one is number 1 in its process ids or, where it has none of its own, the one that the runtime names.
    """
    place = process.container
    if place.full_id is None:
        return None if place.id is None else False
    about = place.about
    while process.container.full_id == place.full_id:
        if process.vpid == 1 or (about.pid is not None and process.pid == about.pid):
            return False
        if about.pid is None and process.vpid == process.pid:
            return None
        process = process.parent
    return None if process is NOBODY or process.container.id is None else True


def _with_pod(about: Description) -> Description:
    return about if about.pod else msgspec.structs.replace(about, pod=Pod())


def _keep(table: dict[Any, Container], key: str | int, place: Container) -> None:
    table[key] = place
    if len(table) > LIMIT:
        del table[next(iter(table))]
