"""How a match becomes a detection: the facts of the moment, written down before they change."""

from collections.abc import Iterator
from typing import Any

import msgspec

from rules import Rule
from stream.host import HostState
from stream.process import NOBODY, NOTHING, Process
from wire.batch import Host
from wire.detection import ContainerInfo, Detection, ProcessInfo, detection_id, entity_id
from wire.event import Event

# How far up a detection tells the ancestry.
ANCESTORS = 32


def detection(rule: Rule, event: Event, process: Process, state: HostState) -> Detection:
    """What ``rule`` found in ``event``, with all that is known of who did it and where."""
    output, fields = rule.render(event, process, state)
    return Detection(
        id=detection_id(rule.name, state.host.boot, [event.seq]),
        time=event.time,
        host=state.host,
        rule=rule.info,
        output=output,
        events=[event.seq],
        event=_told(event, state),
        fields=fields,
        process=process_info(state.host, process) if process is not NOBODY else None,
        ancestors=[process_info(state.host, ancestor) for ancestor in _ancestors(process)],
        container=_container(process),
        missing=list(_missing(event, process, state)),
        lost=state.lost(event.time),
    )


def _told(event: Event, state: HostState) -> dict[str, Any]:
    """The event and, of a connection, the name that the far end was asked for by."""
    told: dict[str, Any] = msgspec.to_builtins(event)
    if name := state.domain(event.cgroup, told.get("remote_ip")):
        told["remote_domain"] = name
    return told


def process_info(host: Host, process: Process) -> ProcessInfo:
    """A process as it is now, in the words of the wire."""
    pid, start = process.pid or 0, process.start or 0
    return ProcessInfo(
        entity=entity_id(host.boot, pid, start),
        pid=pid,
        start=start,
        name=process.name,
        exepath=process.exepath,
        args=process.args,
        cwd=process.cwd,
        vpid=process.vpid,
        uid=process.uid,
        gid=process.gid,
        user=process.user,
        loginuid=process.loginuid,
        tty=process.tty,
        executed=process.executed,
    )


def _ancestors(process: Process) -> Iterator[Process]:
    for _ in range(ANCESTORS):
        process = process.parent
        if process is NOBODY:
            return
        yield process


def _container(process: Process) -> ContainerInfo | None:
    container = process.container
    if container.full_id is None:
        return None
    about = container.about
    return ContainerInfo(
        id=container.full_id,
        runtime=container.runtime,
        name=about.name,
        image=about.image,
        digest=about.digest,
        privileged=about.privileged,
        labels=about.labels or {},
        mounts=about.mounts or [],
        pod=about.pod if about.pod != NOTHING.pod else None,
        entered=process.entered,
    )


def _missing(event: Event, process: Process, state: HostState) -> Iterator[str]:
    """What the reader must not take for granted, and why."""
    if process.exepath is None:
        yield "program and arguments: this process's exec was not seen and it is in no snapshot"
    if process.container.id is None:
        yield "container: nothing that names this process's control group was seen"
    if process.container.silent:
        what = "name, image and rights" if process.container.about.privileged is None else "name and image"
        yield f"{what} of the container: {process.container.silent}"
    if process.parent is NOBODY and process.pid != 1:
        yield "parent: the process that started it was not seen"
    if process.depth > ANCESTORS:
        yield f"ancestors: those beyond the {ANCESTORS}nd"
    if state.torn(event.time):
        yield "events of the last minute: sequence numbers jumped, some never arrived"
