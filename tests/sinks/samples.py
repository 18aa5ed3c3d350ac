"""Detections to deliver."""

from typing import Any

import msgspec

from wire.batch import Host
from wire.detection import ContainerInfo, Detection, ProcessInfo, RuleInfo, Technique, detection_id, entity_id
from wire.inventory import Mount, Pod

BOOT = "5c0f0a52-6ad5-4f6e-9e4d-2f2f5a1c7d10"
HOST = Host(id="4c4c4544004b4d10", name="node-1", boot=BOOT)
NOVEMBER = 1_795_600_000_123_456_789  # 2026-11-25

RULE = RuleInfo(
    name="A web server started a shell",
    description="A shell below a web server is how most break-ins begin.",
    priority="Critical",
    tags=["container"],
    techniques=[
        Technique("T1505.003", "Server Software Component: Web Shell", ["Persistence"]),
        Technique("T1190", "Exploit Public-Facing Application", ["Initial Access"]),
    ],
    response="Look at the requests of that minute.",
    false_positives=["applications that call a shell"],
)
EXEC = {"kind": "exec", "type": "execve", "seq": 7, "time": NOVEMBER, "pid": 40, "tid": 40, "start": 400}


def process(pid: int, *args: str, **known: Any) -> ProcessInfo:  # any field of a process
    """A process that ran ``args``."""
    return ProcessInfo(
        entity=entity_id(BOOT, pid, pid * 10),
        pid=pid,
        start=pid * 10,
        name=known.pop("name", args[0].rpartition("/")[2]),
        exepath=args[0],
        args=list(args),
        **known,
    )


def detection(number: int = 1, **changes: Any) -> Detection:  # any field of a detection
    """The ``number``-th of as many as one wants, all different."""
    some = Detection(
        id=detection_id(RULE.name, BOOT, [number]),
        time=NOVEMBER + number,
        host=HOST,
        rule=RULE,
        output=f"A web server started a shell | command=sh -c id number={number}",
        events=[number],
        event=EXEC,
        fields={"proc.name": "sh", "proc.pid": 40, "proc.aname[2]": None, "evt.args": ["a", "b"]},
        process=process(40, "/bin/sh", "-c", "id", user="www-data", uid=33, tty=0, executed=NOVEMBER),
        ancestors=[process(30, "/usr/sbin/httpd", "-f", user="root", uid=0), process(1, "/sbin/init")],
        container=ContainerInfo(
            id="f" * 64,
            runtime="containerd",
            name="shop",
            image="registry.example:5000/shop/web:1.2",
            digest="registry.example:5000/shop/web@sha256:" + "a" * 64,
            privileged=True,
            labels={"team": "shop"},
            mounts=[Mount("/var/run", "/run", "rw"), Mount("/srv", "/srv", "ro", writable=False)],
            pod=Pod(
                uid="5759a1ae-36ca-48a8-b20a-b0b5c8a90fb8",
                name="web-7d4b9c-x2x4z",
                namespace="shop",
                namespace_labels={"stage": "live"},
                node="node-1",
                ip="10.1.2.3",
                service_account="web",
                workload="web",
                workload_kind="Deployment",
                labels={"app": "web", "app.kubernetes.io/name": "web"},
                annotations={"owner": "team-shop"},
            ),
            entered=True,
        ),
        missing=["container.labels: no runtime socket"],
    )
    return msgspec.structs.replace(some, **changes)


def detections(count: int) -> list[Detection]:
    """The first ``count``."""
    return [detection(number) for number in range(1, count + 1)]
