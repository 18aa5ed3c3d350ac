"""What rules do not need stays in the kernel, and nothing else does; what they need may change meanwhile."""

import os
import string
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import rules
from collectors.kernel import KernelSource
from collectors.kernel.automaton import automaton
from collectors.kernel.decode import tidy
from collectors.kernel.hooks import HOOKS
from collectors.kernel.needs import encoded, everything
from rules.needs import needs
from tests.collectors.kernel.watching import Watch, until, watching
from tracetide.demo.container import Workshop, running
from wire.event import Call, Event, Exec, Fork, Open, Socket
from wire.needs import ANY, Limits, Needs, Paths, admits, facts

UNRESOLVED = 1 << 31

names = st.text(st.sampled_from("ab./s"), min_size=1, max_size=5)
texts = st.lists(names, max_size=3).map(tuple)
paths = st.builds(
    Paths,
    exact=texts.map(lambda found: tuple(f"/{each}" for each in found)),
    prefixes=texts.map(lambda found: tuple(f"/{each}" for each in found)),
    suffixes=texts,
    names=texts.map(lambda found: tuple(each.replace("/", "") or "a" for each in found)),
    parts=texts,
)


@given(st.lists(paths, max_size=4), st.text(st.sampled_from("ab./sx"), max_size=12))
@example([Paths(suffixes=("/a",)), Paths(parts=("a/a",))], "a/a/a")
def test_the_automaton_finds_what_the_sets_hold(sets: list[Paths], rest: str) -> None:
    """One walk through the table says of every set whether a path is in it, and whether it is resolved."""
    path = f"/{rest}"
    found = automaton(sets, UNRESOLVED).sets(path.encode())
    assert found is not None
    expected = sum(1 << number for number, each in enumerate(sets) if each.admits(path))
    assert found & ~UNRESOLVED == expected
    assert bool(found & UNRESOLVED) == (tidy(path) != path or path == "/")


def test_letters_beyond_ascii_are_not_judged() -> None:
    """What a path with such letters becomes in an event is not known in the kernel."""
    assert automaton([Paths(prefixes=("/é",))], UNRESOLVED).sets("/é".encode()) is None


def test_there_is_always_room() -> None:
    """More limits, sets of paths and paths than the kernel has room for become wider limits."""
    everywhere = [Paths(exact=(f"/{letter}{'x' * 300}",)) for letter in string.ascii_letters]
    many = tuple(Limits(path=each, access=(number % 4,)) for number, each in enumerate(everywhere[:32]))
    few = Needs(types={"openat": (ANY,)})
    assert len(encoded(Needs(types=dict.fromkeys(HOOKS, many)))) == len(encoded(few))
    ports = tuple((port, port) for port in range(1, 40, 2))
    assert encoded(Needs(types={"connect": (Limits(remote_ports=ports),)})) == encoded(
        Needs(types={"connect": (ANY,)})
    )


# Opens files in every way that changes how a path is made out.
OPEN = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
top, outside = sys.argv[1:]
def look(*names, fd=None, flags=os.O_RDONLY):
    for name in names:
        try:
            os.close(os.open(name, flags, 0o600, dir_fd=fd))
        except OSError:
            pass
os.makedirs(top + '/a/b', exist_ok=True)
for name in ('/wanted', '/other', '/a/wanted', '/a/x.key', '/a/b/plain', '/a/b/.hid', '/a/b/gr\\u00fcn'):
    open(top + name, 'w').close()
os.symlink('wanted', top + '/link')
os.symlink('../wanted', top + '/a/up')
look(top + '/link', top + '/a/up')
look(*(top + name for name in (
    '/wanted', '/other', '/./wanted', '//wanted', '/a/../wanted', '/a/x.key', '/a/b/plain', '/a/b/gr\\u00fcn',
    '/missing', '/a/b/.hid', '/a/wanted', '/a/b/' + 'n' * 250 + '/wanted')))
os.chdir(top + '/a')
look('up', '../link')
look('wanted', './wanted', '../wanted', 'x.key', 'b/plain', 'b//plain', './b/plain', 'b/.hid', 'b/gr\\u00fcn')
look('')
fd = os.open(top, os.O_RDONLY)
look('wanted', 'other', 'a/x.key', './wanted', fd=fd)
look(top + '/made', flags=os.O_WRONLY | os.O_CREAT)
look(top + '/made', flags=os.O_WRONLY | os.O_TRUNC)
look(top + '/wanted', flags=os.O_RDWR)
os.chdir('/')
os.chroot(top)
look('/wanted', '/other', 'a/x.key', '/a/../wanted', '/a/b/plain')
os.chdir('/a/b')
look('plain', '../wanted', '../../wanted')
"""


def opened(watch: Watch, pid: int) -> list[tuple[str, int, int]]:
    """Path, flags and result of the opens of a process, in their order."""
    return [(event.path, event.flags, event.result) for event in watch.of(pid, Open)]


@contextmanager
def both(wanted: Needs) -> Iterator[tuple[Watch, Watch]]:
    """A source that is told what is needed, and one that delivers everything of the same types."""
    with (
        watching(KernelSource(needs=lambda: wanted)) as some,
        watching(KernelSource(events=tuple(wanted.types))) as everything_,
    ):
        yield some, everything_


def open_limits(top: Path) -> dict[str, tuple[Limits, ...]]:
    """Limits of opens, each of another kind."""
    return {
        "exact": (Limits(path=Paths(exact=(f"{top}/wanted",))),),
        "prefix": (Limits(path=Paths(prefixes=(f"{top}/a/",)), result="success"),),
        "suffix": (Limits(path=Paths(suffixes=(".key",))),),
        "name": (Limits(path=Paths(names=("wanted", "plain"))),),
        "part": (Limits(path=Paths(parts=("/.h",))),),
        "access": (Limits(access=(1, 2), path=Paths(prefixes=(f"{top}/",))),),
        "flags": (Limits(flags=os.O_TRUNC), Limits(path=Paths(exact=(f"{top}/other",)))),
        "failure": (Limits(result="failure", path=Paths(parts=("miss",))),),
        "host": (Limits(scope="host", path=Paths(names=("wanted",))),),
        "container": (Limits(scope="container", path=Paths(names=("wanted",))),),
        "root": (Limits(path=Paths(exact=("/wanted",))),),
    }


@pytest.mark.kernel
@pytest.mark.parametrize("kind", open_limits(Path("/")))
def test_opens_are_chosen_by_their_limits(kernel: None, tmp_path: Path, kind: str) -> None:
    """Whatever the limits admit is delivered; of paths that need no resolving, nothing else is."""
    wanted = Needs(types={"openat": open_limits(tmp_path)[kind], "open": open_limits(tmp_path)[kind]})
    with both(wanted) as (some, everything_):
        pid = some.python(OPEN, str(tmp_path), "/")
        everything_.settle()
    delivered, all_of_them = opened(some, pid), everything_.of(pid, Open)
    needed = [
        (event.path, event.flags, event.result)
        for event in all_of_them
        if admits(wanted, facts(event, in_container=False))
    ]
    plain = [each for each in delivered if each[0].isascii() and len(each[0]) < 250]
    raw = {(event.path, event.flags, event.result) for event in all_of_them if _resolved(event)}
    assert [each for each in delivered if each in needed] == needed
    assert {each for each in plain if each not in needed} <= raw
    assert len(delivered) < len(all_of_them)


def _resolved(event: Open) -> bool:
    """Whether the path that the program passed has something in it to resolve."""
    raw = event.raw or event.path
    return bool({"", ".", ".."} & set(raw.removeprefix("/").split("/")))


CONNECT = """
import socket
from socket import AF_INET, AF_INET6, AF_UNIX, SOCK_DGRAM, SOCK_STREAM
for family, kind, address in (
    (AF_INET, SOCK_STREAM, ('127.0.0.1', 1)), (AF_INET, SOCK_STREAM, ('127.0.0.1', 9)),
    (AF_INET, SOCK_DGRAM, ('127.0.0.1', 9)), (AF_INET, SOCK_DGRAM, ('127.0.0.1', 53)),
    (AF_INET6, SOCK_DGRAM, ('::1', 53)), (AF_INET6, SOCK_DGRAM, ('::ffff:127.0.0.1', 53)),
    (AF_UNIX, SOCK_STREAM, '/nobody/listens'),
):
    try:
        socket.socket(family, kind).connect(address)
    except OSError:
        pass
"""


@pytest.mark.kernel
@pytest.mark.parametrize(
    "limits",
    [
        Limits(families=("unix",)),
        Limits(families=("ipv4",), protocols=("udp",)),
        Limits(families=("ipv6",)),
        Limits(remote_ports=((53, 53), (60, 70))),
        Limits(protocols=("tcp",), result="failure"),
        Limits(result="success", remote_ports=((1, 20),)),
    ],
    ids=lambda limits: ",".join(name for name in Limits.__struct_fields__ if getattr(limits, name)),
)
def test_sockets_are_chosen_by_their_limits(kernel: None, limits: Limits) -> None:
    """The same for connections, by family, protocol, port and result."""
    wanted = Needs(types={"connect": (limits,)})
    with both(wanted) as (some, everything_):
        pid = some.python(CONNECT)
        everything_.settle()
    delivered = [_end(event) for event in some.of(pid, Socket)]
    all_of_them = everything_.of(pid, Socket)
    needed = [_end(e) for e in all_of_them if admits(wanted, facts(e, in_container=False))]
    assert [each for each in delivered if each in needed] == needed
    assert needed
    assert len(delivered) < len(all_of_them)


def _end(event: Socket) -> tuple[str, str | None, str | None, int | None]:
    return event.family, event.proto, event.remote_ip, event.remote_port


@pytest.mark.kernel
def test_host_and_container_are_told_apart(kernel: None, containers: Workshop) -> None:
    """What only matters in containers is not told of the host, and the other way round."""
    wanted = Needs(
        types={
            "openat": (Limits(scope="container", path=Paths(names=("passwd",))),),
            "open": (Limits(scope="container", path=Paths(names=("passwd",))),),
            "unshare": (Limits(scope="host"),),
        }
    )
    with (
        running(containers, "sleep", "60") as container,
        watching(KernelSource(needs=lambda: wanted)) as watch,
    ):
        container.execute("cat", "/etc/passwd")
        container.execute("unshare", "-u", "true")
        outside = watch.run("cat", "/etc/passwd")
        unshared = watch.run("unshare", "--uts", "true")
    inside = {event.pid for event in watch.events if _ran_inside(event, container.id)}
    assert any(event.path == "/etc/passwd" for pid in inside for event in watch.of(pid, Open))
    assert not watch.of(outside, Open)
    assert watch.of(unshared, Call)
    assert not [event for pid in inside for event in watch.of(pid, Call)]


def _ran_inside(event: Event, container: str) -> bool:
    return (
        isinstance(event, Exec) and container in (event.cgroup_path or "") and event.comm != "runc:[2:INIT]"
    )


@pytest.mark.kernel
def test_what_is_not_needed_any_more_stays_in_the_kernel(kernel: None, tmp_path: Path) -> None:
    """Switched off, narrowed and switched on again: within a second, and nothing else is lost meanwhile."""
    opens = Needs(types={"openat": (ANY,), "mkdir": (ANY,), "connect": (ANY,)})
    narrowed = Needs(types={"openat": (Limits(path=Paths(names=("yes",))),), "connect": (ANY,)})
    off = Needs(types={"connect": (ANY,)})
    asked = [opens]
    source = KernelSource(needs=lambda: asked[-1])
    with watching(source) as watch, _opening(tmp_path) as writer, _connecting() as connecting:
        for each, expected in (
            (opens, {"yes", "no"}),
            (off, set()),
            (narrowed, {"yes"}),
            (off, set()),
            (opens, {"yes", "no"}),
        ):
            asked.append(each)
            time.sleep(1)
            before = _opens(watch, writer.pid)
            time.sleep(0.5)
            during = _opens(watch, writer.pid)[len(before) :]
            assert {Path(event.path).name for event in during} == expected
        until(lambda: source.settled)
        counts = source.counts()
        connecting.terminate()
        connecting.wait()
        watch.settle()
    assert counts is not None
    assert counts.losses.unneeded["openat"] > 0
    assert not counts.losses.full
    ports = [event.remote_port for event in watch.of(connecting.pid, Socket)]
    assert ports == list(range(1, len(ports) + 1)), "a connection is missing"
    assert {type(event) for event in watch.of(writer.pid, Event)} == set()
    assert [event.pid for event in watch.events if isinstance(event, Fork)].count(writer.pid) == 1


def _opens(watch: Watch, pid: int) -> list[Open]:
    return [event for event in watch.of(pid, Open) if Path(event.path).name in ("yes", "no")]


@contextmanager
def _opening(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that opens two files again and again."""
    script = """
import os, sys, time
while True:
    for name in ('yes', 'no'):
        os.close(os.open(f'{sys.argv[1]}/{name}', os.O_CREAT, 0o600))
    time.sleep(0.005)
"""
    process = subprocess.Popen([sys.executable, "-I", "-c", script, str(folder)])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def _connecting() -> Iterator[subprocess.Popen[bytes]]:
    """A process that connects to one port after the other."""
    script = (
        "import socket, time\nfor port in range(1, 60000):\n"
        " socket.socket(socket.AF_INET, socket.SOCK_DGRAM).connect(('127.0.0.1', port)); time.sleep(.005)"
    )
    process = subprocess.Popen([sys.executable, "-I", "-c", script])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.kernel
def test_the_library_needs_few_opens(kernel: None) -> None:
    """With the rules of the library, a program's look for its libraries and modules stays in the kernel."""
    wanted = needs(rules.load([]).rules)
    assert everything(wanted.types).types.keys() == wanted.types.keys()
    with both(wanted) as (some, everything_):
        pid = some.run("perl", "-MPOSIX", "-MSocket", "-e", "1")
        everything_.settle()
    delivered, all_of_them = opened(some, pid), opened(everything_, pid)
    assert len(delivered) < len(all_of_them) / 10
