"""Calls that change who a process is, reach into others or into the kernel, or copy descriptors."""

import errno
import os
from pathlib import Path

import pytest

from tests.collectors.kernel.rendered import rendered
from tests.collectors.kernel.watching import Watch
from wire.event import Call, Identity

pytestmark = pytest.mark.kernel

# The functions of the C library that all the scripts below use; numbers of calls differ between machines.
LIBRARY = """
import ctypes, os, signal, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
X86 = os.uname().machine == 'x86_64'
def call(x86, arm64, *arguments):
    return libc.syscall(x86 if X86 else arm64, *arguments)
"""


def calls(watch: Watch, script: str, *arguments: str) -> list[Call]:
    """What the script called, without what Python itself does."""
    pid = watch.python(LIBRARY + script, *arguments)
    return [event for event in watch.of(pid, Call) if event.type != "prctl" or event.args[0] != 15]


def only(watch: Watch, name: str, script: str, *arguments: str) -> Call:
    """The only call of that name."""
    (event,) = (event for event in calls(watch, script, *arguments) if event.type == name)
    return event


def identities(watch: Watch, script: str) -> list[Identity]:
    """The changes of users and groups that the script made."""
    return watch.of(watch.python(LIBRARY + script), Identity)


def test_users_and_groups(watch: Watch) -> None:
    """Ids by the names that this host has for them, and by number where it has none."""
    script = """
libc.setresgid(-1, 54321, 0)
libc.setregid(-1, 0)
libc.setgid(0)
libc.setfsgid(0)
libc.setfsuid(1)
libc.setresuid(0, 1, 0)
libc.setreuid(0, 0)
libc.setuid(1)
libc.setuid(0)
"""
    events = identities(watch, script)
    assert [event.type for event in events] == [
        "setresgid", "setregid", "setgid", "setfsgid", "setfsuid", "setresuid", "setreuid", "setuid",
        "setuid",
    ]  # fmt: skip
    unset = str(2**32 - 1)
    assert rendered(events[0], "evt.arg.rgid", "evt.arg.egid", "evt.arg.sgid") == (unset, "54321", "root")
    assert rendered(events[2], "evt.arg.gid", "evt.arg[gid]", "evt.rawarg.gid") == ("root", "root", 0)
    assert rendered(events[5], "evt.arg.ruid", "evt.arg.euid", "evt.arg.suid") == ("root", "daemon", "root")
    assert rendered(events[7], "evt.arg.uid", "evt.res") == ("daemon", "SUCCESS")
    assert rendered(events[8], "evt.arg.uid", "evt.res", "evt.args") == (
        "root", "EPERM", "res=EPERM uid=root",
    )  # fmt: skip
    assert [event.uid for event in events[7:]] == [1, 1], "who the process is afterwards"


def test_capabilities(watch: Watch) -> None:
    """What a process has afterwards; of an attempt that failed what it wanted."""
    script = """
header = struct.pack('Ii', 0x20080522, 0)
libc.capset(header, struct.pack('6I', 1, 3, 0, 0, 0, 0))
libc.capset(header, struct.pack('6I', 0, 0, 4, 0x100, 0, 0))
"""
    done, refused = (event for event in calls(watch, script) if event.type == "capset")
    fields = ("evt.arg.cap_effective", "evt.arg.cap_permitted", "evt.arg.cap_inheritable", "evt.res")
    assert rendered(done, *fields) == ("CAP_CHOWN", "CAP_CHOWN CAP_DAC_OVERRIDE", "", "SUCCESS")
    assert rendered(refused, *fields) == (
        "CAP_CHECKPOINT_RESTORE", "", "CAP_DAC_READ_SEARCH", "EPERM",
    )  # fmt: skip


def test_namespaces(watch: Watch) -> None:
    """New namespaces, and those of another process entered by a descriptor."""
    script = """
libc.unshare(0x20000 | 0x4000000)
libc.setns(os.open('/proc/self/ns/uts', os.O_RDONLY), 0x4000000)
libc.setns(77, 0)
"""
    unshared, entered, bad = calls(watch, script)
    assert rendered(unshared, "evt.type", "evt.arg.flags") == ("unshare", "CLONE_NEWNS|CLONE_NEWUTS")
    assert rendered(entered, "evt.type", "evt.arg.nstype", "evt.res") == ("setns", "CLONE_NEWUTS", "SUCCESS")
    assert entered.file is not None
    assert entered.file.inode != Path("/proc/self/ns/uts").stat().st_ino, "it was a new one"
    assert rendered(bad, "evt.arg.fd", "evt.arg.nstype", "evt.res") == ("77", "0", "EBADF")


def test_ptrace(watch: Watch) -> None:
    """What is asked of whom."""
    script = """
child = os.fork()
if not child:
    while True: signal.pause()
libc.ptrace(16, child, 0, 0)
libc.ptrace(0x4206, 99999999, 0, 0)
os.kill(child, 9)
os.waitpid(child, 0)
libc.ptrace(0, 0, 0, 0)
"""
    attach, seize, traced = (event for event in calls(watch, script) if event.type == "ptrace")
    assert rendered(attach, "evt.arg.request", "evt.rawarg.request") == ("PTRACE_ATTACH", 16)
    assert rendered(seize, "evt.arg.request", "evt.arg.pid", "evt.res") == (
        "PTRACE_SEIZE", "99999999", "ESRCH",
    )  # fmt: skip
    assert rendered(traced, "evt.arg.request", "evt.res") == ("PTRACE_TRACEME", "SUCCESS")


def test_memory_of_other_processes(watch: Watch) -> None:
    """Reading and writing it, successful or not."""
    script = """
libc.process_vm_readv(os.getppid(), None, 0, None, 0, 0)
libc.process_vm_writev(99999999, None, 0, None, 0, 0)
"""
    read, written = calls(watch, script)
    assert rendered(read, "evt.type", "evt.arg.pid") == ("process_vm_readv", str(os.getpid()))
    assert rendered(written, "evt.type", "evt.arg.pid", "evt.failed") in (
        ("process_vm_writev", "99999999", True),
        ("process_vm_writev", "99999999", False),  # nothing was to be copied
    )


def test_signals(watch: Watch) -> None:
    """Signals to others are told, those to oneself and those that send nothing are not."""
    script = """
child = os.fork()
if not child:
    while True: signal.pause()
signal.signal(10, signal.SIG_IGN)
os.kill(os.getpid(), 10)
signal.raise_signal(10)
os.kill(child, 0)
call(200, 130, child, 10)
call(234, 131, child, child, 15)
os.waitpid(child, 0)
libc.kill(99999999, 9)
"""
    thread, group, missing = calls(watch, script)
    assert rendered(thread, "evt.type", "evt.arg.sig") == ("tkill", "SIGUSR1")
    assert rendered(group, "evt.type", "evt.arg.sig", "evt.arg.tid") == (
        "tgkill", "SIGTERM", str(group.args[0]),
    )  # fmt: skip
    assert rendered(missing, "evt.arg.pid", "evt.arg.sig", "evt.res") == ("99999999", "SIGKILL", "ESRCH")


def test_modules(watch: Watch, tmp_path: Path) -> None:
    """Modules loaded and unloaded; here all of them are refused, and what was tried is told."""
    (tmp_path / "m.ko").write_text("no module")
    script = """
call(175, 105, b'none', 4, b'key=value')
call(313, 273, os.open(sys.argv[1] + '/m.ko', os.O_RDONLY), b'a=1', 2)
call(176, 106, b'nothing', 0o4000)
"""
    if not Path("/proc/modules").exists():
        pytest.skip("this kernel takes no modules")
    memory, file, gone = calls(watch, script, str(tmp_path))
    assert rendered(memory, "evt.type", "evt.arg.uargs", "evt.failed") == ("init_module", "key=value", True)
    fields = ("evt.type", "fd.name", "fd.directory", "fd.filename", "evt.arg.flags", "evt.arg.uargs")
    path = f"{tmp_path}/m.ko"
    assert rendered(file, *fields) == (
        "finit_module", path, str(tmp_path), "m.ko", "MODULE_INIT_IGNORE_VERMAGIC", "a=1",
    )  # fmt: skip
    assert rendered(gone, "evt.type", "evt.arg.name", "evt.arg.flags") == (
        "delete_module", "nothing", "O_NONBLOCK",
    )  # fmt: skip


def test_bpf_and_perf(watch: Watch) -> None:
    """The command of bpf by name, and what perf was to measure."""
    script = """
call(321, 280, 0, bytes(64), 64)
attributes = bytearray(128)
struct.pack_into('II', attributes, 0, 1, 128)
call(298, 241, bytes(attributes), -1, 0, -1, 8)
"""
    program, measured = calls(watch, script)
    assert rendered(program, "evt.arg.cmd", "evt.arg.fd", "evt.res") == ("BPF_MAP_CREATE", "EINVAL", "EINVAL")
    assert rendered(measured, "evt.type", "evt.arg.type", "evt.arg.pid", "evt.arg.flags") == (
        "perf_event_open", "PERF_TYPE_SOFTWARE", "-1", "PERF_FLAG_FD_CLOEXEC",
    )  # fmt: skip


def test_what_programs_hide_with(watch: Watch) -> None:
    """Files in memory, page faults handled by programs, keys and names."""
    script = """
os.memfd_create('\\u00e4', 1)
libc.memfd_create(b'\\xff', 0)
call(323, 282, 0o2000000 | 1)
libc.prctl(38, 1, 0, 0, 0)
libc.prctl(15, b'kworker/0:1', 0, 0, 0)
call(250, 219, 0, -3, 0)
"""
    pid = watch.python(LIBRARY + script)
    all_events = watch.of(pid, Call)
    events = {event.type: event for event in all_events}
    files = [event for event in all_events if event.type == "memfd_create"]
    assert [rendered(event, "evt.arg.name") for event in files] == [("\u00e4",), ("\\xff",)]
    assert rendered(files[0], "evt.arg.flags") == ("MFD_CLOEXEC",)
    assert rendered(events["userfaultfd"], "evt.arg.flags") == ("UFFD_USER_MODE_ONLY|O_CLOEXEC",)
    assert rendered(events["keyctl"], "evt.arg.option") == ("KEYCTL_GET_KEYRING_ID",)
    privileges, named = (event for event in all_events if event.type == "prctl")
    assert rendered(privileges, "evt.arg.option", "evt.arg.arg2_int", "evt.arg.arg2_str") == (
        "PR_SET_NO_NEW_PRIVS", "1", None,
    )  # fmt: skip
    assert rendered(named, "evt.arg.option", "evt.arg.arg2_str") == ("PR_SET_NAME", "kworker/0:1")


def test_io_uring(watch: Watch) -> None:
    """A ring is set up, with its flags."""
    script = "parameters = ctypes.create_string_buffer(120)\nstruct.pack_into('I', parameters, 8, 0x40)\n"
    event = only(watch, "io_uring_setup", script + "call(425, 425, 4, parameters)")
    if event.result in (-errno.ENOSYS, -errno.EPERM):
        assert rendered(event, "evt.arg.entries") == ("4",)
    else:
        assert rendered(event, "evt.arg.entries", "evt.res") == ("4", "SUCCESS")
        assert rendered(event, "evt.arg.flags") == ("IORING_SETUP_R_DISABLED",)


@pytest.mark.parametrize(("family", "address", "kind"), [("INET", "127.0.0.1", "4"), ("INET6", "::1", "6")])
def test_connection_put_onto_standard_descriptors(watch: Watch, family: str, address: str, kind: str) -> None:
    """A copy of a connection says what it is: both ends, and that descriptor 0 is one now."""
    script = f"""
server = socket.create_server(({address!r}, 0), family=socket.AF_{family})
client = socket.create_connection(server.getsockname()[:2])
os.dup2(client.fileno(), 0)
os.dup2(client.fileno(), 1, inheritable=False)
"""
    copies = [event for event in calls(watch, script) if event.type in ("dup2", "dup3")]
    assert [rendered(event, "evt.rawres", "fd.num") for event in copies] == [(0, 0), (1, 1)]
    for event in copies:
        assert rendered(event, "fd.type", "fd.typechar") == (f"ipv{kind}", kind)
        name = rendered(event, "fd.name")[0]
        assert name.startswith(f"{address}:")
        assert f"->{address}:" in name


def test_other_copies(watch: Watch, tmp_path: Path) -> None:
    """Copies of files and pipes, and one that fails."""
    script = """
file = os.open(sys.argv[1] + '/x', os.O_CREAT | os.O_RDWR)
os.dup2(file, 9)
os.dup2(os.pipe()[0], 8)
libc.dup2(77, 5)
call(32, 23, file)
"""
    file, pipe, bad, copy = (event for event in calls(watch, script, str(tmp_path)) if "dup" in event.type)
    assert rendered(file, "fd.num", "fd.type", "fd.name") == (9, "file", f"{tmp_path}/x")
    assert rendered(pipe, "fd.type", "fd.typechar", "fd.directory") == ("pipe", "p", None)
    assert rendered(bad, "fd.num", "fd.type", "evt.res") == (77, None, "EBADF")
    assert rendered(copy, "evt.type", "fd.name") == ("dup", f"{tmp_path}/x")


def test_new_sockets(watch: Watch) -> None:
    """Family, type and protocol of a socket, also of one that is refused."""
    script = """
socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 768)
libc.socket(45, 1, 0)
"""
    plain, packet, refused = (event for event in calls(watch, script) if event.type == "socket")
    assert rendered(plain, "evt.arg.domain", "fd.type", "evt.arg.type") == (
        "AF_INET6", "ipv6", str(0o2000000 | 2),
    )  # fmt: skip
    assert rendered(packet, "evt.arg.domain", "evt.arg.proto") == ("AF_PACKET", "768")
    assert rendered(packet, "evt.rawres") == (packet.fd,)
    assert rendered(refused, "evt.failed", "fd.num") == (True, None)
