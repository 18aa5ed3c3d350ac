"""Answers of name servers: from the kernel, by whichever way a process takes them, and how they are read."""

import sys
from pathlib import Path

import dns.exception
import dns.message
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.kernel.dns import Message, read
from tests.collectors.kernel.watching import Watch
from wire.event import Answer

EVENTS = ("dns",)

# A name server that knows one address, on the loopback of a network of its own.
SERVER = """
import ctypes, fcntl, os, socket, struct, sys, threading
def up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 0x41))  # SIOCSIFFLAGS: up and running
up()
def serve(family, address):
    server = socket.socket(family, socket.SOCK_DGRAM)
    server.bind((address, 53))
    def answer():
        while True:
            query, client = server.recvfrom(512)
            end = query.index(0, 12) + 5
            address = query[end - 4:end - 2] == b"\\0\\1"
            head = query[:2] + b"\\x81\\x80\\0\\1\\0" + bytes([address]) + bytes(4)
            server.sendto(head + query[12:end] + (FOUND if address else b""), client)
    threading.Thread(target=answer, daemon=True).start()
FOUND = b"\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\x3c\\0\\4\\n\\1\\2\\3"
QUERY = b"ab\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\6Server\\7example\\0\\0\\1\\0\\1"
def asked(family, address):
    client = socket.socket(family, socket.SOCK_DGRAM)
    client.settimeout(5)
    client.connect((address, 53))
    client.send(QUERY)
    return client
"""


def answers(watch: Watch, script: str, *arguments: str) -> list[Answer]:
    """What a script is answered, in a network and with mounts of its own."""
    command = ("unshare", "--net", "--mount", sys.executable, "-I", "-c", SERVER + script)
    return watch.of(watch.run(*command, *arguments), Answer)


@pytest.mark.kernel
@pytest.mark.parametrize(
    "take",
    [
        "client.recv(512)",
        "client.recvfrom(512)",
        "client.recvmsg(512)",
        "client.setblocking(True); os.read(client.fileno(), 512)",
    ],
)
def test_whichever_call_takes_the_answer(watch: Watch, take: str) -> None:
    """Question, address and server; neither the query nor what the server does is reported."""
    script = f'serve(2, "127.0.0.1")\nclient = asked(2, "127.0.0.1")\n{take}'
    (answer,) = answers(watch, script)
    assert (answer.name, answer.asked, answer.code) == ("server.example", 1, 0)
    assert answer.addresses == ["10.1.2.3"]
    assert answer.server == "127.0.0.1"
    assert answer.comm == Path(sys.executable).name[:15]


@pytest.mark.kernel
def test_a_server_with_an_ipv6_address(watch: Watch) -> None:
    """The server's address is read from the other header."""
    (answer,) = answers(watch, 'serve(10, "::1")\nasked(10, "::1").recv(512)')
    assert (answer.server, answer.addresses) == ("::1", ["10.1.2.3"])


@pytest.mark.kernel
def test_what_the_c_library_asks(watch: Watch, tmp_path: Path) -> None:
    """Getaddrinfo asks for both kinds of addresses; that there is none of the second is an answer too."""
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\n")
    script = """
libc = ctypes.CDLL(None, use_errno=True)
if libc.mount(os.fsencode(sys.argv[1]), b"/etc/resolv.conf", None, 0x1000, None):
    sys.exit(os.strerror(ctypes.get_errno()))
serve(2, "127.0.0.1")
socket.getaddrinfo("www.example", 443, type=socket.SOCK_STREAM)
"""
    found = answers(watch, script, str(tmp_path / "resolv.conf"))
    assert {(each.name, each.asked, *each.addresses) for each in found} == {
        ("www.example", 1, "10.1.2.3"),
        ("www.example", 28),
    }


@pytest.mark.kernel
def test_other_datagrams_are_left_alone(watch: Watch) -> None:
    """Another port, a query to a server, data of a TCP connection with the same port."""
    script = """
left, right = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
left.bind(("127.0.0.1", 5353)); right.connect(("127.0.0.1", 5353)); right.send(QUERY); left.recv(512)
server = socket.create_server(("127.0.0.1", 53)); client = socket.create_connection(("127.0.0.1", 53))
other, _ = server.accept(); other.send(QUERY); client.recv(512)
"""
    assert answers(watch, script) == []


@pytest.mark.kernel
def test_what_is_no_message_has_no_name(watch: Watch) -> None:
    """Anybody may send anything from that port."""
    script = """
server, client = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
server.bind(("127.0.0.1", 53)); client.connect(("127.0.0.1", 53))
server.sendto(b"?", client.getsockname()); client.recv(512)
"""
    (answer,) = answers(watch, script)
    assert (answer.name, answer.addresses) == (None, [])


def reply(*lines: str, asked: str = "www.example.") -> bytes:
    """A message with these lines as its answer, written by another library."""
    message = dns.message.make_response(dns.message.make_query(asked, "A"))
    message.answer = [
        dns.rrset.from_text(name, int(ttl), *rest) for name, ttl, *rest in map(str.split, lines)
    ]
    return message.to_wire()


def test_other_names_on_the_way_do_not_matter() -> None:
    """The name that was asked for is what the program knows the addresses by."""
    message = reply(
        "www.example. 60 IN CNAME a.cdn.example.",
        "a.cdn.example. 60 IN A 192.0.2.1",
        "a.cdn.example. 60 IN AAAA 2001:db8::1",
    )
    assert read(message) == Message("www.example", 1, 0, ["192.0.2.1", "2001:db8::1"])


@given(
    st.lists(st.tuples(st.from_regex(r"\A([A-Za-z0-9_-]{1,20}\.){1,5}\Z"), st.ip_addresses()), max_size=8),
    st.from_regex(r"\A([A-Za-z0-9_-]{1,20}\.){1,5}\Z"),
)
def test_it_reads_what_another_library_writes(found: list[tuple[str, object]], asked: str) -> None:
    """Names with and without pointers, both kinds of addresses, and every beginning of the message."""
    lines = [f"{name} 60 IN {'AAAA' if ':' in str(ip) else 'A'} {ip}" for name, ip in found]
    message = reply(*lines, asked=asked)
    answer = read(message)
    assert answer is not None
    assert answer.name == asked.removesuffix(".").lower()
    assert answer.addresses == [str(getattr(ip, "ipv4_mapped", None) or ip) for _, ip in found]
    for end in range(0, len(message), 7):
        cut = read(message[:end])
        assert cut is None or answer.addresses[: len(cut.addresses)] == cut.addresses


@given(st.binary(max_size=80))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    """Also names that point at themselves; what another library can read, this one does."""
    message = data[:2] + b"\x81\x80\0\1" + data[2:]
    ours = read(message)
    try:
        theirs = dns.message.from_wire(message, ignore_trailing=True)
    except dns.exception.DNSException:
        return
    if len(theirs.question) == 1:
        assert ours is not None
        assert ours.kind == theirs.question[0].rdtype
