"""Fields of the container and the pod that the process runs in."""

from rules.catalogue.row import Row, Type, always, later


def _inventory(name: str, kind: Type, meaning: str) -> Row:
    return later(name, kind, meaning, "inventory")


def _mount(name: str, meaning: str) -> Row:
    return later(name, "string", meaning, "inventory", argument="required")


def _label(name: str, meaning: str) -> Row:
    return later(name, "string", meaning, "inventory", argument="required")


CONTAINER = (
    Row("container.id", "string", "first 12 characters of the container's id; host outside of containers",
        "control groups", always("p.container.id")),
    Row("container.full_id", "string", "the container's whole id; missing outside of containers",
        "control groups", always("p.container.full_id")),
    Row("container.type", "string", "runtime: docker, containerd, cri-o, podman; host outside of containers",
        "control groups", always("('host' if p.container.id == 'host' else p.container.runtime)")),
    Row("container.name", "string", "the container's name; host outside of containers", "inventory",
        always("('host' if p.container.id == 'host' else p.container.name)"), collected=False),
    Row("container.image", "string", "image, with its tag", "inventory", always("p.container.image"),
        collected=False),
    Row("container.image.repository", "string", "image without its tag", "inventory",
        always("repository(p.container.image)", costly=True), collected=False),
    Row("container.image.tag", "string", "tag of the image", "inventory", always("tag(p.container.image)"),
        collected=False),
    _inventory("container.image.id", "string", "id of the image"),
    _inventory("container.image.digest", "string", "digest of the image"),
    _inventory("container.privileged", "bool", "whether the container is privileged"),
    _inventory("container.mounts", "string", "all mounts: source:destination:mode:rdwr:propagation"),
    _mount("container.mount", "a mount, by number or source"),
    _mount("container.mount.source", "source of a mount, by number or destination"),
    _mount("container.mount.dest", "destination of a mount, by number or source"),
    _mount("container.mount.mode", "mode of a mount, by number or source"),
    _mount("container.mount.rdwr", "whether a mount may be written, by number or source"),
    _mount("container.mount.propagation", "propagation of a mount, by number or source"),
    _inventory("container.healthcheck", "string", "command of the health check"),
    _inventory("container.liveness_probe", "string", "command of the liveness probe"),
    _inventory("container.readiness_probe", "string", "command of the readiness probe"),
    _inventory("container.start_ts", "abstime", "when the container started"),
    _inventory("container.duration", "reltime", "how long the container has been running"),
    _inventory("container.ip", "string", "address of the container"),
    _inventory("container.cni.json", "string", "network set-up of the pod"),
    _inventory("container.host_pid", "bool", "whether the container shares the host's processes"),
    _inventory("container.host_network", "bool", "whether the container shares the host's network"),
    _inventory("container.host_ipc", "bool", "whether the container shares the host's IPC"),
    _label("container.label", "a label of the container"),
    _inventory("container.labels", "string", "all labels of the container"),
    _inventory("k8s.pod.name", "string", "name of the pod"),
    _inventory("k8s.pod.id", "string", "uid of the pod"),
    _inventory("k8s.pod.uid", "string", "uid of the pod"),
    _inventory("k8s.pod.sandbox_id", "string", "id of the pod's sandbox"),
    _inventory("k8s.pod.full_sandbox_id", "string", "whole id of the pod's sandbox"),
    _label("k8s.pod.label", "a label of the pod"),
    _inventory("k8s.pod.labels", "string", "all labels of the pod"),
    _inventory("k8s.pod.ip", "string", "address of the pod"),
    _inventory("k8s.pod.cni.json", "string", "network set-up of the pod"),
    _inventory("k8s.ns.name", "string", "namespace of the pod"),
    _inventory("k8s.ns.id", "string", "id of the pod's namespace"),
    _label("k8s.ns.label", "a label of the pod's namespace"),
    _inventory("k8s.ns.labels", "string", "all labels of the pod's namespace"),
    *(
        row
        for thing in ("rc", "svc", "rs", "deployment")
        for row in (
            _inventory(f"k8s.{thing}.name", "string", "deprecated"),
            _inventory(f"k8s.{thing}.id", "string", "deprecated"),
            _label(f"k8s.{thing}.label", "deprecated"),
            _inventory(f"k8s.{thing}.labels", "string", "deprecated"),
        )
    ),
)  # fmt: skip
