"""What is asked for through io_uring is reported as the system calls that do the same."""

import errno
import os
from pathlib import Path

import pytest

from tests.collectors.kernel.rendered import rendered
from tests.collectors.kernel.rings import RING
from tests.collectors.kernel.watching import Watch
from wire.event import Call, Change, Event, Open, Socket

pytestmark = pytest.mark.kernel

IN_DIRECTORY = RING + "here = sys.argv[1]\nos.chdir(here)\nring = Ring()\n"


@pytest.fixture(scope="module", autouse=True)
def _allowed() -> None:
    """Skip where the kernel has no io_uring or refuses it."""
    setting = Path("/proc/sys/kernel/io_uring_disabled")
    if setting.exists() and setting.read_text().strip() != "0":
        pytest.skip("this kernel does not let programs use io_uring (kernel.io_uring_disabled)")


def asked(watch: Watch, script: str, *arguments: str) -> list[Event]:
    """What a script asked of a ring."""
    pid = watch.python(script, *arguments)
    return [event for event in watch.events if event.pid == pid and event.ring]


def test_open(watch: Watch, tmp_path: Path) -> None:
    """Path, flags, mode and descriptor of an open, which says that it came through a ring."""
    script = "ring.open(b'sub/../new', os.O_RDWR | os.O_CREAT, 0o640)"
    (event,) = asked(watch, IN_DIRECTORY + script, str(tmp_path))
    assert isinstance(event, Open)
    assert (event.type, event.path, event.raw) == ("openat", f"{tmp_path}/new", "sub/../new")
    assert (event.flags & 0o777, event.mode, event.result) == (os.O_RDWR | os.O_CREAT, 0o640, -errno.ENOENT)
    assert rendered(event, "evt.io_uring", "fd.num", "evt.res") == ("completed", -1, "ENOENT")


def test_open_that_succeeds(watch: Watch, tmp_path: Path) -> None:
    """Its result is the descriptor; rules see a read of that file."""
    (tmp_path / "a").write_text("")
    event, second = asked(
        watch,
        IN_DIRECTORY
        + "how = pointer(struct.pack('QQQ', os.O_RDONLY, 0, 0))\n"
        + "ring.open(b'a')\n"
        + "ring.do(28, address=pointer(b'a'), length=24, second=how)\n",
        str(tmp_path),
    )
    fields = ("evt.type", "fd.name", "evt.is_open_read", "fd.num", "evt.res")
    fd = event.result if isinstance(event, Open) else 0
    assert fd > 2
    assert rendered(event, *fields) == ("openat", f"{tmp_path}/a", True, fd, "SUCCESS")
    assert rendered(second, *fields) == ("openat2", f"{tmp_path}/a", True, fd + 1, "SUCCESS")


def test_thread_of_the_kernel_that_takes_requests(watch: Watch, tmp_path: Path) -> None:
    """Where a thread of the kernel polls the ring, the event is that of the process."""
    script = """
ring = Ring(2)
ring.push(18, address=pointer(b'a'), flags=os.O_WRONLY | os.O_CREAT, length=0o600)
ring.enter()
"""
    (event,) = asked(watch, IN_DIRECTORY + script, str(tmp_path))
    assert isinstance(event, Open)
    assert (event.path, event.tid, event.result >= 0) == (f"{tmp_path}/a", event.pid, True)
    assert not event.comm.startswith("iou-")


def test_success_that_is_not_announced(watch: Watch, tmp_path: Path) -> None:
    """A request that hides its success is told when it is taken, as one that may have succeeded."""
    (tmp_path / "a").write_text("")
    script = "ring.push(18, address=pointer(b'a'), sqe=64)\nring.enter(1, 0)"
    (event,) = asked(watch, IN_DIRECTORY + script, str(tmp_path))
    assert rendered(event, "fd.name", "evt.io_uring", "evt.res") == (f"{tmp_path}/a", "submitted", "SUCCESS")


def test_no_room_to_wait(watch: Watch, tmp_path: Path) -> None:
    """More unfinished requests than can be kept hide nothing."""
    script = """
os.mkfifo('p')
rings = [Ring() for _ in range(18)]
for ring in rings:
    for _ in range(60):
        ring.push(18, address=pointer(b'p'), sqe=16)
    ring.enter(60, 0)
rings[0].push(18, address=pointer(b'secret'))
rings[0].enter(1, 0)
"""
    events = asked(watch, IN_DIRECTORY + script, str(tmp_path))
    secret = [event for event in events if isinstance(event, Open) and event.path == f"{tmp_path}/secret"]
    assert [event.ring for event in secret] == ["submitted"]


def test_ring_s_own_table(watch: Watch, tmp_path: Path) -> None:
    """A file that gets no descriptor but a place in the ring's table is told as well."""
    (tmp_path / "a").write_text("")
    script = """
table = (ctypes.c_int * 4)(-1, -1, -1, -1)
assert libc.syscall(427, ring.fd, 2, table, 4) == 0
assert ring.open(b'a', index=2) == 0
"""
    (event,) = asked(watch, IN_DIRECTORY + script, str(tmp_path))
    assert rendered(event, "fd.name", "evt.res") == (f"{tmp_path}/a", "SUCCESS")


def test_changes(watch: Watch, tmp_path: Path) -> None:
    """Files renamed, linked, made and removed."""
    (tmp_path / "a").write_text("")
    script = """
directory = os.open(here, os.O_RDONLY)
ring.do(37, fd=directory, address=pointer(b'.d'), length=0o700)
ring.do(35, address=pointer(b'a'), length=directory, second=pointer(b'.d/b'))
ring.do(39, address=pointer(b'.d/b'), length=-100, second=pointer((here + '/c').encode()))
ring.do(38, address=pointer(b'/etc/shadow'), second=pointer(b'l'))
ring.do(36, address=pointer(b'c'))
ring.do(36, address=pointer(b'none'))
"""
    made, renamed, linked, symlinked, removed, missing = asked(watch, IN_DIRECTORY + script, str(tmp_path))
    assert rendered(made, "evt.type", "evt.arg.path", "evt.arg.mode", "evt.res") == (
        "mkdirat", f"{tmp_path}/.d", "0700", "SUCCESS",
    )  # fmt: skip
    assert rendered(renamed, "evt.type", "evt.arg.oldpath", "evt.arg.newpath", "evt.res") == (
        "renameat2", f"{tmp_path}/a", f"{tmp_path}/.d/b", "SUCCESS",
    )  # fmt: skip
    assert rendered(linked, "evt.type", "evt.arg.oldpath", "evt.arg.newpath") == (
        "linkat", f"{tmp_path}/.d/b", f"{tmp_path}/c",
    )  # fmt: skip
    assert rendered(symlinked, "evt.type", "evt.arg.target", "evt.arg.linkpath") == (
        "symlinkat", "/etc/shadow", f"{tmp_path}/l",
    )  # fmt: skip
    assert rendered(removed, "evt.type", "fs.path.name") == ("unlinkat", f"{tmp_path}/c")
    assert rendered(missing, "evt.arg.name", "evt.res") == (f"{tmp_path}/none", "ENOENT")
    assert all(isinstance(event, Change) for event in (made, renamed, linked, symlinked, removed, missing))


NETWORK = (
    RING
    + """
ring = Ring()
def address(port):
    return pointer(struct.pack('!2xH4s8x', port, bytes((127, 0, 0, 1)))[:0] + struct.pack('=H', 2)
                   + struct.pack('!H4s8x', port, bytes((127, 0, 0, 1))))
def say(*values):
    print(*values, flush=True)
"""
)


def network(watch: Watch, script: str) -> tuple[list[Event], list[str]]:
    """What a script asked of a ring, and the words that it printed."""
    read, write = os.pipe()
    pid = watch.python(NETWORK + script, stdout=write)
    os.close(write)
    with os.fdopen(read) as output:
        return [event for event in watch.events if event.pid == pid and event.ring], output.read().split()


def test_connection(watch: Watch) -> None:
    """A socket that is made, connected and accepted has both its ends."""
    script = """
server = socket.create_server(('127.0.0.1', 0))
port = server.getsockname()[1]
client = ring.do(45, fd=2, second=1, length=6)
connected = ring.do(16, fd=client, address=address(port), second=16)
other = ring.do(13, fd=server.fileno())
say(port, client, socket.socket(fileno=client).getsockname()[1], connected, other)
"""
    (made, connect, accept), words = network(watch, script)
    port, client, client_port, connected, other = map(int, words)
    assert isinstance(made, Call)
    assert (made.type, made.args, made.result, made.fd) == ("socket", [2, 1, 6], client, client)
    assert made.file
    assert made.file.type == "ipv4"
    assert connected == 0
    assert rendered(connect, "evt.type", "fd.name", "evt.res", "fd.l4proto") == (
        "connect", f"127.0.0.1:{client_port}->127.0.0.1:{port}", "SUCCESS", "tcp",
    )  # fmt: skip
    assert rendered(accept, "evt.type", "fd.name", "fd.num") == (
        "accept4", f"127.0.0.1:{client_port}->127.0.0.1:{port}", other,
    )  # fmt: skip


def test_connection_that_fails_or_hides(watch: Watch) -> None:
    """Where it was to go is known of one that nobody took, and of one that hides its success."""
    script = """
server = socket.create_server(('127.0.0.1', 0))
port = server.getsockname()[1]
one, two = socket.socket(), socket.socket()
assert ring.do(16, fd=one.fileno(), address=address(1), second=16) == -111
ring.push(16, fd=two.fileno(), address=address(port), second=16, sqe=64)
ring.enter(1, 0)
say(port)
"""
    (refused, hidden), (port,) = network(watch, script)
    fields = ("fd.rip", "fd.rport", "evt.res", "evt.io_uring")
    assert rendered(refused, *fields) == ("127.0.0.1", 1, "ECONNREFUSED", "completed")
    assert rendered(hidden, *fields) == ("127.0.0.1", int(port), "SUCCESS", "submitted")


def test_socket_in_ring_s_own_table(watch: Watch) -> None:
    """A connection of a socket without a descriptor, whether its success is announced or not."""
    script = """
port = (server := socket.create_server(('127.0.0.1', 0))).getsockname()[1]
table = (ctypes.c_int * 4)(-1, -1, -1, -1)
assert libc.syscall(427, ring.fd, 2, table, 4) == 0
for place in (1, 2):
    assert ring.do(45, fd=2, second=1, index=place) == 0
assert ring.do(16, fd=0, address=address(port), second=16, sqe=1) == 0
ring.push(16, fd=1, address=address(port), second=16, sqe=65)
ring.enter(1, 0)
say(port)
"""
    (_, _, first, hidden), (port,) = network(watch, script)
    fields = ("evt.type", "fd.type", "fd.rip", "fd.rport", "evt.io_uring")
    assert rendered(first, *fields) == ("connect", "ipv4", "127.0.0.1", int(port), "completed")
    assert rendered(hidden, *fields) == ("connect", "ipv4", "127.0.0.1", int(port), "submitted")


def test_accept_of_many(watch: Watch) -> None:
    """A request that accepts again and again is told when it is made, of the socket that listens."""
    if tuple(map(int, os.uname().release.split(".")[:2])) < (6, 10):
        pytest.skip("this kernel does not show whether a request accepts more than once")
    script = """
server = socket.create_server(('127.0.0.1', 0))
port = server.getsockname()[1]
ring.push(13, fd=server.fileno(), ioprio=1)
ring.enter(1, 0)
clients = [socket.create_connection(('127.0.0.1', port)) for _ in range(2)]
ring.enter(0, 2)
say(port, ring.reap() > 0)
"""
    events, (port, accepted) = network(watch, script)
    assert accepted == "True"
    assert rendered(events[0], "evt.type", "evt.io_uring", "fd.lport") == ("accept4", "submitted", int(port))


def test_server(watch: Watch) -> None:
    """Bind and listen, on kernels whose rings can do that."""
    script = """
server = socket.socket()
bound = ring.do(56, fd=server.fileno(), address=address(0), second=16)
listening = ring.do(57, fd=server.fileno(), length=1)
other = socket.socket()
again = ring.do(56, fd=other.fileno(), address=address(server.getsockname()[1]), second=16)
say(bound, server.getsockname()[1])
"""
    events, (bound, port) = network(watch, script)
    if bound == str(-errno.EINVAL):
        pytest.skip("this kernel's io_uring has no bind")
    assert [rendered(event, "evt.type", "evt.res") for event in events] == [
        ("bind", "SUCCESS"), ("listen", "SUCCESS"), ("bind", "EADDRINUSE"),
    ]  # fmt: skip
    assert all(isinstance(event, Socket) and event.local_port == int(port) for event in events[:2])


def test_data(watch: Watch) -> None:
    """Who data is sent to and comes from, and its beginning."""
    script = """
one, two = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
two.bind(('127.0.0.1', 0))
port = two.getsockname()[1]
ring.do(26, fd=one.fileno(), address=pointer(b'hello'), length=5, second=address(port), index=16)
part = pointer(struct.pack('QQ', pointer(b'world'), 5))
message = pointer(struct.pack('QIQQQQI4x', address(port), 16, part, 1, 0, 0, 0))
ring.do(9, fd=one.fileno(), address=message, length=1)
two.connect(one.getsockname())
ring.do(27, fd=two.fileno(), address=pointer(bytes(80)), length=80)
say(port)
"""
    (sent, message, received), (port,) = network(watch, script)
    assert rendered(sent, "evt.type", "fd.rip", "fd.rport", "evt.rawres") == (
        "sendto",
        "127.0.0.1",
        int(port),
        5,
    )
    assert rendered(message, "evt.type", "fd.rport", "evt.arg.data") == ("sendmsg", int(port), "world")
    assert rendered(received, "evt.type", "fd.lport", "evt.arg.data") == ("recvfrom", int(port), "hello")
