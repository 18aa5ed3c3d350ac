"""Docker and podman, over the interface that they share: a list, an inspection each, a stream of events."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from collectors.inventory.contract import InventoryError, Listener, Seen
from collectors.inventory.facts import command, digest, image_id, nanoseconds, pod_of
from wire.inventory import Description, Mount

if TYPE_CHECKING:
    import httpx

_TIMEOUT = 5.0

# Seconds after which what an event said of a container is taken for an inspection that is not answered.
_SLOW = 1.0

# A stream of events that is taken up again begins so many seconds before the last that was heard of it, and
# at most so long ago: a container that is gone for longer, nobody asks for any more.
_OVERLAP = 1.0
_LOOK_BACK = 60.0

_CHANGES = ("create", "start", "rename", "update")
_REMOVALS = ("destroy", "remove")

# No such container or image; podman has an error of its own for one that is just being removed.
_NOT_THERE = (404, 409, 500)

# Containers of which is kept what events said.
_SAID_KEPT = 1024

# Images that containers are made of again and again.
_IMAGES_KEPT = 256


@dataclass
class DockerTeller:
    """A daemon at a socket. ``name`` is docker or podman."""

    name: str
    socket: Path
    _digests: dict[str, list[str]] = field(default_factory=dict)
    _said: dict[str, Description] = field(default_factory=dict)
    _heard: float | None = None

    @property
    def where(self) -> str:
        """The socket."""
        return str(self.socket)

    async def greet(self) -> str:
        """Its version, and how many containers run."""
        async with self._client() as client:
            version = (await _get(client, "/version"))["Version"]
            running = await _get(client, "/containers/json") or ()
            return f"version {version}, {len(running)} containers"

    async def follow(self, listener: Listener, ready: Callable[[], None]) -> None:
        """First those that run, then what changes since a moment before, or since the last time."""
        async with self._client() as client:
            since = self._since()
            for listed in await _get(client, "/containers/json") or ():
                await self._tell(client, listener, listed["Id"])
            ready()
            filters = json.dumps({"type": ["container"], "event": [*_CHANGES, *_REMOVALS]})
            query = {"since": str(since), "filters": filters}
            stream = client.stream("GET", "/events", params=query, timeout=None)  # may be quiet
            async with stream as events, aclosing(self._ahead(events)) as ahead:
                async for event in ahead:
                    await self._hear(client, listener, event)
        raise InventoryError(f"{self.name} at {self.socket} ended its stream of events")

    def _since(self) -> int:
        """Seconds since the epoch. Podman ends its stream now and then, while containers come and go."""
        now = time.time()
        if self._heard is None:
            self._heard = now
        return int(max(self._heard - _OVERLAP, now - _LOOK_BACK))

    async def look(self, seen: Seen) -> Description | None:
        """An inspection, or what an event said of it if it is gone or the daemon is slow to answer."""
        try:
            async with asyncio.timeout(_SLOW), self._client() as client:
                found = await self._inspect(client, seen.id)
        except TimeoutError:
            if seen.id not in self._said:
                raise InventoryError(f"{self.name} at {self.socket} is slow to answer") from None
            found = None
        return found or self._said.get(seen.id)

    async def _ahead(self, events: httpx.Response) -> AsyncGenerator[Mapping[str, Any]]:
        """The events, read as they come however long each takes: a busy host is slow to answer."""
        heard: asyncio.Queue[Mapping[str, Any] | None] = asyncio.Queue()
        reading = asyncio.create_task(self._listen(events, heard))
        try:
            while (event := await heard.get()) is not None:
                yield event
            await reading
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)

    async def _listen(self, events: httpx.Response, heard: asyncio.Queue[Mapping[str, Any] | None]) -> None:
        try:
            async for line in events.aiter_lines():
                self._heard = time.time()
                if not line.strip():
                    continue
                event = json.loads(line)
                if (container := _subject(event)) and _action(event) in _CHANGES:
                    self._note(container, _from_event(self.name, _attributes(event)))
                heard.put_nowait(event)
        finally:
            heard.put_nowait(None)

    def _note(self, container: str, about: Description) -> None:
        self._said.pop(container, None)
        if len(self._said) >= _SAID_KEPT:
            del self._said[next(iter(self._said))]
        self._said[container] = about

    async def _hear(self, client: httpx.AsyncClient, listener: Listener, event: Mapping[str, Any]) -> None:
        container, action = _subject(event), _action(event)
        if not container:
            return
        if action in _REMOVALS:
            listener.gone(container)
        elif action in _CHANGES and not await self._tell(client, listener, container):
            listener.told(self.name, container, _from_event(self.name, _attributes(event)))

    async def _tell(self, client: httpx.AsyncClient, listener: Listener, container: str) -> bool:
        about = await self._inspect(client, container)
        if about is not None:
            listener.told(self.name, container, about)
        return about is not None

    async def _inspect(self, client: httpx.AsyncClient, container: str) -> Description | None:
        found = await _get(client, f"/containers/{container}/json", _NOT_THERE)
        if found is None:
            return None
        about = description(self.name, found)
        references = await self._references(client, found.get("Image") or "")
        return Description(**_fields(about) | {"digest": digest(references, about.image)})

    async def _references(self, client: httpx.AsyncClient, image: str) -> list[str]:
        if image not in self._digests:
            if len(self._digests) >= _IMAGES_KEPT:
                self._digests.clear()
            found = await _get(client, f"/images/{image}/json", _NOT_THERE) or {}
            self._digests[image] = found.get("RepoDigests") or []
        return self._digests[image]

    @asynccontextmanager
    async def _client(self) -> AsyncIterator[httpx.AsyncClient]:
        import httpx  # noqa: PLC0415  # 10 MB that a host without this socket need not have

        # Nothing is encrypted here, so that no certificates have to be loaded; nor does a proxy apply.
        transport = httpx.AsyncHTTPTransport(uds=self.where, verify=False)
        try:
            async with httpx.AsyncClient(
                transport=transport, base_url="http://runtime", timeout=_TIMEOUT, trust_env=False
            ) as client:
                yield client
        except (httpx.HTTPError, OSError) as error:
            reason = str(error) or type(error).__name__
            raise InventoryError(f"{self.name} at {self.socket} cannot be asked: {reason}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise InventoryError(f"{self.name} at {self.socket} answers in another way: {error}") from error


async def _get(client: httpx.AsyncClient, path: str, missing: Collection[int] = ()) -> Any:  # noqa: ANN401  # JSON
    """What is at a path, or ``None`` if the status says that there is no such thing."""
    answer = await client.get(path)
    if answer.status_code in missing:
        return None
    answer.raise_for_status()
    return answer.json()


def _fields(about: Description) -> dict[str, Any]:
    return {name: getattr(about, name) for name in Description.__struct_fields__}


def description(runtime: str, found: Mapping[str, Any]) -> Description:
    """What an inspection says."""
    config, host, state = (found.get(part) or {} for part in ("Config", "HostConfig", "State"))
    network = found.get("NetworkSettings") or {}
    labels = config.get("Labels") or {}
    return Description(
        runtime=runtime,
        name=(found.get("Name") or "").lstrip("/") or None,
        image=config.get("Image") or None,
        image_id=image_id(found.get("Image")),
        labels=labels,
        privileged=bool(host.get("Privileged")),
        mounts=[_mount(each) for each in found.get("Mounts") or ()],
        created=nanoseconds(found.get("Created")),
        started=nanoseconds(state.get("StartedAt")),
        pid=state.get("Pid") or None,
        ip=_address(network),
        host_network=host.get("NetworkMode") == "host",
        host_pid=host.get("PidMode") == "host",
        host_ipc=host.get("IpcMode") == "host",
        healthcheck=command((config.get("Healthcheck") or {}).get("Test")),
        pod=pod_of(labels),
    )


def _mount(found: Mapping[str, Any]) -> Mount:
    return Mount(
        source=found.get("Source") or found.get("Name") or "",
        destination=found.get("Destination") or "",
        mode=found.get("Mode") or "",
        writable=bool(found.get("RW")),
        propagation=found.get("Propagation") or "",
    )


def _address(network: Mapping[str, Any]) -> str | None:
    addresses = [each.get("IPAddress") for each in (network.get("Networks") or {}).values() if each]
    return next((address for address in [network.get("IPAddress"), *addresses] if address), None)


def _subject(event: Mapping[str, Any]) -> str | None:
    """The container that an event is about; older daemons name it outside of the actor."""
    return (event.get("Actor") or {}).get("ID") or event.get("id")


def _action(event: Mapping[str, Any]) -> str | None:
    return event.get("Action") or event.get("status")


def _attributes(event: Mapping[str, Any]) -> Mapping[str, str]:
    return (event.get("Actor") or {}).get("Attributes") or {}


def _from_event(runtime: str, attributes: Mapping[str, str]) -> Description:
    """What an event itself says, when the container is gone before it can be inspected."""
    own = ("image", "name", "exitCode", "containerExitCode", "podId", "signal")
    labels = {name: value for name, value in attributes.items() if name not in own}
    return Description(
        runtime=runtime,
        name=attributes.get("name"),
        image=attributes.get("image"),
        labels=labels,
        pod=pod_of(labels),
    )
