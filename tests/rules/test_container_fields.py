"""Fields of containers and pods, as Falco's users write and read them."""

from typing import Any

import pytest

from stream.process import Container, Process
from tests.rules.test_output import BASE, shown
from wire.event import Exec
from wire.inventory import Description, Mount, Pod

ABOUT = Description(
    name="web",
    image="reg:5000/a/nginx:1.25",
    image_id="sha256:aa",
    digest="reg:5000/a/nginx@sha256:bb",
    labels={"team": "shop", "a.b/c": "d"},
    privileged=True,
    mounts=[
        Mount("/var/run/docker.sock", "/run/docker.sock", "", True, "rprivate"),
        Mount("/srv/data", "/data", "ro", False, "rslave"),
    ],
    started=BASE["time"] - 5_000_000_000,
    ip="10.0.0.7",
    host_network=False,
    healthcheck="/bin/check --fast",
    liveness_probe="/bin/live",
    pod=Pod(
        uid="u-1",
        name="web-1",
        namespace="shop",
        sandbox="f" * 64,
        labels={"app": "web"},
        workload="web",
        workload_kind="Deployment",
        namespace_labels={"stage": "live"},
    ),
)


def process(*args: str, **given: Any) -> Process:
    """A process in the container of all this."""
    inside = Container(id="0" * 12, full_id="0" * 64, about=ABOUT)
    return Process(args=list(args), container=inside, **{"parent": Process(), **given})


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ("%container.name %container.image", "web reg:5000/a/nginx:1.25"),
        ("%container.image.repository %container.image.tag", "reg:5000/a/nginx 1.25"),
        ("%container.image.id %container.image.digest", "sha256:aa sha256:bb"),
        ("%container.privileged %container.host_network %container.host_pid", "true false <NA>"),
        (
            "%container.mounts",
            "/var/run/docker.sock:/run/docker.sock::true:rprivate,/srv/data:/data:ro:false:rslave",
        ),
        ("%container.mount[1]", "/srv/data:/data:ro:false:rslave"),
        ("%container.mount[/srv/*]", "/srv/data:/data:ro:false:rslave"),
        ("%container.mount[/nowhere] %container.mount[7]", "<NA> <NA>"),
        ("%container.mount.source[/data] %container.mount.dest[/srv/data]", "/srv/data /data"),
        ("%container.mount.mode[1] %container.mount.rdwr[1]", "ro false"),
        ("%container.mount.propagation[/srv/data]", "rslave"),
        ("%container.label[team] %container.label[a.b/c] %container.label[x]", "shop d <NA>"),
        ("%container.labels", "team:shop, a.b/c:d"),
        ("%container.duration %container.ip", "5000000000 10.0.0.7"),
        ("%container.healthcheck %container.readiness_probe", "/bin/check --fast <NA>"),
        ("%k8s.ns.name %k8s.pod.name %k8s.pod.uid %k8s.pod.id", "shop web-1 u-1 u-1"),
        ("%k8s.pod.sandbox_id %k8s.pod.label[app] %k8s.pod.labels", "ffffffffffff web app:web"),
        ("%k8s.ns.label[stage] %k8s.deployment.name %k8s.rs.name", "live web <NA>"),
    ],
)
def test_what_the_inventory_tells_is_in_outputs(output: str, text: str) -> None:
    """Values of the container and the pod; what is not known is missing."""
    assert shown(output, Exec(**BASE), process("/bin/sh"))[0] == text


@pytest.mark.parametrize(
    ("args", "given", "text"),
    [
        (("/bin/check", "--fast"), {"entered": True}, "true true false"),
        (("/bin/check", "--fast"), {"entered": False}, "false false false"),
        (("/bin/live",), {"entered": True}, "true false true"),
        (("/bin/check",), {"entered": None}, "<NA> <NA> <NA>"),
    ],
)
def test_checks_are_told_from_other_programs_started_from_outside(
    args: tuple[str, ...], given: dict[str, Any], text: str
) -> None:
    """A health check is what comes from outside with the command that the inventory knows."""
    output = "%proc.is_container_exec %proc.is_container_healthcheck %proc.is_container_liveness_probe"
    assert shown(output, Exec(**BASE), process(*args, **given))[0] == text


def test_what_a_check_starts_belongs_to_it() -> None:
    """Rules that leave out health checks leave out the programs that these call."""
    check = process("/bin/check", "--fast", entered=True)
    child = process("curl", "localhost", entered=True, parent=check)
    assert shown("%proc.is_container_healthcheck", Exec(**BASE), child)[0] == "true"
