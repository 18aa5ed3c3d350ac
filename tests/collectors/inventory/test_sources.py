"""Where sources are looked for, and how long is waited for one that does not answer."""

import asyncio
import contextlib
import json
import logging
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from collectors.contract import CollectorError
from collectors.inventory.contract import Seen
from collectors.inventory.oci import Files
from collectors.inventory.settings import KINDS, Where, everywhere, where
from collectors.inventory.sources import Sources

ID = "0123456789abcdef" * 4


@asynccontextmanager
async def kept(sources: Sources) -> AsyncIterator[None]:
    """Sources that are kept connected until the end of the block."""
    task = asyncio.create_task(sources.run())
    await asyncio.sleep(0)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def test_a_source_that_does_not_answer_is_waited_for_so_long(tmp_path: Path) -> None:
    """And no longer; the reason names it."""
    there = tmp_path / "docker.sock"

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)
        writer.close()

    server = await asyncio.start_unix_server(silent, there)
    sources = Sources(Where({"docker": (str(there),)}), files=None)
    async with kept(sources):
        began = time.monotonic()
        about, why = await sources.find(Seen(ID), 0.3)
        took = time.monotonic() - began
    server.close()
    assert (about, why) == (None, "docker did not answer within 0.3 seconds")
    assert 0.3 <= took < 1.5


async def test_a_broken_stream_of_events_is_no_reason_not_to_ask(tmp_path: Path) -> None:
    """A container that lives for a moment would be gone until the stream is back."""
    there = tmp_path / "docker.sock"
    answers = {
        b"/containers/json": b"[]",
        b"/events": b"",
        f"/containers/{ID}/json".encode(): b'{"Name": "/short", "Config": {"Image": "shop:1"}}',
    }
    broke = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split()[1].partition(b"?")[0]
        body = answers.get(path)
        status = b"404 Not Found" if body is None else b"200 OK"
        length = len(body or b"")
        writer.write(b"HTTP/1.1 %b\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % (status, length))
        writer.write(body or b"")
        writer.close()
        if path == b"/events":
            broke.set()

    server = await asyncio.start_unix_server(answer, there)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("collectors.inventory.sources._PAUSE", 3600)
        sources = Sources(Where({"docker": (str(there),)}), files=None)
        async with kept(sources), asyncio.timeout(10):
            await broke.wait()
            await asyncio.sleep(0.1)
            about, why = await sources.find(Seen(ID), 1)
    server.close()
    assert about is not None
    assert (about.name, why) == ("short", None)


async def test_what_came_and_went_while_the_stream_was_away_is_told(tmp_path: Path) -> None:
    """The stream is taken up again where it broke off, not where it begins again."""
    there = tmp_path / "podman.sock"
    happened: list[tuple[float, bytes]] = []
    broke = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        path, _, query = head.split()[1].partition(b"?")
        body, status = b"[]", b"200 OK"
        if path == b"/events":
            since = float(parse_qs(query)[b"since"][0])
            body = b"".join(event for at, event in happened if at >= since)
        elif path != b"/containers/json":
            status = b"404 Not Found"
        writer.write(b"HTTP/1.1 %b\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % (status, len(body)))
        writer.write(body)
        writer.close()
        if path == b"/events":
            broke.set()

    server = await asyncio.start_unix_server(answer, there)
    actor = {"ID": ID, "Attributes": {"name": "short", "image": "shop:1"}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("collectors.inventory.sources._PAUSE", 2.5)
        sources = Sources(Where({"podman": (str(there),)}), files=None)
        async with kept(sources), asyncio.timeout(10):
            await broke.wait()
            happened.append((time.time(), json.dumps({"Action": "create", "Actor": actor}).encode() + b"\n"))
            about, why = await sources.find(Seen(ID, runtime="podman"), 5)
    server.close()
    assert about is not None
    assert (about.name, about.image, why) == ("short", "shop:1", None)


async def test_an_event_is_taken_for_an_inspection_that_is_not_answered(tmp_path: Path) -> None:
    """A daemon that is busy starting others has told the name long ago."""
    there = tmp_path / "podman.sock"
    actor = {"ID": ID, "Attributes": {"name": "short", "image": "shop:1"}}
    event = json.dumps({"Action": "create", "Actor": actor}).encode() + b"\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1].partition(b"?")[0]
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
        writer.write({b"/containers/json": b"[]", b"/events": event}.get(path, b""))
        if path != b"/containers/json":
            await writer.drain()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(3600)
        writer.close()

    server = await asyncio.start_unix_server(answer, there)
    sources = Sources(Where({"podman": (str(there),)}), files=None)
    async with kept(sources):
        about, why = await sources.find(Seen(ID, runtime="podman"), 2)
    server.close()
    assert about is not None
    assert (about.name, about.image, why) == ("short", "shop:1", None)


async def test_nobody_to_ask_is_no_reason_to_wait() -> None:
    """A host without runtimes is not held up."""
    sources = Sources(Where({}), files=None)
    began = time.monotonic()
    about, why = await sources.find(Seen(ID, runtime="docker"), 5)
    assert (about, why) == (None, "no container runtime can be asked on this host")
    assert time.monotonic() - began < 1


async def test_files_that_are_written_late_are_read(tmp_path: Path) -> None:
    """The runtime writes down what a container is after its first process is there."""
    sources = Sources(Where({}), files=Files(tmp_path))
    finding = asyncio.create_task(sources.find(Seen(ID), 5))
    await asyncio.sleep(0.1)
    bundle = tmp_path / "var/lib/containers/storage/overlay-containers" / ID / "userdata"
    bundle.mkdir(parents=True)
    (bundle / "config.json").write_text('{"process": {"capabilities": {"bounding": ["CAP_CHOWN"]}}}')
    about, _ = await finding
    assert about
    assert about.privileged is False


async def test_what_is_wrong_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """However often it is tried."""
    there = tmp_path / "docker.sock"
    there.touch()
    with caplog.at_level(logging.WARNING), pytest.MonkeyPatch.context() as patch:
        patch.setattr("collectors.inventory.sources._PAUSE", 0.01)
        async with kept(Sources(Where({"docker": (str(there),)}), files=None)):
            await asyncio.sleep(1)
    assert [str(there) in record.message for record in caplog.records] == [True]


def test_wishes_are_understood() -> None:
    """Kinds with and without a place, several of one kind, nobody."""
    assert where(()) == everywhere()
    assert where(("none",)) == Where({})
    assert where(("docker",)).paths == {"docker": KINDS["docker"].paths}
    assert where(("cri=/a", "cri=/b", "kubernetes=/c")).paths == {"cri": ("/a", "/b"), "kubernetes": ("/c",)}


@pytest.mark.parametrize("wanted", ["dokcer", "none=/x", "=/x"])
def test_a_wish_for_something_else_is_refused(wanted: str) -> None:
    """With what there is."""
    with pytest.raises(CollectorError, match="docker, podman, cri, kubernetes"):
        where((wanted,))


def test_two_names_of_one_socket_are_one_source(tmp_path: Path) -> None:
    """Podman may lie where Docker's clients look."""
    (tmp_path / "podman.sock").touch()
    (tmp_path / "docker.sock").symlink_to(tmp_path / "podman.sock")
    found = Where({kind: (f"{tmp_path}/{kind}.sock",) for kind in ("docker", "podman")}).found()
    assert [kind for kind, _ in found] == ["docker"]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_source(kind: str, tmp_path: Path) -> None:
    """Which says its name and where it is."""
    teller = KINDS[kind].open(tmp_path / "there")
    assert (teller.name, teller.where) == (kind, str(tmp_path / "there"))


def test_a_host_without_runtimes_does_not_pay_for_them() -> None:
    """The HTTP client and what it brings are imported when there is somebody to ask."""
    script = """
import asyncio, sys
from collectors.inventory import Sources
from collectors.inventory.contract import Seen
from collectors.inventory.oci import Files
from collectors.inventory.settings import Where
asyncio.run(Sources(Where({})).find(Seen("f" * 64), 1))
print([name for name in ("httpx", "h2", "yaml") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
