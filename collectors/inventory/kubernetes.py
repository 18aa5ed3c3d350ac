"""The pods of this node, from the Kubernetes API: a list, then a watch that goes on where it was.

https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collectors.inventory.cluster import Access, access
from collectors.inventory.contract import InventoryError, Listener, Seen
from collectors.inventory.pods import Object, Owner, Space, containers, owner_of, pod, uid_of
from wire.inventory import Description

if TYPE_CHECKING:
    import httpx

_TIMEOUT = 10.0

# Pods in one answer of a list.
_PAGE = 500

# The server ends a watch after this many seconds, and another goes on.
_WATCH = 300

# How long what was read of a namespace or an owner is taken to be so still.
_KEPT = 300.0

# How long the server may be behind the kubelet in telling of a pod.
_UNTOLD = 5.0

_GONE = 410
_UNREADABLE = (403, 404)

# Where the objects are that own pods and are owned themselves.
_OWNERS = {
    "ReplicaSet": "apis/apps/v1/namespaces/{}/replicasets/{}",
    "Job": "apis/batch/v1/namespaces/{}/jobs/{}",
}


class _ExpiredError(Exception):
    """The server does not remember what happened since: only a new list helps."""


def node_name() -> str:
    """What the cluster calls this host: it has to be told where that is not its own name."""
    return os.environ.get("TRACETIDE_NODE") or os.environ.get("NODE_NAME") or socket.gethostname()


@dataclass
class KubernetesTeller:
    """The API server that the account or kubeconfig at ``path`` leads to; ``node`` limits it to its pods."""

    path: Path
    node: str = field(default_factory=node_name)
    _version: str | None = None
    _pods: dict[str, Object] = field(default_factory=dict)
    _told: dict[str, Description] = field(default_factory=dict)
    _read: dict[str, tuple[float, Any]] = field(default_factory=dict)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def name(self) -> str:
        """The only one."""
        return "kubernetes"

    @property
    def where(self) -> str:
        """What leads there."""
        return str(self.path)

    async def greet(self) -> str:
        """Its version, and how many pods of this node the account may see."""
        async with self._client() as client:
            version = (await client.get("version", {}))["gitVersion"]
            pods = (await client.get("api/v1/pods", {"fieldSelector": f"spec.nodeName={self.node}"}))["items"]
            return f"{version}, {len(pods)} pods on node {self.node}"

    async def follow(self, listener: Listener, ready: Callable[[], None]) -> None:
        """The list, then what changes; a watch that broke goes on where it was."""
        async with self._client() as client:
            while True:
                try:
                    if self._version is None:
                        await self._list(client, listener)
                    ready()
                    await self._watch(client, listener)
                except _ExpiredError:
                    self._version = None

    async def look(self, seen: Seen) -> Description | None:
        """Wait for the pod that the control group names; the kubelet may have been told of it before."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_UNTOLD):
                while seen.pod is not None and seen.pod not in self._pods:
                    self._news.clear()
                    await self._news.wait()
        return self._told.get(seen.id)

    async def _list(self, client: _Client, listener: Listener) -> None:
        """Everything that is there; what is not there any more was deleted unseen."""
        query = {"fieldSelector": f"spec.nodeName={self.node}", "limit": str(_PAGE)}
        there: set[str] = set()
        while True:
            page = await client.get("api/v1/pods", query)
            for found in page.get("items") or ():
                there.add(uid_of(found))
                await self._tell(client, listener, found)
            version = page["metadata"]["resourceVersion"]
            following = page["metadata"].get("continue")
            if not following:
                break
            query["continue"] = following
        for uid in self._pods.keys() - there:
            self._forget(listener, uid)
        self._version = version

    async def _watch(self, client: _Client, listener: Listener) -> None:
        """What changes from the version on, until the server ends it."""
        query = {
            "fieldSelector": f"spec.nodeName={self.node}",
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": self._version or "",
            "timeoutSeconds": str(_WATCH),
        }
        async for line in client.lines("api/v1/pods", query):
            change = json.loads(line)
            found = change["object"]
            match change["type"]:
                case "ERROR":
                    _refuse(found)
                case "ADDED" | "MODIFIED":
                    await self._tell(client, listener, found)
                case "DELETED":
                    self._forget(listener, uid_of(found))
            self._version = found["metadata"]["resourceVersion"]

    async def _tell(self, client: _Client, listener: Listener, found: Object) -> None:
        namespace = found["metadata"]["namespace"]
        uid = uid_of(found)
        workload = await self._workload(client, found, namespace)
        listener.pod(pod(found, workload, await self._space(client, namespace)))
        self._pods[uid] = found
        self._news.set()
        for container, about in containers(found):
            self._told[container] = about
            listener.told(self.name, container, about)

    def _forget(self, listener: Listener, uid: str) -> None:
        found = self._pods.pop(uid, None)
        listener.pod_gone(uid)
        for container, _ in containers(found) if found else ():
            self._told.pop(container, None)
            listener.gone(container)

    async def _workload(self, client: _Client, found: Object, namespace: str) -> Owner | None:
        """What keeps a pod running: the owner of its owner where that has one, as deployments do."""
        owner = owner_of(found)
        if owner is None or owner.kind == "Node":
            return None
        place = _OWNERS.get(owner.kind)
        if place is None:
            return owner
        above = await self._remembered(client, place.format(namespace, owner.name))
        if above is not None:
            return owner_of(above) or owner
        # Who may not read replica sets still sees what the deployment adds to their names.
        suffix = "-" + str((found["metadata"].get("labels") or {}).get("pod-template-hash"))
        if owner.kind == "ReplicaSet" and owner.name.endswith(suffix):
            return Owner("Deployment", owner.name.removesuffix(suffix))
        return owner

    async def _space(self, client: _Client, namespace: str) -> Space:
        found = await self._remembered(client, f"api/v1/namespaces/{namespace}")
        if found is None:
            return Space()
        return Space(found["metadata"].get("uid"), dict(found["metadata"].get("labels") or {}))

    async def _remembered(self, client: _Client, place: str) -> Object | None:
        """An object, read again when it is old; ``None`` if it may not be read or is gone."""
        now = time.monotonic()
        if place not in self._read or self._read[place][0] < now:
            self._read = {each: kept for each, kept in self._read.items() if kept[0] >= now}
            self._read[place] = (now + _KEPT, await client.get(place, {}, gone=_UNREADABLE))
        found: Object | None = self._read[place][1]
        return found

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[_Client]:
        import httpx  # noqa: PLC0415  # 10 MB that a host without a cluster need not have

        reached = access(self.path)
        try:
            async with httpx.AsyncClient(
                base_url=reached.server, verify=reached.tls, timeout=_TIMEOUT, trust_env=False
            ) as client:
                yield _Client(client, reached)
        except (httpx.HTTPError, OSError) as error:
            reason = str(error) or type(error).__name__
            raise InventoryError(f"Kubernetes at {reached.server} cannot be asked: {reason}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise InventoryError(
                f"Kubernetes at {reached.server} answers in another way: {error!r}"
            ) from error


@dataclass(frozen=True, slots=True)
class _Client:
    """Requests with the token as it is now."""

    http: httpx.AsyncClient
    access: Access

    async def get(self, path: str, query: Mapping[str, str], gone: Collection[int] = ()) -> Any:  # noqa: ANN401
        answer = await self.http.get(f"/{path}", params=dict(query), headers=self.access.headers())
        if answer.status_code in gone:
            return None
        _check(answer.status_code, path)
        return answer.json()

    async def lines(self, path: str, query: Mapping[str, str]) -> AsyncIterator[str]:
        async with self.http.stream(
            "GET", f"/{path}", params=dict(query), headers=self.access.headers(), timeout=_WATCH + _TIMEOUT
        ) as answer:
            _check(answer.status_code, path)
            async for line in answer.aiter_lines():
                if line.strip():
                    yield line


def _check(status: int, path: str) -> None:
    if status == _GONE:
        raise _ExpiredError
    if status in (401, 403):
        raise InventoryError(
            f"Kubernetes does not let this account read {path} (status {status}); give it list and watch on "
            "pods, and get on namespaces, replicasets and jobs"
        )
    if status != 200:
        raise ValueError(f"status {status} for {path}")


def _refuse(status: Object) -> None:
    """A watch reports in its own stream what is wrong."""
    if status.get("code") == _GONE:
        raise _ExpiredError
    raise ValueError(f"{status.get('reason')}: {status.get('message')}")
