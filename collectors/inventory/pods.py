"""What an object of the Kubernetes API says: a pod, its containers, who owns it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from collectors.inventory.facts import nanoseconds, short
from wire.inventory import Description, Mount, Pod

Object = Mapping[str, Any]

# The kubelet makes an object for a pod that it read from a file; its containers go by the uid in here.
_OWN_UID = "kubernetes.io/config.hash"

# As the kernel calls what the cluster asks for.
_PROPAGATION = {"HostToContainer": "rslave", "Bidirectional": "rshared"}

_LISTS = (
    ("containers", "containerStatuses"),
    ("initContainers", "initContainerStatuses"),
    ("ephemeralContainers", "ephemeralContainerStatuses"),
)


class Owner(NamedTuple):
    """An object that another one belongs to."""

    kind: str
    name: str


class Space(NamedTuple):
    """A namespace: its uid and its labels."""

    uid: str | None = None
    labels: dict[str, str] | None = None


def owner_of(found: Object) -> Owner | None:
    """The controller among the owners of an object."""
    owners = found["metadata"].get("ownerReferences") or ()
    owner = next((each for each in owners if each.get("controller")), None)
    return Owner(owner["kind"], owner["name"]) if owner else None


def uid_of(found: Object) -> str:
    """The uid that the control groups of the pod's containers have."""
    metadata = found["metadata"]
    return str((metadata.get("annotations") or {}).get(_OWN_UID) or metadata["uid"])


def pod(found: Object, workload: Owner | None, space: Space) -> Pod:
    """A pod, with what it takes other objects to know."""
    metadata, spec, status = found["metadata"], found.get("spec") or {}, found.get("status") or {}
    return Pod(
        uid=uid_of(found),
        name=metadata["name"],
        namespace=metadata["namespace"],
        namespace_uid=space.uid,
        namespace_labels=space.labels,
        node=spec.get("nodeName"),
        ip=status.get("podIP"),
        service_account=spec.get("serviceAccountName"),
        workload=workload.name if workload else None,
        workload_kind=workload.kind if workload else None,
        labels=dict(metadata.get("labels") or {}),
        annotations=short(metadata.get("annotations") or {}),
    )


def containers(found: Object) -> Iterator[tuple[str, Description]]:
    """The containers of a pod that have been made, by id."""
    spec, status = found.get("spec") or {}, found.get("status") or {}
    for wanted, made in _LISTS:
        specified = {each["name"]: each for each in spec.get(wanted) or ()}
        for each in status.get(made) or ():
            _, _, identity = (each.get("containerID") or "").partition("://")
            if identity:
                yield identity, _container(specified.get(each["name"]) or {}, each, spec, uid_of(found))


def _container(wanted: Object, made: Object, spec: Object, uid: str) -> Description:
    reference = (made.get("imageID") or "").rpartition("://")[2]
    running = (made.get("state") or {}).get("running") or {}
    return Description(
        name=made["name"],
        image=wanted.get("image") or made.get("image"),
        digest=reference if "@" in reference else None,
        privileged=bool((wanted.get("securityContext") or {}).get("privileged")),
        mounts=list(_host_mounts(wanted, spec)),
        started=nanoseconds(running.get("startedAt")),
        host_network=bool(spec.get("hostNetwork")),
        host_pid=bool(spec.get("hostPID")),
        host_ipc=bool(spec.get("hostIPC")),
        liveness_probe=_probe(wanted.get("livenessProbe")),
        readiness_probe=_probe(wanted.get("readinessProbe")),
        pod=Pod(uid=uid),
    )


def _host_mounts(wanted: Object, spec: Object) -> Iterator[Mount]:
    """What of the node the container can see; other volumes have no place that means anything there."""
    paths = {each["name"]: (each.get("hostPath") or {}).get("path") for each in spec.get("volumes") or ()}
    for mount in wanted.get("volumeMounts") or ():
        if source := paths.get(mount["name"]):
            readonly = bool(mount.get("readOnly"))
            yield Mount(
                source=source,
                destination=mount["mountPath"],
                mode="ro" if readonly else "rw",
                writable=not readonly,
                propagation=_PROPAGATION.get(mount.get("mountPropagation") or "", "private"),
            )


def _probe(probe: Object | None) -> str | None:
    """The command of a probe; one that asks over the network runs nothing in the container."""
    command = ((probe or {}).get("exec") or {}).get("command")
    return " ".join(command) if command else None
