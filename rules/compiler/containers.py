"""What generated source calls for values of a container: its mounts, labels and image."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any


def labelled(labels: Mapping[str, str] | None, name: str) -> str | None:
    """The value of a label."""
    return None if labels is None else labels.get(name)


def all_labels(labels: Mapping[str, str] | None) -> str | None:
    """All labels in one text."""
    return None if labels is None else ", ".join(f"{name}:{value}" for name, value in labels.items())


def all_mounts(mounts: Sequence[Any] | None) -> str | None:
    """All mounts in one text."""
    return None if mounts is None else ",".join(map(_mount, mounts))


def mount_of(mounts: Sequence[Any] | None, wanted: str, by: str) -> str | None:
    """A mount by its number, or the first whose source or destination is a pattern's."""
    found = _found(mounts, wanted, by)
    return None if found is None else _mount(found)


def mount_part(mounts: Sequence[Any] | None, wanted: str, by: str, part: str) -> str | None:
    """One part of such a mount."""
    found = _found(mounts, wanted, by)
    if found is None:
        return None
    if part == "writable":
        return str(found.writable).lower()
    return getattr(found, part)  # type: ignore[no-any-return]


def _found(mounts: Sequence[Any] | None, wanted: str, by: str) -> Any:  # noqa: ANN401  # a mount
    if not mounts:
        return None
    if wanted.isdecimal():
        number = int(wanted)
        return mounts[number] if number < len(mounts) else None
    return next((mount for mount in mounts if fnmatchcase(getattr(mount, by), wanted)), None)


def _mount(mount: Any) -> str:  # noqa: ANN401  # a mount, which this package does not know
    writable = str(mount.writable).lower()
    return f"{mount.source}:{mount.destination}:{mount.mode}:{writable}:{mount.propagation}"


def hashed(digest: str | None) -> str | None:
    """A digest without the name of the image before it."""
    return None if digest is None else digest.rpartition("@")[2]


def probes(p: Any, command: str | None) -> bool | None:  # noqa: ANN401  # a process
    """Whether a process is the one that runs such a check of its container from outside."""
    if p.entered is None or (p.container.full_id is not None and p.container.about.name is None):
        return None
    if not p.entered or not command:
        return False
    while p.parent.entered and p.parent.container.full_id == p.container.full_id:
        p = p.parent
    return p.args is not None and " ".join(p.args) == command
