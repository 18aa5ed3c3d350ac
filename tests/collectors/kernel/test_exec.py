"""What the kernel tells of a program that is started."""

import os
import pty
import socket
import subprocess
from pathlib import Path

import pytest

from tests.collectors.kernel.test_process import start_of
from tests.collectors.kernel.watching import Watch
from tracetide.demo.container import Workshop, run_once, running
from wire.event import Ancestor, Descriptor, Exec

pytestmark = pytest.mark.kernel

EVENTS = ()

TRUE = "/bin/true"


def only(watch: Watch, pid: int) -> Exec:
    """The one program that this process was given."""
    (event,) = watch.of(pid, Exec)
    return event


def test_what_was_started(watch: Watch, tmp_path: Path) -> None:
    """Name, arguments, working directory; the path is the file's own, the filename what was called."""
    directory = tmp_path / "some where"
    directory.mkdir()
    (directory / "link").symlink_to(TRUE)
    event = only(watch, watch.run("./link", "a b", "", "c", cwd=directory))
    assert event.type == "execve"
    assert event.filename == "./link"
    assert event.exepath == os.path.realpath(TRUE)
    assert event.cwd == str(directory)
    assert event.args == ["./link", "a b", "", "c"]
    assert event.args_lost == 0


def test_script_is_shown_as_interpreter_and_filename(watch: Watch, tmp_path: Path) -> None:
    """The executable of a script is its interpreter; what was called is still there."""
    script = tmp_path / "hello.sh"
    script.write_text("#!/bin/sh -e\nexit 0\n")
    script.chmod(0o755)
    event = only(watch, watch.run(str(script), "x"))
    assert event.filename == str(script)
    assert event.exepath == os.path.realpath("/bin/sh")
    assert event.args == ["/bin/sh", "-e", str(script), "x"]
    assert event.comm == "hello.sh"


def test_argv0_is_no_proof(watch: Watch) -> None:
    """A program may lie about its name in its arguments, not about its path."""
    event = only(watch, watch.run("[kworker/0:1]", executable=TRUE))
    assert event.args == ["[kworker/0:1]"]
    assert event.exepath == os.path.realpath(TRUE)


def test_two_hundred_arguments(watch: Watch) -> None:
    """Long command lines arrive whole."""
    arguments = [f"--option-{number}=value" for number in range(200)]
    assert only(watch, watch.run(TRUE, *arguments)).args == [TRUE, *arguments]


def test_bytes_that_are_no_text(watch: Watch, tmp_path: Path) -> None:
    r"""Bytes that are no UTF-8 are shown as \\xNN wherever they turn up."""
    directory = os.fsencode(tmp_path) + b"/\xff\xfe"
    Path(os.fsdecode(directory)).mkdir()
    with subprocess.Popen([TRUE, b"caf\xe9", "né"], cwd=directory) as process:
        process.wait()
    watch.settle()
    event = only(watch, process.pid)
    assert event.args == [TRUE, "caf\\xe9", "né"]
    assert event.cwd == f"{tmp_path}/\\xff\\xfe"


def test_megabytes_of_arguments(watch: Watch) -> None:
    """What does not fit is counted; six megabytes are as much as Linux takes."""
    script = """
import os, resource
resource.setrlimit(resource.RLIMIT_STACK, (64 << 20, resource.getrlimit(resource.RLIMIT_STACK)[1]))
os.execve('/bin/true', ['true'] + ['x' * 100_000] * 62, {})
"""
    event = watch.of(watch.python(script), Exec)[-1]
    assert event.comm == "true"
    kept = sum(len(argument) + 1 for argument in event.args) - 1
    assert event.args[0] == "true"
    assert kept == 8192
    assert event.args_lost == len("true\0") + 62 * 100_001 - kept


def test_credentials(watch: Watch) -> None:
    """Real, effective and saved ids, the user's name, and capabilities."""
    script = """
import os
os.setresgid(11, 12, 12)
os.setresuid(1, 2, 3)
os.execv('/bin/true', ['true'])
"""
    event = watch.of(watch.python(script), Exec)[-1]
    # The kernel makes the effective ids the saved ones whenever a program is started.
    assert (event.uid, event.euid, event.suid) == (1, 2, 2)
    assert (event.gid, event.egid, event.sgid) == (11, 12, 12)
    assert event.user == "daemon"
    assert (event.cap_permitted, event.cap_effective, event.cap_inheritable) == (0, 0, 0)


def test_a_mount_namespace_is_no_container(watch: Watch) -> None:
    """What systemd gives a mount namespace of its own has the host's users nevertheless."""
    script = """
import ctypes, os
assert ctypes.CDLL(None).unshare(0x20000) == 0
os.setgroups([])
os.setresgid(1, 1, 1)
os.setresuid(1, 1, 1)
os.execv('/bin/true', ['true'])
"""
    event = watch.of(watch.python(script), Exec)[-1]
    assert event.mnt_ns != Path("/proc/self/ns/mnt").stat().st_ino
    assert (event.user, event.group) == ("daemon", "daemon")


def test_root_has_its_capabilities(watch: Watch) -> None:
    """The capability sets are those of /proc/PID/status."""
    status = dict(
        line.split(":\t") for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line
    )
    event = only(watch, watch.run(TRUE))
    assert event.user == "root"
    assert event.cap_effective == int(status["CapEff"], 16)
    assert event.cap_permitted == int(status["CapPrm"], 16)


def test_loginuid(watch: Watch) -> None:
    """-1 where nobody logged in, else the user who did."""
    unset = only(watch, watch.run(TRUE))
    assert unset.loginuid == -1
    if not Path("/proc/self/loginuid").exists():
        pytest.skip("this kernel does not keep count of logins (CONFIG_AUDIT)")
    login = "open('/proc/self/loginuid', 'w').write('1000')\nimport os\nos.execv('/bin/true', ['true'])"
    assert watch.of(watch.python(login), Exec)[-1].loginuid == 1000


def test_groups_and_sessions(watch: Watch) -> None:
    """Process group, session, and the numbers of the namespaces."""
    event = only(watch, watch.run(TRUE, start_new_session=True))
    assert (event.pgid, event.sid, event.vpid) == (event.pid,) * 3
    assert event.pid_ns == Path("/proc/self/ns/pid").stat().st_ino
    assert event.mnt_ns == Path("/proc/self/ns/mnt").stat().st_ino
    assert event.tty == 0


def test_terminal(watch: Watch) -> None:
    """The number of the controlling terminal, and descriptors that are that terminal."""
    controller, terminal = pty.openpty()
    script = (
        "import fcntl, os, termios\nfcntl.ioctl(0, termios.TIOCSCTTY, 0)\nos.execv('/bin/true', ['true'])"
    )
    pid = watch.python(script, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True)
    name, number, inode = os.ttyname(terminal), os.fstat(terminal).st_rdev, os.fstat(terminal).st_ino
    os.close(controller)
    os.close(terminal)
    event = watch.of(pid, Exec)[-1]
    assert event.tty == number
    assert event.stdio == [Descriptor("tty", name, inode)] * 3


def test_chain_of_parents(watch: Watch) -> None:
    """At least five ancestors, each with number, start and name, the nearest first."""
    script = """
import os, sys
for _ in range(6):
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        os._exit(0)
os.execv('/bin/true', ['deep'])
"""
    top = watch.python(script)
    event = next(e for e in watch.events if isinstance(e, Exec) and e.args == ["deep"])
    assert len(event.parents) == 8
    assert event.parents[5].pid == top
    assert event.parents[6] == Ancestor(os.getpid(), start_of(os.getpid()), event.parents[6].comm)
    assert [a.start for a in event.parents] == sorted((a.start for a in event.parents), reverse=True)


def test_files_and_pipes_as_descriptors(watch: Watch, tmp_path: Path) -> None:
    """Files by path, pipes by inode, devices, and closed descriptors."""
    source = tmp_path / "in"
    source.write_text("")
    read, write = os.pipe()
    with source.open() as file:
        pid = watch.run(TRUE, stdin=file, stdout=write, stderr=subprocess.DEVNULL)
    inode = os.fstat(read).st_ino
    os.close(read)
    os.close(write)
    null = Path("/dev/null").stat().st_ino
    assert only(watch, pid).stdio == [
        Descriptor("file", str(source), source.stat().st_ino),
        Descriptor("pipe", "", inode),
        Descriptor("dev", "/dev/null", null),
    ]


def test_closed_descriptor(watch: Watch) -> None:
    """A descriptor that is not open is nothing."""
    pid = watch.python("import os\nos.close(0)\nos.execv('/bin/true', ['true'])", stdin=subprocess.DEVNULL)
    assert watch.of(pid, Exec)[-1].stdio[0] is None


def test_kernel_objects_as_descriptors(watch: Watch, tmp_path: Path) -> None:
    """Directories, events and other things that are no files."""
    script = """
import os, select, sys
os.dup2(os.eventfd(0), 0)
epoll = select.epoll()
os.dup2(epoll.fileno(), 1)
os.dup2(os.open(sys.argv[1], os.O_RDONLY), 2)
os.execv('/bin/true', ['true'])
"""
    stdio = watch.of(watch.python(script, str(tmp_path)), Exec)[-1].stdio
    assert [(d.type, d.name) for d in stdio if d] == [
        ("event", "[eventfd]"),
        ("other", "[eventpoll]"),
        ("directory", str(tmp_path)),
    ]


@pytest.mark.parametrize(
    ("family", "address", "shown"),
    [(socket.AF_INET, "127.0.0.1", "ipv4"), (socket.AF_INET6, "::1", "ipv6")],
)
def test_connected_socket_as_descriptor(watch: Watch, family: int, address: str, shown: str) -> None:
    """A socket on descriptor 0, the mark of a reverse shell, shows both of its ends."""
    with socket.create_server((address, 0), family=family) as server, socket.socket(family) as client:
        client.connect(server.getsockname())
        local, remote = client.getsockname(), client.getpeername()
        pid = watch.run(TRUE, stdin=client, stdout=client)
        expected = Descriptor(
            shown, f"{local[0]}:{local[1]}->{remote[0]}:{remote[1]}", os.fstat(client.fileno()).st_ino
        )
    assert only(watch, pid).stdio[:2] == [expected, expected]


def test_unix_socket_as_descriptor(watch: Watch, tmp_path: Path) -> None:
    """A unix socket shows the path that it is bound to."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        pid = watch.run(TRUE, stdin=server)
        expected = Descriptor("unix", str(tmp_path / "s"), os.fstat(server.fileno()).st_ino)
    assert only(watch, pid).stdio[0] == expected


def test_program_in_memory(watch: Watch) -> None:
    """A program that never was a file is marked, and called by the name of its memory."""
    script = """
import os
fd = os.memfd_create('evil')
os.write(fd, open('/bin/true', 'rb').read())
os.execve(fd, ['innocent'], {})
"""
    event = watch.of(watch.python(script), Exec)[-1]
    assert event.type == "execveat"
    assert event.memfd
    assert event.exepath == "/memfd:evil"
    assert event.args == ["innocent"]


def test_ordinary_file_is_not_in_memory(watch: Watch, tmp_path: Path) -> None:
    """A file whose name only looks like that of memory is not taken for it."""
    program = tmp_path / "memfd:evil"
    program.write_bytes(Path(TRUE).read_bytes())
    program.chmod(0o755)
    event = only(watch, watch.run(str(program)))
    assert not event.memfd
    assert event.exepath == str(program)


def test_deleted_program_keeps_its_path(watch: Watch, tmp_path: Path) -> None:
    """A program that was removed while it was being started has the path that it had."""
    program = tmp_path / "gone"
    program.write_bytes(Path(TRUE).read_bytes())
    program.chmod(0o755)
    script = """
import os, sys
fd = os.open(sys.argv[1], os.O_PATH)
os.unlink(sys.argv[1])
os.execve(fd, ['x'], {})
"""
    event = watch.of(watch.python(script, str(program)), Exec)[-1]
    assert event.exepath == str(program)


def test_paths_cross_mount_points(watch: Watch, tmp_path: Path) -> None:
    """A file on a file system mounted somewhere has the path that leads there."""
    script = """
set -e
mkdir "$0/a" && mount -t tmpfs tmpfs "$0/a" && mkdir -p "$0/a/b/c" && mount -t tmpfs tmpfs "$0/a/b/c"
cp /bin/true "$0/a/b/c/program" && cd "$0/a/b/c" && ./program mounted
"""
    watch.run("unshare", "--mount", "sh", "-c", script, str(tmp_path))
    event = next(e for e in watch.events if isinstance(e, Exec) and e.args == ["./program", "mounted"])
    assert event.exepath == f"{tmp_path}/a/b/c/program"
    assert event.cwd == f"{tmp_path}/a/b/c"


def test_deep_working_directory(watch: Watch, tmp_path: Path) -> None:
    """A path of nearly 4,096 bytes arrives whole; of a longer one the end does, below three dots."""
    script = """
import os, sys
os.chdir(sys.argv[1])
for _ in range(int(sys.argv[2])):
    os.mkdir('d' * 200)
    os.chdir('d' * 200)
os.execv('/bin/true', ['true'])
"""
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    whole = watch.of(watch.python(script, str(tmp_path / "1"), "19"), Exec)[-1]
    assert whole.cwd == str(tmp_path / "1") + f"/{'d' * 200}" * 19
    cut = watch.of(watch.python(script, str(tmp_path / "2"), "40"), Exec)[-1]
    assert cut.cwd == "/..." + f"/{'d' * 200}" * 21
    assert cut.args == ["true"]


def test_everything_is_long(watch: Watch, tmp_path: Path) -> None:
    """Paths of nearly 4,096 bytes everywhere and eight kilobytes of arguments fit together."""
    deep = tmp_path.joinpath(*["d" * 200] * 18)
    deep.mkdir(parents=True)
    program = deep / "program"
    program.write_bytes(Path(TRUE).read_bytes())
    program.chmod(0o755)
    files = [deep / f"{fd}" for fd in range(3)]
    for file in files:
        file.write_text("")
    arguments = [str(program), "x" * 4000]
    with files[0].open() as stdin, files[1].open("w") as stdout, files[2].open("w") as stderr:
        event = only(watch, watch.run(*arguments, cwd=deep, stdin=stdin, stdout=stdout, stderr=stderr))
    assert (event.filename, event.exepath, event.cwd) == (str(program), str(program), str(deep))
    assert (event.args, event.args_lost) == (arguments, 0)
    assert [found.name for found in event.stdio if found] == [str(file) for file in files]


def test_overlay(watch: Watch, containers: Workshop) -> None:
    """A program from a container's image is told apart from one that was dropped into the container."""
    done = run_once(
        containers, "sh", "-c", "cp /bin/busybox /tmp/true && /bin/true image && /tmp/true dropped"
    )
    assert done.returncode == 0, done.stderr
    watch.settle()
    events = {event.args[-1]: event for event in watch.events if isinstance(event, Exec) and event.args}
    assert (events["image"].upper_layer, events["image"].lower_layer) == (False, True)
    assert (events["dropped"].upper_layer, events["dropped"].lower_layer) == (True, False)
    assert events["dropped"].exepath == "/tmp/true"


def test_container(watch: Watch, containers: Workshop) -> None:
    """In a container: its id in the path of the control group, its own process numbers and namespaces."""
    with running(containers, "sh", "-c", "/bin/true within; sleep 30") as container:
        container.execute("/bin/true", "beside")
        watch.settle()
        pid_ns = Path(f"/proc/{container.pid}/ns/pid").stat().st_ino
    events = {event.args[-1]: event for event in watch.events if isinstance(event, Exec) and event.args}
    for event in (events["within"], events["beside"]):
        assert event.cgroup_path is not None
        assert event.cgroup_path.split("/")[-1] == container.id
        assert event.pid_ns == pid_ns
        assert event.vpid is not None
        assert event.vpid < event.pid
        assert event.exepath == "/bin/true"
    assert events["within"].cgroup == events["beside"].cgroup
    outside = only(watch, watch.run(TRUE))
    assert outside.cgroup != events["within"].cgroup
    assert container.id not in (outside.cgroup_path or "")
