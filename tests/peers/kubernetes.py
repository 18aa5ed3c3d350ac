"""A small server that answers as the Kubernetes API does: lists in pages, watches, bookmarks, 410 Gone.

No package of the real one exists for Debian, and compiling it takes longer than tests may that run on every
change. So this follows what is published of the interface: https://kubernetes.io/docs/reference/using-api/
api-concepts/. The objects in it are written after that interface too.
"""

import copy
import json
import queue
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Object = dict[str, Any]

# What the server sends to end a watch.
_END = None


@dataclass
class Cluster:
    """What is in the API server, what it was asked, and whom it lets in."""

    bearer: str = "secret"
    objects: dict[str, Object] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    oldest: int = 0
    version: int = 100
    forbidden: tuple[str, ...] = ()
    _changes: list[tuple[int, Object]] = field(default_factory=list)
    _watches: list["queue.Queue[Object | None]"] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def put(self, path: str, found: Object) -> None:
        """Add or change an object; whoever watches pods hears of those."""
        with self._lock:
            kind = "MODIFIED" if path in self.objects else "ADDED"
            self.objects[path] = self._stamped(found)
            self._tell(kind, path)

    def delete(self, path: str) -> None:
        """Delete an object."""
        with self._lock:
            self._stamped(self.objects[path])
            self._tell("DELETED", path)
            del self.objects[path]

    def bookmark(self) -> int:
        """Tell watchers how far they are, without a change; the version that is."""
        with self._lock:
            self.version += 10
            mark = {"kind": "Pod", "metadata": {"resourceVersion": str(self.version)}}
            for watch in self._watches:
                watch.put({"type": "BOOKMARK", "object": mark})
            return self.version

    def forget(self) -> None:
        """Let versions up to now be too old for a watch, as compaction does."""
        with self._lock:
            self.oldest = self.version = self.version + 1
            self._changes.clear()

    def end_watches(self) -> None:
        """Close all watches, as a server does that is restarted or has kept one long enough."""
        with self._lock:
            for watch in self._watches:
                watch.put(_END)
            self._watches.clear()

    @property
    def watched(self) -> bool:
        """Whether somebody watches."""
        return bool(self._watches)

    def pods(self, query: dict[str, str]) -> Object:
        """A page of the list."""
        with self._lock:
            node = query.get("fieldSelector", "").removeprefix("spec.nodeName=")
            found = [each for each in self._pods() if each["spec"].get("nodeName") == node]
            begin, size = int(query.get("continue", 0)), min(int(query.get("limit", 500)), 2)
            more = {"continue": str(begin + size)} if begin + size < len(found) else {}
            metadata = {"resourceVersion": str(self.version), **more}
            return {"kind": "PodList", "metadata": metadata, "items": found[begin : begin + size]}

    def watch(self, since: int) -> Iterator[Object]:
        """The changes after a version."""
        changes: queue.Queue[Object | None] = queue.Queue()
        with self._lock:
            if since < self.oldest:
                yield {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired"}}
                return
            for version, change in self._changes:
                if version > since:
                    changes.put(change)
            self._watches.append(changes)
        while found := changes.get():
            yield found

    def _pods(self) -> list[Object]:
        return [found for path, found in sorted(self.objects.items()) if "/pods/" in path]

    def _stamped(self, found: Object) -> Object:
        self.version += 1
        found["metadata"]["resourceVersion"] = str(self.version)
        return copy.deepcopy(found)

    def _tell(self, kind: str, path: str) -> None:
        if "/pods/" in path:
            change = {"type": kind, "object": copy.deepcopy(self.objects[path])}
            self._changes.append((self.version, change))
            for watch in self._watches:
                watch.put(change)


@contextmanager
def serving(cluster: Cluster, tls: ssl.SSLContext | None = None) -> Iterator[str]:
    """The address at which the cluster can be asked until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:  # the name that the library calls
            parts = urlsplit(self.path)
            query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            cluster.asked.append(self.path)
            if self.headers.get("authorization") != f"Bearer {cluster.bearer}":
                self._answer(401, {"kind": "Status", "code": 401})
            elif any(part in parts.path for part in cluster.forbidden):
                self._answer(403, {"kind": "Status", "code": 403})
            elif parts.path == "/api/v1/pods" and "watch" in query:
                self._stream(cluster.watch(int(query["resourceVersion"])))
            elif parts.path == "/api/v1/pods":
                self._answer(200, cluster.pods(query))
            elif parts.path in cluster.objects:
                self._answer(200, cluster.objects[parts.path])
            else:
                self._answer(404, {"kind": "Status", "code": 404})

        def _answer(self, status: int, found: Object) -> None:
            data = json.dumps(found).encode()
            self.send_response(status)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def _stream(self, changes: Iterator[Object]) -> None:
            self.send_response(200)
            self.send_header("transfer-encoding", "chunked")
            self.end_headers()
            for change in changes:
                data = json.dumps(change).encode() + b"\n"
                self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
                self.wfile.flush()
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, *_arguments: object) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
    finally:
        cluster.end_watches()
        server.shutdown()
        server.server_close()
        thread.join()


def pod(
    name: str, uid: str, *, node: str = "node-1", container: str | None = None, **metadata: Any
) -> Object:
    """A pod of a replica set, as the API shows it; with a container when that runs."""
    running = [
        {
            "name": "app",
            "containerID": f"containerd://{container}",
            "image": "registry.example/shop/web:2",
            "imageID": "registry.example/shop/web@sha256:" + "a" * 64,
            "ready": True,
            "restartCount": 0,
            "state": {"running": {"startedAt": "2026-11-24T20:00:05Z"}},
        }
    ]
    owner = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": "web-7d4b9c",
        "uid": "r-1",
        "controller": True,
    }
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": uid,
            "creationTimestamp": "2026-11-24T20:00:00Z",
            "labels": {"app": "web", "pod-template-hash": "7d4b9c"},
            "annotations": {"owner": "team-shop", "long": "x" * 5000},
            "ownerReferences": [owner],
            **metadata,
        },
        "spec": {
            "nodeName": node,
            "serviceAccountName": "web",
            "hostNetwork": True,
            "volumes": [
                {"name": "logs", "hostPath": {"path": "/var/log", "type": ""}},
                {"name": "cache", "emptyDir": {}},
            ],
            "containers": [
                {
                    "name": "app",
                    "image": "registry.example/shop/web:2",
                    "securityContext": {"privileged": True},
                    "volumeMounts": [
                        {"name": "logs", "mountPath": "/logs", "readOnly": True},
                        {"name": "cache", "mountPath": "/cache"},
                    ],
                    "livenessProbe": {"exec": {"command": ["/bin/live", "-q"]}},
                    "readinessProbe": {"httpGet": {"path": "/ready", "port": 80}},
                }
            ],
        },
        "status": {
            "phase": "Running",
            "podIP": "10.1.2.3",
            "containerStatuses": running if container else [],
        },
    }
