"""containerd and CRI-O, over the Container Runtime Interface that the kubelet uses too.

Field numbers are those of runtime/v1/api.proto of Kubernetes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from collectors.inventory import oci
from collectors.inventory.contract import InventoryError, Listener, Seen
from collectors.inventory.facts import image_id, pod_of, short
from collectors.inventory.grpc import NOT_FOUND, UNIMPLEMENTED, CallError, Channel, channel
from collectors.inventory.protobuf import Message
from wire.inventory import Description, Mount, Pod

_SERVICE = "runtime.v1.RuntimeService"

# New containers are asked for when they are seen; a list now and then finds what is gone.
_POLL = 10.0

_PROPAGATION = {0: "private", 1: "rslave", 2: "rshared"}
_OF_NODE = 2


@dataclass(frozen=True, slots=True)
class CriTeller:
    """A runtime at a socket."""

    socket: Path

    @property
    def name(self) -> str:
        """The interface: whether it is containerd or CRI-O, the containers say."""
        return "cri"

    @property
    def where(self) -> str:
        """The socket."""
        return str(self.socket)

    async def greet(self) -> str:
        """Which runtime it is, its version, and how many containers it has."""
        async with self._channel() as runtime:
            version = await runtime.call("Version", {})
            containers = (await runtime.call("ListContainers", {})).messages(1)
            return f"{version.text(2)} {version.text(3)}, {len(list(containers))} containers"

    async def follow(self, listener: Listener, ready: Callable[[], None]) -> None:
        """First all containers, then again and again which of them are gone.

        One that was asked for before its first process was there is asked for again.
        """
        async with self._channel() as runtime:
            name = (await runtime.call("Version", {})).text(2)
            known: set[str] = set()
            started: set[str] = set()
            while True:
                answer = await runtime.call("ListContainers", {})
                there = {each.text(1) for each in answer.messages(1)}
                for container in there - started:
                    if about := await _container(runtime, name, container):
                        listener.told(self.name, container, about)
                        started |= {container} if about.started else set()
                for container in known - there:
                    listener.gone(container)
                known = there
                started &= there
                ready()
                await asyncio.sleep(_POLL)

    async def look(self, seen: Seen) -> Description | None:
        """The status of the container, or of the sandbox if it is one."""
        async with self._channel() as runtime:
            name = (await runtime.call("Version", {})).text(2)
            return await _container(runtime, name, seen.id) or await _sandbox(runtime, name, seen.id)

    @asynccontextmanager
    async def _channel(self) -> AsyncIterator[Channel]:
        import httpx  # noqa: PLC0415  # only where there is a socket

        try:
            async with channel(self.socket, _SERVICE) as runtime:
                yield runtime
        except CallError as error:
            if error.status == UNIMPLEMENTED:
                raise InventoryError(
                    f"the runtime at {self.socket} has no CRI ({error}); enable its cri plugin, or leave it "
                    "out with --inventory"
                ) from error
            raise InventoryError(f"the runtime at {self.socket} refuses: {error}") from error
        except (httpx.HTTPError, OSError, ValueError) as error:
            reason = str(error) or type(error).__name__
            raise InventoryError(f"the runtime at {self.socket} cannot be asked: {reason}") from error


async def _status(runtime: Channel, method: str, container: str) -> Message | None:
    try:
        return await runtime.call(method, {1: container, 2: True})
    except CallError as error:
        if error.status == NOT_FOUND or "not found" in str(error) or "could not find" in str(error):
            return None
        raise


async def _container(runtime: Channel, name: str, container: str) -> Description | None:
    answer = await _status(runtime, "ContainerStatus", container)
    if answer is None:
        return None
    info = _info(answer)
    sandbox = info.get("sandboxID")
    of_pod = await _status(runtime, "PodSandboxStatus", sandbox) if isinstance(sandbox, str) else None
    return _described(name, answer.message(1), info, of_pod.message(1) if of_pod else None)


def _described(
    runtime: str, status: Message, info: Mapping[str, Any], sandbox: Message | None
) -> Description:
    spec = oci.description(info.get("runtimeSpec") or {}, pid=info.get("pid"))
    context = ((info.get("config") or {}).get("linux") or {}).get("security_context") or {}
    privileged = info.get("privileged", context.get("privileged"))
    labels, annotations = status.map(12), status.map(13)
    reference = status.text(9)
    pod = _pod_from(sandbox) if sandbox else pod_of({**annotations, **labels})
    return Description(
        runtime=runtime,
        name=status.message(2).text(1) or None,
        image=_asked_for(status.message(8), info) or None,
        image_id=image_id(status.text(17)) or (image_id(reference) if "@" not in reference else None),
        digest=reference if "@" in reference else None,
        labels=labels,
        privileged=bool(privileged) if "runtimeSpec" in info or privileged is not None else None,
        capabilities=spec.capabilities,
        mounts=_mounts(status.messages(14)),
        created=status.number(4) or None,
        started=status.number(5) or None,
        pid=spec.pid or None,
        ip=pod.ip if pod else None,
        host_network=_of_host(sandbox, 1),
        host_pid=_of_host(sandbox, 2),
        host_ipc=_of_host(sandbox, 3),
        pod=pod,
    )


def _asked_for(image: Message, info: Mapping[str, Any]) -> str:
    """The name in the pod's specification, if the runtime knows it; else what it made of that."""
    config = (info.get("config") or {}).get("image") or {}
    return image.text(18) or config.get("user_specified_image") or image.text(1)


async def _sandbox(runtime: Channel, name: str, container: str) -> Description | None:
    """A sandbox is a container too, of which only a program that waits is seen."""
    answer = await _status(runtime, "PodSandboxStatus", container)
    if answer is None:
        return None
    status, info = answer.message(1), _info(answer)
    spec = oci.description(info.get("runtimeSpec") or {}, pid=info.get("pid"))
    pod = _pod_from(status)
    return msgspec.structs.replace(
        spec,
        runtime=name,
        name=pod.name,
        image=info.get("image") or None,
        labels=status.map(7),
        created=status.number(4) or None,
        ip=pod.ip,
        host_network=_of_host(status, 1),
        host_pid=_of_host(status, 2),
        host_ipc=_of_host(status, 3),
        pod=pod,
    )


def _of_host(sandbox: Message | None, kind: int) -> bool | None:
    """Whether a pod shares a namespace with its node: 1 is the network, 2 process ids, 3 IPC."""
    return sandbox.message(6).message(1).message(2).number(kind) == _OF_NODE if sandbox else None


def _pod_from(status: Message) -> Pod:
    metadata = status.message(2)
    return Pod(
        uid=metadata.text(2) or None,
        name=metadata.text(1) or None,
        namespace=metadata.text(3) or None,
        ip=status.message(5).text(1) or None,
        sandbox=status.text(1) or None,
        labels={
            name: value for name, value in status.map(7).items() if not name.startswith("io.kubernetes.")
        },
        annotations=short(status.map(8)),
    )


def _mounts(mounts: Iterable[Message]) -> list[Mount]:
    return [
        Mount(
            source=mount.text(2),
            destination=mount.text(1),
            mode="ro" if mount.number(3) else "rw",
            writable=not mount.number(3),
            propagation=_PROPAGATION.get(mount.number(5), ""),
        )
        for mount in mounts
    ]


def _info(answer: Message) -> dict[str, Any]:
    """What the runtime adds when asked to be verbose: a document of its own, alike in all of them."""
    try:
        found = json.loads(answer.map(2).get("info", "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
