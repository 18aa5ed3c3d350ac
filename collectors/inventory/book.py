"""What is known of containers and pods, joined from all that the sources told."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from wire.inventory import Description, Pod

# Whom to believe if several know something: the runtime itself, then the cluster, then the runtime's files.
RUNTIMES = ("docker", "podman", "cri")
_ORDER = (*RUNTIMES, "kubernetes", "oci")

# How long what is gone is still told: its last events may be on their way.
_LINGER = 30.0


@dataclass
class Book:
    """Descriptions by container and source, pods by uid. ``news`` are the containers that changed."""

    news: set[str] = field(default_factory=set)
    _told: dict[str, dict[str, Description]] = field(default_factory=dict)
    _pods: dict[str, Pod] = field(default_factory=dict)
    _gone: dict[str, float] = field(default_factory=dict)

    def told(self, source: str, container: str, about: Description) -> None:
        """Note what a source says; it replaces what the same source said before."""
        self._gone.pop(container, None)
        known = self._told.setdefault(container, {})
        if known.get(source) != about:
            known[source] = about
            self.news.add(container)

    def gone(self, container: str) -> None:
        """Forget it, in a while."""
        if container in self._told:
            self._gone[container] = time.monotonic() + _LINGER

    def pod(self, pod: Pod) -> None:
        """Note what the cluster says of a pod."""
        if pod.uid is None or self._pods.get(pod.uid) == pod:
            return
        self._gone.pop(pod.uid, None)
        self._pods[pod.uid] = pod
        self.news.update(container for container in self._told if self._pod_of(container) == pod.uid)

    def pod_gone(self, uid: str) -> None:
        """Forget it, in a while."""
        if uid in self._pods:
            self._gone[uid] = time.monotonic() + _LINGER

    def tidy(self) -> None:
        """Forget what has been gone for a while."""
        now = time.monotonic()
        for key in [key for key, when in self._gone.items() if when <= now]:
            del self._gone[key]
            self.forget(key)
            self._pods.pop(key, None)

    def forget(self, container: str) -> None:
        """Forget a container at once."""
        self._told.pop(container, None)
        self.news.discard(container)

    def __contains__(self, container: str) -> bool:
        """Whether a source told of a container that none has said is gone."""
        return container in self._told and container not in self._gone

    def has_runtime(self, container: str) -> bool:
        """Whether a container runtime told of it, not only files or the cluster."""
        return any(source in RUNTIMES for source in self._told.get(container, ()))

    def has_pod(self, uid: str) -> bool:
        """Whether the cluster told of this pod."""
        return uid in self._pods

    def about(self, container: str, pod: str | None = None) -> Description | None:
        """All that is known of a container. ``pod`` is the uid of its pod, where only its path names it."""
        known = self._told.get(container, {})
        sources = [source for source in _ORDER if source in known]
        uid = self._pod_of(container) or pod
        cluster = self._pods.get(uid) if uid else None
        if not sources and cluster is None:
            return None
        joined = _joined(Description, [known[source] for source in sources])
        pods = [each for each in (cluster, joined.pod) if each is not None]
        return msgspec.structs.replace(joined, sources=sources, pod=_joined(Pod, pods) if pods else None)

    def _pod_of(self, container: str) -> str | None:
        for about in self._told.get(container, {}).values():
            if about.pod and about.pod.uid:
                return about.pod.uid
        return None


Known = TypeVar("Known", Description, Pod)


def _joined(kind: type[Known], several: Iterable[Known]) -> Known:
    """Of each field the first that is known."""
    fields: dict[str, Any] = {}
    for each in several:
        for name in kind.__struct_fields__:
            value = getattr(each, name)
            if value is not None and value != [] and name not in fields:
                fields[name] = value
    return kind(**fields)
