"""A made-up but realistic host: services, cron jobs and containers, the same every time for one seed."""

import random
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import msgspec

from collectors.recording import RecordingWriter
from wire.batch import MAX_EVENTS, Batch, Host
from wire.event import Ancestor, AnyEvent, Descriptor, Exec, Exit, Fork, Open, Socket

_TICK = 10**7
_LIBRARIES = ("libc.so.6", "libm.so.6", "libz.so.1", "libssl.so.3", "libcrypto.so.3", "libpcre2-8.so.0")
_PROGRAMS = (
    ("/usr/bin/python3.11", ["python3", "/app/worker.py", "--queue", "orders", "--concurrency", "4"]),
    ("/bin/busybox", ["sh", "-c", "wget -q -O /dev/null http://127.0.0.1:8080/healthz || exit 1"]),
    ("/usr/bin/curl", ["curl", "-fsS", "--max-time", "2", "http://localhost:9090/-/healthy"]),
    ("/usr/bin/git", ["git", "-C", "/srv/repo", "fetch", "--prune", "origin"]),
    ("/usr/bin/find", ["find", "/var/lib/app", "-name", "*.tmp", "-mtime", "+7"]),
    ("/usr/sbin/logrotate", ["/usr/sbin/logrotate", "/etc/logrotate.conf"]),
    ("/usr/bin/grep", ["grep", "-c", "processor", "/proc/cpuinfo"]),
)

# One job in so many executes a program that is not part of its container's image.
_ATTACKS = 1 / 500
_DROPPED = ("/tmp/.x/kworkerd", ["kworkerd", "-o", "10.0.0.1:3333"])  # noqa: S108  # a path that is told, not used


class _Machine:
    """Hands out numbers: sequence, time, pids; and knows a few long-running parents."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311  # not for secrets: the same events every time
        self.seq = count(1)
        self.pids = count(1000)
        self.containers = [f"{self.random.getrandbits(256):064x}" for _ in range(12)]

    def stamp(self) -> dict[str, Any]:
        seq = next(self.seq)
        return {"seq": seq, "time": 1_700_000_000 * 10**9 + seq * 20_000}


def events(seed: int = 1) -> Iterator[AnyEvent]:
    """Endless jobs: a service forks, executes a program that opens files and connects, and it ends."""
    machine = _Machine(seed)
    while True:
        yield from _job(machine)


def write(path: Path, number: int, seed: int = 1) -> None:
    """Record ``number`` events to ``path`` in batches as a collector cuts them."""
    host = Host(id="bench", name="bench", boot="bench-boot")
    source = events(seed)
    with RecordingWriter(path) as writer:
        for _ in range(number // MAX_EVENTS):
            batch = [next(source) for _ in range(MAX_EVENTS)]
            writer.write(Batch(host=host, first=batch[0].seq, last=batch[-1].seq, events=batch))


def _job(machine: _Machine) -> Iterator[AnyEvent]:
    pid = next(machine.pids)
    parent = machine.random.randrange(100, 160)
    attack = machine.random.random() < _ATTACKS
    path, args = _DROPPED if attack else machine.random.choice(_PROGRAMS)
    container = machine.random.choice(machine.containers)
    who: dict[str, Any] = {
        "pid": pid,
        "tid": pid,
        "start": pid * _TICK,
        "uid": 0,
        "cgroup": int(container[:6], 16),
    }
    yield Fork(**machine.stamp(), **who, comm="service", parent=parent, parent_start=parent * _TICK, vpid=pid)
    comm = args[0].rsplit("/", 1)[-1][:15]
    executed = _exec(machine, who, comm, path, args, container, parent)
    yield msgspec.structs.replace(executed, upper_layer=attack)
    for _ in range(machine.random.randrange(6, 20)):
        yield _open(machine, who, comm)
    if machine.random.random() < 0.6:
        yield _connect(machine, who, comm)
    yield Exit(**machine.stamp(), **who, comm=comm)


def _exec(
    machine: _Machine,
    who: dict[str, Any],
    comm: str,
    path: str,
    args: list[str],
    container: str,
    parent: int,
) -> Exec:
    null = Descriptor("dev", "/dev/null", 5)
    return Exec(
        **machine.stamp(),
        **who,
        comm=comm,
        filename=path,
        exepath=path,
        args=args,
        cwd="/",
        parents=[Ancestor(parent, parent * _TICK, "service"), Ancestor(1, _TICK, "init")],
        stdio=[null, Descriptor("pipe", "", who["pid"]), null],
        gid=0,
        euid=0,
        egid=0,
        suid=0,
        sgid=0,
        user="root",
        loginuid=4294967295,
        cap_permitted=0xA80425FB,
        cap_effective=0xA80425FB,
        cap_inheritable=0,
        tty=0,
        vpid=who["pid"],
        pgid=who["pid"],
        sid=parent,
        pid_ns=4026532001,
        mnt_ns=4026532002,
        cgroup_path=f"/docker/{container}",
    )


def _open(machine: _Machine, who: dict[str, Any], comm: str) -> Open:
    kind = machine.random.random()
    path, flags = f"/lib/x86_64-linux-gnu/{machine.random.choice(_LIBRARIES)}", 0o2000000
    if kind < 0.3:
        path, flags = f"/proc/{who['pid']}/status", 0
    elif kind < 0.5:
        path, flags = f"/var/lib/app/cache/{machine.random.randrange(10**6):06x}.json", 0o1101
    elif kind < 0.6:
        path, flags = "/etc/localtime", 0o2000000
    failed = machine.random.random() < 0.2
    result = -2 if failed else 3
    return Open(**machine.stamp(), **who, comm=comm, type="openat", result=result, path=path, flags=flags)


def _connect(machine: _Machine, who: dict[str, Any], comm: str) -> Socket:
    return Socket(
        **machine.stamp(),
        **who,
        comm=comm,
        type="connect",
        result=0,
        fd=5,
        family="ipv4",
        proto="tcp",
        local_ip="10.244.1.7",
        local_port=machine.random.randrange(32768, 60999),
        remote_ip=f"10.96.0.{machine.random.randrange(1, 250)}",
        remote_port=machine.random.choice((80, 443, 5432, 9092)),
    )
