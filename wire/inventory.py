"""What a container runtime and the cluster say of a container: its name, image, rights, mounts and pod.

``None`` means not known, never "none". Times are nanoseconds since the epoch.
"""

from msgspec import Struct, field


class Mount(Struct, frozen=True, gc=False, omit_defaults=True):
    """Something of the host that is visible in the container. ``mode`` is as the runtime writes it."""

    source: str
    destination: str
    mode: str = ""
    writable: bool = True
    propagation: str = ""


class Pod(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A pod of Kubernetes. ``workload`` is what keeps it running: ``workload_kind`` is Deployment, Job ...

    ``sandbox`` is the id of the container that holds its namespaces.
    """

    uid: str | None = None
    name: str | None = None
    namespace: str | None = None
    namespace_uid: str | None = None
    namespace_labels: dict[str, str] | None = None
    node: str | None = None
    ip: str | None = None
    sandbox: str | None = None
    service_account: str | None = None
    workload: str | None = None
    workload_kind: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class Description(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A container. ``image`` is what was asked for, with its tag; ``digest`` what the registry calls it.

    ``sources`` says who told: docker, podman, cri, oci (the runtime's files), kubernetes. ``pid`` is the
    first process's on the host. ``capabilities`` are the names of those that it may have. The probes and
    the health check are command lines.
    """

    sources: list[str] = field(default_factory=list)
    runtime: str | None = None
    name: str | None = None
    image: str | None = None
    image_id: str | None = None
    digest: str | None = None
    labels: dict[str, str] | None = None
    privileged: bool | None = None
    capabilities: list[str] | None = None
    mounts: list[Mount] | None = None
    created: int | None = None
    started: int | None = None
    pid: int | None = None
    ip: str | None = None
    host_network: bool | None = None
    host_pid: bool | None = None
    host_ipc: bool | None = None
    healthcheck: str | None = None
    liveness_probe: str | None = None
    readiness_probe: str | None = None
    pod: Pod | None = None
