"""Outputs: text with values in it, and the values by name."""

from typing import Any

import pytest

from rules.compiler.output import output_parts
from stream.process import HOST, NOBODY, Container, Process
from tests.rules.files import only, rule
from tests.rules.host import SomeHost
from wire.event import Descriptor, Exec, Open, Socket
from wire.inventory import Description, Pod

BASE: dict[str, Any] = {"seq": 3, "time": 1_700_000_000_123_456_789, "pid": 12, "tid": 12, "start": 5}
PARENT = Process(pid=1, name="systemd", cmdline="systemd", exepath="/sbin/init", parent=NOBODY)
PROCESS = Process(
    pid=12,
    parent=PARENT,
    name="nginx",
    exe="/usr/sbin/nginx",
    exepath="/usr/sbin/nginx",
    args=["/usr/sbin/nginx", "-g", "daemon off;"],
    argline="-g daemon off;",
    cmdline="nginx -g daemon off;",
    uid=0,
    user="root",
    loginuid=2**32 - 1,
    tty=0,
    cap_effective=1 << 21 | 1,
    upper_layer=True,
    memfd=False,
    sid=1,
    stdio=[Descriptor("ipv4", "1.1.1.1:1->2.2.2.2:2"), None],
    container=Container(
        id="0123456789ab",
        full_id="0" * 64,
        runtime="docker",
        about=Description(image="reg:5000/a/nginx:1.25", pod=Pod()),
    ),
    executed=1_700_000_000_000_000_000,
)
OPEN = Open(**BASE, type="openat", result=-2, path="/etc/x", raw="../etc/x", flags=0o2001101, mode=0o644)
CONNECT = Socket(
    **BASE,
    type="connect",
    result=-115,
    fd=4,
    family="ipv6",
    proto="tcp",
    local_ip="::1",
    local_port=40000,
    remote_ip="fd00::2",
    remote_port=443,
)


def shown(output: str, event: Exec | Open | Socket, process: Process = PROCESS) -> tuple[str, dict[str, Any]]:
    """What an output gives for an event."""
    text = rule(f"evt.type={event.type}").replace("out %proc.name", f'"{output}"')
    return only(text).render(event, process, SomeHost())


@pytest.mark.parametrize(
    ("output", "event", "text"),
    [
        ("%proc.name ran %proc.args", Exec(**BASE), "nginx ran -g daemon off;"),
        ("by %proc.name.", Exec(**BASE), "by nginx."),
        ("%proc.pname %proc.aname[2] %proc.aname[1]", Exec(**BASE), "systemd <NA> systemd"),
        ("%user.uid %user.loginuid %proc.tty", Exec(**BASE), "0 -1 0"),
        ("%thread.cap_effective", Exec(**BASE), "CAP_CHOWN CAP_SYS_ADMIN"),
        ("%proc.is_exe_upper_layer %proc.is_exe_from_memfd", Exec(**BASE), "true false"),
        ("%evt.arg.flags", Exec(**BASE), "EXE_UPPER_LAYER"),
        (
            "%proc.stdin.type %proc.stdin.name %proc.stdout.type",
            Exec(**BASE),
            "ipv4 1.1.1.1:1->2.2.2.2:2 <NA>",
        ),
        (
            "%container.id %container.image.repository %container.image.tag",
            Exec(**BASE),
            "0123456789ab reg:5000/a/nginx 1.25",
        ),
        ("%evt.hostname %evt.num %evt.type", Exec(**BASE), "web-1 3 execve"),
        ("%evt.time %evt.datetime.s", Exec(**BASE), "22:13:20.123456789 2023-11-14 22:13:20"),
        ("%evt.res %evt.rawres %fd.num", OPEN, "ENOENT -2 -1"),
        ("%fd.name %fd.nameraw %fd.directory %fd.filename", OPEN, "/etc/x ../etc/x /etc <NA>"),
        ("%evt.arg.flags %evt.arg.mode", OPEN, "O_WRONLY|O_CREAT|O_TRUNC|O_CLOEXEC 0644"),
        ("%fd.name %fd.typechar %fd.type", CONNECT, "::1:40000->fd00::2:443 6 ipv6"),
        ("%fd.sip %fd.sport %fd.cip %fd.lport %fd.rport", CONNECT, "fd00::2 443 ::1 40000 443"),
        ("%evt.res %fd.l4proto", CONNECT, "EINPROGRESS tcp"),
        ("%5proc.name|%8proc.name|", Exec(**BASE), "nginx|nginx   |"),
        ("%3proc.name|", Exec(**BASE), "ngi|"),
        ("%toupper(proc.name) %basename(proc.exepath)", Exec(**BASE), "NGINX nginx"),
        ("a %container.info b", Exec(**BASE), "a  b"),
        ("%proc.sname %proc.duration", Exec(**BASE), "nginx 123456789"),
        ("no values", Exec(**BASE), "no values"),
    ],
)
def test_text(output: str, event: Exec | Open | Socket, text: str) -> None:
    """Values stand in the text as Falco prints them; a missing one is <NA>."""
    assert shown(output, event)[0] == text


def test_values() -> None:
    """The values come along by the names in the output, of their own type; a missing one is None."""
    assert shown("%proc.pid %proc.pid %fd.name %proc.is_exe_upper_layer %toupper(proc.name)", Exec(**BASE))[
        1
    ] == {
        "proc.pid": 12,
        "fd.name": None,
        "proc.is_exe_upper_layer": True,
        "toupper(proc.name)": "NGINX",
    }


def test_nothing_known() -> None:
    """An output can be rendered for a process of which nothing is known."""
    text, values = shown(
        "%proc.name %proc.pname %container.id %thread.cap_effective %proc.sname", OPEN, NOBODY
    )
    assert text == "<NA> <NA> <NA> <NA> <NA>"
    assert set(values.values()) == {None}


def test_host() -> None:
    """Outside of containers the container's id, name and type are host."""
    process = Process(parent=NOBODY, container=HOST)
    assert (
        shown("%container.id %container.name %container.type %container.full_id", OPEN, process)[0]
        == "host host host <NA>"
    )


@pytest.mark.parametrize(
    ("output", "at", "sentence"),
    [
        ("a %proc.nam", 3, "did you mean proc.name?"),
        ("50% of it", 3, "must be followed by a field"),
        ("100%", 4, "must be followed by a field"),
        ("%fd.ip", 1, "can be compared but not shown"),
        ("%container.mount.dest", 1, "needs an argument"),
        ("%toupper(proc.pid)", 1, "takes a value of type string"),
    ],
)
def test_errors(output: str, at: int, sentence: str) -> None:
    """What cannot be shown is an error at its place."""
    _, problems = output_parts(output)
    assert [problem.at for problem in problems] == [at]
    assert sentence in problems[0].sentence
