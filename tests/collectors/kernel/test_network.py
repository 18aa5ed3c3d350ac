"""Sockets as the kernel reports them."""

import errno
import os
import socket
import sys
from pathlib import Path

import pytest

from tests.collectors.kernel.watching import Watch
from wire.event import Socket

pytestmark = pytest.mark.kernel

EVENTS = ("connect", "accept", "accept4", "bind", "listen")

INTERNET = [(socket.AF_INET, "127.0.0.1", "ipv4"), (socket.AF_INET6, "::1", "ipv6")]

PRELUDE = """
import os, socket, sys
def report(*values):
    print(*values, flush=True)
"""


def sockets(watch: Watch, script: str, *arguments: str) -> tuple[list[Socket], list[str]]:
    """The events of a script, and the words that it reported."""
    read, write = os.pipe()
    pid = watch.python(PRELUDE + script, *arguments, stdout=write)
    os.close(write)
    with os.fdopen(read) as output:
        return own_sockets(watch, pid), output.read().split()


def own_sockets(watch: Watch, pid: int) -> list[Socket]:
    """Without those that the C library opens by itself, to ask the name service cache who the user is."""
    return [event for event in watch.of(pid, Socket) if event.path != "/var/run/nscd/socket"]


@pytest.mark.parametrize(("family", "address", "shown"), INTERNET)
def test_tcp(watch: Watch, family: int, address: str, shown: str) -> None:
    """Bind, listen, connect and accept with both ends, as the programs see them."""
    script = """
family, address = int(sys.argv[1]), sys.argv[2]
server = socket.socket(family)
server.bind((address, 0))
server.listen()
client = socket.socket(family)
client.connect(server.getsockname())
other, _ = server.accept()
report(server.getsockname()[1], client.getsockname()[1], server.fileno(), client.fileno(), other.fileno())
"""
    events, words = sockets(watch, script, str(family), address)
    server_port, client_port, server_fd, client_fd, other_fd = map(int, words)
    bind, listen, connect, accept = events
    assert {event.family for event in events} == {shown}
    assert {event.proto for event in events} == {"tcp"}
    assert [event.type for event in events] == ["bind", "listen", "connect", "accept4"]
    assert (bind.fd, bind.result, bind.local_ip, bind.local_port) == (server_fd, 0, address, server_port)
    assert (bind.remote_ip, bind.remote_port) == (None, None)
    assert (listen.fd, listen.result, listen.local_ip, listen.local_port) == (
        server_fd,
        0,
        address,
        server_port,
    )
    assert (connect.fd, connect.result) == (client_fd, 0)
    assert (connect.local_ip, connect.local_port) == (address, client_port)
    assert (connect.remote_ip, connect.remote_port) == (address, server_port)
    assert (accept.fd, accept.result) == (other_fd, other_fd)
    assert (accept.local_ip, accept.local_port) == (address, server_port)
    assert (accept.remote_ip, accept.remote_port) == (address, client_port)


@pytest.mark.parametrize(("family", "address", "shown"), INTERNET)
def test_refused(watch: Watch, family: int, address: str, shown: str) -> None:
    """A connection that nobody took is told with where it was to go."""
    script = "report(socket.socket(int(sys.argv[1])).connect_ex((sys.argv[2], 1)))"
    (event,), _ = sockets(watch, script, str(family), address)
    assert (event.family, event.remote_ip, event.remote_port) == (shown, address, 1)
    assert event.result == -errno.ECONNREFUSED


@pytest.mark.parametrize(("family", "address", "shown"), INTERNET)
def test_in_progress(watch: Watch, family: int, address: str, shown: str) -> None:
    """A connection that does not wait to be established is told when it is begun."""
    script = """
server = socket.create_server((sys.argv[2], 0), family=int(sys.argv[1]))
client = socket.socket(int(sys.argv[1]))
client.setblocking(False)
report(client.connect_ex(server.getsockname()), server.getsockname()[1])
"""
    events, words = sockets(watch, script, str(family), address)
    assert (events[-1].type, events[-1].result) == ("connect", -int(words[0]))
    assert words[0] == str(errno.EINPROGRESS)
    assert (events[-1].family, events[-1].remote_ip, events[-1].remote_port) == (
        shown,
        address,
        int(words[1]),
    )


@pytest.mark.parametrize(("family", "address", "shown"), INTERNET)
def test_udp(watch: Watch, family: int, address: str, shown: str) -> None:
    """A connected UDP socket has both ends."""
    script = """
client = socket.socket(int(sys.argv[1]), socket.SOCK_DGRAM)
client.connect((sys.argv[2], 53))
report(client.getsockname()[1])
"""
    (event,), words = sockets(watch, script, str(family), address)
    assert (event.family, event.proto, event.result) == (shown, "udp", 0)
    assert (event.local_ip, event.local_port) == (address, int(words[0]))
    assert (event.remote_ip, event.remote_port) == (address, 53)


def test_ipv4_in_ipv6(watch: Watch) -> None:
    """An IPv6 socket that talks IPv4 is shown as IPv4, at both ends."""
    script = """
server = socket.create_server(('::', 0), family=socket.AF_INET6, dualstack_ipv6=True)
client = socket.socket(socket.AF_INET6)
client.connect(('::ffff:127.0.0.1', server.getsockname()[1]))
other, _ = server.accept()
refused = socket.socket(socket.AF_INET6)
refused.connect_ex(('::ffff:127.0.0.1', 1))
"""
    events, _ = sockets(watch, script)
    bind, _, connect, accept, refused = events
    assert (bind.family, bind.local_ip) == ("ipv6", "::")
    for event in (connect, accept):
        assert (event.family, event.local_ip, event.remote_ip) == ("ipv4", "127.0.0.1", "127.0.0.1")
    assert (refused.family, refused.remote_ip, refused.remote_port) == ("ipv4", "127.0.0.1", 1)


def test_bind_in_use(watch: Watch) -> None:
    """A failed bind is told with the address that was wanted."""
    script = """
one = socket.socket(); one.bind(('127.0.0.1', 0)); one.listen()
two = socket.socket()
try: two.bind(one.getsockname())
except OSError: pass
report(one.getsockname()[1])
"""
    events, words = sockets(watch, script)
    assert (events[-1].type, events[-1].result) == ("bind", -errno.EADDRINUSE)
    assert (events[-1].local_ip, events[-1].local_port) == ("127.0.0.1", int(words[0]))


def test_unix(watch: Watch, tmp_path: Path) -> None:
    """Unix sockets have a path at every step."""
    script = """
server = socket.socket(socket.AF_UNIX); server.bind(sys.argv[1]); server.listen()
client = socket.socket(socket.AF_UNIX); client.connect(sys.argv[1])
server.accept()
"""
    path = str(tmp_path / "s")
    events, _ = sockets(watch, script, path)
    assert [event.type for event in events] == ["bind", "listen", "connect", "accept4"]
    assert {event.path for event in events} == {path}
    assert {event.family for event in events} == {"unix"}
    assert {(event.proto, event.local_ip, event.remote_port) for event in events} == {(None, None, None)}


def test_unix_socket_that_is_missing(watch: Watch, tmp_path: Path) -> None:
    """A failed attempt names the path that was tried."""
    (event,), _ = sockets(watch, "socket.socket(socket.AF_UNIX).connect_ex(sys.argv[1])", str(tmp_path / "x"))
    assert (event.path, event.result) == (str(tmp_path / "x"), -errno.ENOENT)


def test_abstract_unix_socket(watch: Watch) -> None:
    """A name in the abstract space begins with @."""
    (event,), _ = sockets(
        watch, "socket.socket(socket.AF_UNIX).bind(b'\\0tracetide-' + str(os.getpid()).encode())"
    )
    assert event.path == f"@tracetide-{event.pid}"


def test_accept_on_old_system_call(watch: Watch) -> None:
    """Accept without flags is an event of its own type."""
    script = """
import ctypes
server = socket.create_server(('127.0.0.1', 0))
client = socket.create_connection(server.getsockname())
report(ctypes.CDLL(None).accept(server.fileno(), None, None))
"""
    events, words = sockets(watch, script)
    accept = events[-1]
    assert (accept.type, accept.result, accept.fd) == ("accept", int(words[0]), int(words[0]))
    assert accept.remote_ip == "127.0.0.1"


def test_accept_that_finds_nobody(watch: Watch) -> None:
    """Looking for a client in vain is no event; any other failure is, told of the socket that listens."""
    script = """
server = socket.create_server(('127.0.0.1', 0)); server.setblocking(False)
try: server.accept()
except BlockingIOError: pass
deaf = socket.socket(); deaf.bind(('127.0.0.1', 0))
try: deaf.accept()
except OSError: pass
report(deaf.fileno())
"""
    events, words = sockets(watch, script)
    (accept,) = (event for event in events if event.type == "accept4")
    assert (accept.result, accept.fd) == (-errno.EINVAL, int(words[0]))
    assert accept.local_ip == "127.0.0.1"


def test_other_families_are_left_out(watch: Watch) -> None:
    """Netlink and the like, which every program uses to look up names, are no events."""
    events, _ = sockets(watch, "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0).bind((0, 0))")
    assert events == []


def test_descriptor_that_is_no_socket(watch: Watch) -> None:
    """A call on something else, or on nothing, is no event."""
    script = (
        "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.listen(0, 1)\nlibc.listen(999, 1)\nlibc.listen(-1, 1)"
    )
    events, _ = sockets(watch, script)
    assert events == []


def test_raw_socket(watch: Watch) -> None:
    """A raw socket has addresses and no ports."""
    script = "socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP).connect(('127.0.0.1', 0))"
    (event,), _ = sockets(watch, script)
    assert (event.proto, event.remote_ip, event.remote_port, event.local_port) == (
        "raw",
        "127.0.0.1",
        None,
        None,
    )


def test_disconnect_and_garbage(watch: Watch) -> None:
    """Addresses that are none do not get in the way."""
    script = """
import ctypes
libc = ctypes.CDLL(None)
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for address in (b'', b'\\0', b'\\0\\0', b'\\2\\0\\0', b'\\377' * 128):
    libc.connect(udp.fileno(), address, len(address))
libc.connect(udp.fileno(), ctypes.c_void_p(16), 16)
"""
    events, _ = sockets(watch, script)
    assert len(events) == 6
    assert {(event.remote_ip, event.remote_port) for event in events} == {(None, None)}


def test_other_network_namespace(watch: Watch) -> None:
    """A socket in a container's network is seen like any other."""
    script = "import socket\nsocket.socket().connect_ex(('127.0.0.1', 7))"
    pid = watch.run("unshare", "--net", sys.executable, "-I", "-c", script)
    (event,) = own_sockets(watch, pid)
    assert (event.remote_ip, event.remote_port, event.result) == ("127.0.0.1", 7, -errno.ENETUNREACH)
