"""Data sent and received, as the kernel reports it and as rules see it."""

import pytest

from tests.collectors.kernel.rendered import rendered
from tests.collectors.kernel.watching import Watch
from wire.event import Socket

pytestmark = pytest.mark.kernel

EVENTS = ("sendto", "sendmsg", "recvfrom", "recvmsg")

LIBRARY = """
import socket, struct
def pair(kind, family, address):
    server, client = socket.socket(family, kind), socket.socket(family, kind)
    server.bind((address, 0))
    return server, client
"""

FAMILIES = [("INET", "127.0.0.1", "ipv4"), ("INET6", "::1", "ipv6")]


def transfers(watch: Watch, script: str) -> list[Socket]:
    """What the script sent and received."""
    events = watch.of(watch.python(LIBRARY + script), Socket)
    return [event for event in events if event.type.startswith(("send", "recv"))]


@pytest.mark.parametrize(("family", "address", "kind"), FAMILIES)
def test_datagrams(watch: Watch, family: str, address: str, kind: str) -> None:
    """A datagram that the call itself addresses: who sent to whom, and how it begins."""
    script = f"""
server, client = pair(socket.SOCK_DGRAM, socket.AF_{family}, {address!r})
client.bind(({address!r}, 0))
low, high = sorted((server, client), key=lambda each: each.getsockname()[1])
high.sendto(b'\\xca\\xfe\\xba\\xbe' + bytes(200), low.getsockname()[:2])
low.recvfrom(300)
"""
    sent, received = transfers(watch, script)
    fields = ("evt.type", "fd.connected", "fd.name_changed", "fd.l4proto", "fd.type", "fd.rip", "fd.sip")
    assert rendered(sent, *fields) == ("sendto", False, True, "udp", kind, address, address)
    assert rendered(received, *fields) == ("recvfrom", False, True, "udp", kind, address, address)
    for event in (sent, received):
        assert rendered(event, "evt.rawres", "evt.buflen", "evt.is_io") == (204, 204, True)
        assert event.data == b"\xca\xfe\xba\xbe" + bytes(76)
    assert rendered(received, "evt.arg.size", "evt.rawarg.size") == ("300", 300)
    ends = rendered(sent, "fd.cport", "fd.sport")
    assert ends == (sent.local_port, sent.remote_port)
    assert rendered(received, "fd.cport", "fd.sport") == ends, "both sides agree on who serves"
    assert rendered(received, "fd.name") == rendered(sent, "fd.name")
    assert rendered(received, "fd.is_server", "evt.io_dir") == (True, "r")


def test_messages(watch: Watch) -> None:
    """Sendmsg and recvmsg, with and without an address of their own."""
    script = """
server, client = pair(socket.SOCK_DGRAM, socket.AF_INET, '127.0.0.1')
client.sendmsg([b'abc', b'def'], [], 0, server.getsockname())
server.recvmsg(100)
client.connect(server.getsockname())
client.sendmsg([b'xyz'])
"""
    addressed, received, connected = transfers(watch, script)
    assert (addressed.type, addressed.data, addressed.result) == ("sendmsg", b"abc", 6)
    assert (received.type, received.data, received.remote_port) == (
        "recvmsg",
        b"abcdef",
        addressed.local_port,
    )
    fields = ("fd.connected", "fd.name_changed", "fd.sport")
    assert rendered(addressed, *fields) == (False, True, addressed.remote_port)
    assert rendered(connected, *fields) == (True, False, addressed.remote_port)


def test_streams(watch: Watch) -> None:
    """On a connection both ends are known; text is shown as it is."""
    script = """
server = socket.create_server(('127.0.0.1', 0))
client = socket.create_connection(server.getsockname())
other = server.accept()[0]
client.send(b'GET / HTTP/1.1')
other.recv(100)
other.setblocking(False)
try: other.recv(100)
except BlockingIOError: pass
"""
    sent, received = transfers(watch, script)
    assert rendered(sent, "evt.buffer", "fd.connected", "fd.name_changed") == ("GET / HTTP/1.1", True, False)
    assert rendered(received, "evt.buffer", "evt.arg.data") == ("GET / HTTP/1.1", "GET / HTTP/1.1")
    assert sent.remote_port == received.local_port


def test_nobody_known(watch: Watch) -> None:
    """Without an address and a peer nothing is told, nor of unix sockets."""
    script = """
server, client = pair(socket.SOCK_DGRAM, socket.AF_INET, '127.0.0.1')
try: client.send(b'x')
except OSError: pass
one, other = socket.socketpair()
one.send(b'x')
other.recv(1)
"""
    assert transfers(watch, script) == []


def test_failed_transfer(watch: Watch) -> None:
    """An attempt that fails is told with its reason and without data."""
    script = """
client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
try: client.sendto(bytes(70000), ('127.0.0.1', 9))
except OSError: pass
"""
    (event,) = transfers(watch, script)
    assert rendered(event, "evt.res", "evt.buffer", "evt.buflen", "fd.rport") == ("EMSGSIZE", None, 0, 9)
