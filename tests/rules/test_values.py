"""How arguments of system calls are shown."""

import pytest

from rules.compiler import values
from wire.event import Change, Descriptor


@pytest.mark.parametrize(
    ("table", "value", "text"),
    [
        ("mode", 0o4001, "S_IXOTH|S_ISUID"),
        ("mode", 0, "0"),
        ("clone", 0x20000 | 0x40000000, "CLONE_NEWNS|CLONE_NEWNET"),
        ("mount", 0x1000 | 0x4000 | 1, "RDONLY|BIND|REC"),
        ("io_uring", 2, "IORING_SETUP_SQPOLL"),
    ],
)
def test_bits(table: str, value: int, text: str) -> None:
    """Names of bits in the order of the table; nothing is 0."""
    assert values.bits(table, value) == text


@pytest.mark.parametrize(
    ("table", "value", "text"),
    [
        ("ptrace", 16, "PTRACE_ATTACH"),
        ("ptrace", 0x4206, "PTRACE_SEIZE"),
        ("ptrace", 10, "10"),
        ("bpf", 5, "BPF_PROG_LOAD"),
        ("bpf", 28, "BPF_LINK_CREATE"),
        ("family", 17, "AF_PACKET"),
        ("family", 40, "AF_VSOCK"),
        ("prctl", 38, "PR_SET_NO_NEW_PRIVS"),
        ("prctl", 47, "PR_CAP_AMBIENT"),
        ("prctl", -1, "-1"),
        ("keyctl", 11, "KEYCTL_READ"),
        ("signal", 9, "SIGKILL"),
        ("signal", 200, "200"),
        ("perf", 2, "PERF_TYPE_TRACEPOINT"),
    ],
)
def test_choices(table: str, value: int, text: str) -> None:
    """The name that a number has, or the number."""
    assert values.choice(table, value) == text


@pytest.mark.parametrize(
    ("link", "target", "leads"),
    [
        ("/a/b/l", "../x", "/a/x"),
        ("/a/l", "/etc/shadow", "/etc/shadow"),
        ("/l", "x", "/x"),
        ("l", "x", "x"),
        ("/l", None, None),
    ],
)
def test_where_a_link_leads(link: str, target: str | None, leads: str | None) -> None:
    """A relative link starts at its own directory, not at that of the process."""
    event = Change(type="symlink", seq=1, time=1, pid=1, tid=1, start=1, result=0, path=link, text=target)
    assert values.link_target(event) == leads


@pytest.mark.parametrize(
    ("descriptor", "text", "kind"),
    [
        (Descriptor("file", "/etc/passwd"), "<f>/etc/passwd", "file"),
        (Descriptor("tty", "/dev/pts/0"), "<f>/dev/pts/0", "file"),
        (Descriptor("ipv4", "1.1.1.1:1->2.2.2.2:2"), "<4>1.1.1.1:1->2.2.2.2:2", "ipv4"),
        (Descriptor("pipe"), "<p>", "pipe"),
        (None, "3", None),
    ],
)
def test_descriptors(descriptor: Descriptor | None, text: str, kind: str | None) -> None:
    """A descriptor is shown as what it is; its number remains where that is not known."""
    assert values.described(3, descriptor) == text
    assert values.descriptor_type(descriptor) == kind


def test_variables() -> None:
    """One variable of an environment is found by its whole name."""
    env = ["LD_PRELOAD_X=1", "LD_PRELOAD=/tmp/a=b", "EMPTY="]
    assert values.variable(env, "LD_PRELOAD") == "/tmp/a=b"
    assert values.variable(env, "EMPTY") == ""
    assert values.variable(env, "LD") is None
    assert values.variables(None) is None
    assert values.variables(env[:2]) == "LD_PRELOAD_X=1 LD_PRELOAD=/tmp/a=b"
