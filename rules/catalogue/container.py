"""Fields of the container and the pod that the process runs in."""

from rules.catalogue.row import EVERY, Code, Row, Type, always, later


def _about(name: str, kind: Type, meaning: str, attribute: str) -> Row:
    return Row(name, kind, meaning, "inventory", always(f"p.container.about.{attribute}"))


def _label(name: str, meaning: str, attribute: str) -> Row:
    def code(argument: str) -> Code:
        return Code(f"labelled(p.container.about.{attribute}, {argument!r})", costly=True)

    return Row(name, "string", meaning, "inventory", {EVERY: code}, argument="required")


def _labels(name: str, meaning: str, attribute: str) -> Row:
    source = always(f"all_labels(p.container.about.{attribute})", costly=True)
    return Row(name, "string", meaning, "inventory", source)


def _mount(name: str, meaning: str, by: str, part: str | None = None) -> Row:
    def code(argument: str) -> Code:
        given = f"p.container.about.mounts, {argument!r}, {by!r}"
        return Code(f"mount_part({given}, {part!r})" if part else f"mount_of({given})", costly=True)

    return Row(name, "string", meaning, "inventory", {EVERY: code}, argument="required")


def _check(name: str, meaning: str, attribute: str) -> Row:
    source = always(f"probes(p, p.container.about.{attribute})", costly=True)
    return Row(name, "bool", meaning, "process tree, inventory", source)


def _workload(name: str, kind: str) -> Row:
    pod = "p.container.about.pod"
    source = always(f"({pod}.workload if {pod}.workload_kind == {kind!r} else None)")
    return Row(name, "string", f"name of the {kind} that keeps the pod running", "inventory", source)


CONTAINER = (
    Row("container.id", "string", "first 12 characters of the container's id; host outside of containers",
        "control groups", always("p.container.id")),
    Row("container.full_id", "string", "the container's whole id; missing outside of containers",
        "control groups", always("p.container.full_id")),
    Row("container.type", "string",
        "runtime: docker, containerd, cri-o, podman, lxc, systemd-nspawn; host outside of containers",
        "control groups", always("('host' if p.container.id == 'host' else p.container.runtime)")),
    Row("container.name", "string", "the container's name; host outside of containers", "inventory",
        always("('host' if p.container.id == 'host' else p.container.about.name)")),
    _about("container.image", "string", "image, with its tag", "image"),
    Row("container.image.repository", "string", "image without its tag", "inventory",
        always("repository(p.container.about.image)", costly=True)),
    Row("container.image.tag", "string", "tag of the image", "inventory",
        always("tag(p.container.about.image)")),
    _about("container.image.id", "string", "id of the image", "image_id"),
    Row("container.image.digest", "string", "digest of the image, as the registry knows it", "inventory",
        always("hashed(p.container.about.digest)")),
    _about("container.privileged", "bool", "whether the container is privileged", "privileged"),
    Row("container.mounts", "string", "all mounts: source:destination:mode:rdwr:propagation", "inventory",
        always("all_mounts(p.container.about.mounts)", costly=True)),
    _mount("container.mount", "a mount, by number or source; the source may have wildcards", "source"),
    _mount("container.mount.source", "source of a mount, by number or destination", "destination", "source"),
    _mount("container.mount.dest", "destination of a mount, by number or source", "source", "destination"),
    _mount("container.mount.mode", "mode of a mount, by number or source", "source", "mode"),
    _mount("container.mount.rdwr", "whether a mount may be written, by number or source", "source",
           "writable"),
    _mount("container.mount.propagation", "propagation of a mount, by number or source", "source",
           "propagation"),
    _about("container.healthcheck", "string", "command of the health check", "healthcheck"),
    _about("container.liveness_probe", "string", "command of the liveness probe", "liveness_probe"),
    _about("container.readiness_probe", "string", "command of the readiness probe", "readiness_probe"),
    _about("container.start_ts", "abstime", "when the container started, nanoseconds since 1970", "started"),
    Row("container.duration", "reltime", "how long the container has been running", "inventory",
        always("(None if p.container.about.started is None else e.time - p.container.about.started)")),
    _about("container.ip", "string", "address of the container", "ip"),
    later("container.cni.json", "string", "network set-up of the pod", "inventory"),
    _about("container.host_pid", "bool", "whether the container shares the host's processes", "host_pid"),
    _about("container.host_network", "bool", "whether the container shares the host's network",
           "host_network"),
    _about("container.host_ipc", "bool", "whether the container shares the host's IPC", "host_ipc"),
    _label("container.label", "a label of the container", "labels"),
    _labels("container.labels", "all labels of the container", "labels"),
    Row("proc.is_container_exec", "bool",
        "whether the process or an ancestor was started in the container from outside, as by docker exec",
        "process tree", always("p.entered")),
    _check("proc.is_container_healthcheck", "whether this is the container's health check", "healthcheck"),
    _check("proc.is_container_liveness_probe", "whether this is the container's liveness probe",
           "liveness_probe"),
    _check("proc.is_container_readiness_probe", "whether this is the container's readiness probe",
           "readiness_probe"),
    _about("k8s.pod.name", "string", "name of the pod", "pod.name"),
    _about("k8s.pod.id", "string", "uid of the pod", "pod.uid"),
    _about("k8s.pod.uid", "string", "uid of the pod", "pod.uid"),
    Row("k8s.pod.sandbox_id", "string", "id of the pod's sandbox", "inventory",
        always("(p.container.about.pod.sandbox and p.container.about.pod.sandbox[:12])")),
    _about("k8s.pod.full_sandbox_id", "string", "whole id of the pod's sandbox", "pod.sandbox"),
    _label("k8s.pod.label", "a label of the pod", "pod.labels"),
    _labels("k8s.pod.labels", "all labels of the pod", "pod.labels"),
    _about("k8s.pod.ip", "string", "address of the pod", "pod.ip"),
    later("k8s.pod.cni.json", "string", "network set-up of the pod", "inventory"),
    _about("k8s.ns.name", "string", "namespace of the pod", "pod.namespace"),
    _about("k8s.ns.id", "string", "id of the pod's namespace", "pod.namespace_uid"),
    _label("k8s.ns.label", "a label of the pod's namespace", "pod.namespace_labels"),
    _labels("k8s.ns.labels", "all labels of the pod's namespace", "pod.namespace_labels"),
    _workload("k8s.deployment.name", "Deployment"),
    _workload("k8s.rs.name", "ReplicaSet"),
    _workload("k8s.rc.name", "ReplicationController"),
    later("k8s.svc.name", "string", "deprecated", "inventory"),
    *(
        row
        for thing in ("rc", "svc", "rs", "deployment")
        for row in (
            later(f"k8s.{thing}.id", "string", "deprecated", "inventory"),
            later(f"k8s.{thing}.label", "string", "deprecated", "inventory", argument="required"),
            later(f"k8s.{thing}.labels", "string", "deprecated", "inventory"),
        )
    ),
)  # fmt: skip
