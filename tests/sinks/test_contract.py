"""What every sink promises, tried on every entry of the registry."""

import asyncio
import base64
import json
import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

import sinks
from sinks import SINKS, open_sink
from sinks.contract import Delivered, Duplicate, Never, Retry, Sink, SinkError
from sinks.embedded import delivering
from sinks.runner import Pace, Runner
from sinks.settings import is_secret, load, variable
from sinks.store import Store
from tests.peers.http import Answer, HttpPeer
from tests.peers.server import free_port
from tests.sinks.samples import detections

MARKER = "marker-d41d8cd98f"
KEY = base64.b64encode(f"{MARKER}-of-a-signature".encode()).decode()
NOT_SINKS = {
    "__init__", "attack", "body", "contract", "counters", "ecs", "elastic_setup", "embedded", "forwarder",
    "http", "letters", "pruning", "runner", "settings", "store",
}  # fmt: skip


@pytest.fixture
def surroundings(http_peer: HttpPeer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> HttpPeer:
    """Every sink's settings, with a server that refuses everything and a marker in every secret."""
    http_peer.otherwise = Answer(503, "later")
    settings = {
        "TRACETIDE_ELASTICSEARCH_URL": http_peer.url,
        "TRACETIDE_ELASTICSEARCH_API_KEY": MARKER,
        "TRACETIDE_JSONL_PATH": str(tmp_path / "found.jsonl"),
        "TRACETIDE_KAFKA_SERVERS": f"127.0.0.1:{free_port()}",
        "TRACETIDE_KAFKA_TOPIC": "alerts",
        "TRACETIDE_KAFKA_USERNAME": "forwarder",
        "TRACETIDE_KAFKA_PASSWORD": MARKER,
        "TRACETIDE_KAFKA_TIMEOUT": "1",
        "TRACETIDE_OCSF_URL": f"{http_peer.url}/{MARKER}",
        "TRACETIDE_OCSF_TOKEN": MARKER,
        "TRACETIDE_SPLUNK_URL": http_peer.url,
        "TRACETIDE_SPLUNK_TOKEN": MARKER,
        "TRACETIDE_SYSLOG_HOST": "localhost",
        "TRACETIDE_SYSLOG_PORT": str(free_port()),
        "TRACETIDE_SYSLOG_TIMEOUT": "1",
        **_certificate(tmp_path),
        "TRACETIDE_WEBHOOK_URL": f"{http_peer.url}/{MARKER}",
        "TRACETIDE_WEBHOOK_TOKEN": MARKER,
        "TRACETIDE_WEBHOOK_SECRET": f"whsec_{KEY}",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    return http_peer


def _certificate(folder: Path) -> dict[str, str]:
    """A certificate to show, whose key has the marker for a password."""
    made = trustme.CA().issue_cert("forwarder.example")
    key = load_pem_private_key(made.private_key_pem.bytes(), None)
    locked = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(MARKER.encode()))
    (folder / "client.key").write_bytes(locked)
    made.cert_chain_pems[0].write_to_path(str(folder / "client.pem"))
    return {
        "TRACETIDE_SYSLOG_CLIENT_CERT": str(folder / "client.pem"),
        "TRACETIDE_SYSLOG_CLIENT_KEY": str(folder / "client.key"),
        "TRACETIDE_SYSLOG_CLIENT_KEY_PASSWORD": MARKER,
    }


@pytest.fixture(params=SINKS)
async def sink(request: pytest.FixtureRequest, surroundings: HttpPeer) -> AsyncIterator[Sink]:
    """Each sink in turn."""
    opened = open_sink(request.param)
    yield opened
    await opened.close()


def test_every_file_is_registered_and_every_line_has_its_file() -> None:
    """A sink is one file and one line: neither is forgotten."""
    files = {path.stem for path in Path(sinks.__file__).parent.glob("*.py")} - NOT_SINKS
    assert {module.removeprefix("sinks.") for module in SINKS.values()} == files


async def test_a_sink_is_called_as_it_is_registered(sink: Sink) -> None:
    """Its name is in the consumer group, in logs and in dead letters."""
    assert sink.name in SINKS


async def test_there_is_an_outcome_for_each_detection(sink: Sink) -> None:
    """Also where the destination takes nothing, and for none at all."""
    outcomes = await sink.deliver(detections(7))
    assert len(outcomes) == 7
    assert all(isinstance(outcome, Delivered | Duplicate | Retry | Never) for outcome in outcomes)
    assert list(await sink.deliver([])) == []


@pytest.mark.parametrize("name", SINKS)
async def test_no_secret_is_in_a_dead_letter_or_a_count(
    name: str, surroundings: HttpPeer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Refused, tried again, counted and kept on disk: what is written down of it holds no secret."""
    surroundings.otherwise = Answer(400, f"no {MARKER} {KEY}")
    sink, queue = open_sink(name), tmp_path / "queue.sqlite"
    pace = Pace(age=0, first_wait=0.01, longest_wait=0.02, timeout=2, grace=0.3)

    async def work() -> None:
        async with Store(queue, [name]) as store, delivering([sink], bury, pace, store) as deliver:
            for found in detections(3):
                await deliver(found)
            runners.extend(deliver.runners)
            await asyncio.sleep(0.3)
            raise RuntimeError("enough")

    async def bury(*refused: object) -> None:
        raise AssertionError(refused)

    runners: list[Runner] = []
    with pytest.raises(RuntimeError, match="enough"):
        await work()
    await sink.close()
    kept = _kept(tmp_path)
    told = f"{kept!r} {runners[0].counters} {runners[0].counters.line(0)}"
    assert MARKER not in told
    assert KEY not in told


def _kept(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.glob("queue.sqlite*"))


@pytest.mark.parametrize("answer", [Answer(503, "later"), Answer(401, "no"), Answer(cut=True)])
async def test_no_secret_is_told(
    sink: Sink, surroundings: HttpPeer, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in outcomes, errors, logs of any level, nor in what the sink looks like."""
    surroundings.otherwise = answer
    told = [repr(sink), str(sink)]
    with caplog.at_level(logging.DEBUG):
        told.append(str(await sink.deliver(detections(3))))
        try:
            await sink.check()
        except SinkError as error:
            told.append(f"{error!r} {error}")
    everything = " ".join([*told, caplog.text])
    assert MARKER not in everything
    assert KEY not in everything


@pytest.mark.parametrize("status", [200, 400, 401, 403, 503])
async def test_a_server_that_repeats_a_secret_does_not_get_it_told(
    sink: Sink, surroundings: HttpPeer, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Each server has a place in its answers for a reason, and some repeat there what they were given."""
    said = f"no {MARKER}"
    cause = {"type": said, "reason": said, "caused_by": {"reason": said}}
    items = [{"create": {"status": 400, "error": cause}}] * 3
    told = {
        "text": said,
        "code": 6,
        "error": cause,
        "items": items,
        "username": said,
        "has_all_requested": False,
    }
    surroundings.otherwise = Answer(status, json.dumps(told))
    everything = ""
    with caplog.at_level(logging.DEBUG):
        for asked in (lambda: sink.deliver(detections(3)), sink.check):
            try:
                everything += str(await asked())
            except SinkError as error:
                everything += f"{error!r} {error}"
    assert MARKER not in everything + caplog.text


@pytest.mark.parametrize("status", [403, 503])
async def test_a_password_is_not_told_either(
    surroundings: HttpPeer, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """Elasticsearch takes one instead of an API key, encoded together with the user."""
    monkeypatch.delenv("TRACETIDE_ELASTICSEARCH_API_KEY")
    monkeypatch.setenv("TRACETIDE_ELASTICSEARCH_USERNAME", "forwarder")
    monkeypatch.setenv("TRACETIDE_ELASTICSEARCH_PASSWORD", MARKER)
    encoded = base64.b64encode(f"forwarder:{MARKER}".encode()).decode()
    reason = {"error": {"type": "x", "reason": f"no {MARKER} {encoded}"}}
    surroundings.otherwise = Answer(status, json.dumps(reason))
    sink = open_sink("elasticsearch")
    told = f"{sink!r} {await sink.deliver(detections(1))}"
    with pytest.raises(SinkError) as caught:
        await sink.check()
    await sink.close()
    assert "no ***" in told
    assert MARKER not in f"{told} {caught.value}"
    assert encoded not in f"{told} {caught.value}"


@pytest.mark.parametrize("name", SINKS)
def test_every_secret_has_a_marker_here(
    name: str, surroundings: HttpPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test above tries every setting of a secret type that can be set along with the others."""
    kind = import_module(SINKS[name]).Settings
    secrets = {field for field in kind.model_fields if is_secret(kind, field)}
    settings = load(kind)
    tried = {field for field in secrets if getattr(settings, field) is not None}
    assert secrets - tried <= {"password"}  # excludes the API key, and takes the same way
    assert MARKER not in repr(settings)
    assert KEY not in repr(settings)
    assert all(variable(kind, field).startswith(f"TRACETIDE_{name.upper()}_") for field in secrets)


def test_a_sink_is_imported_only_when_it_is_used() -> None:
    """Whoever writes to a file does not load the clients of Elasticsearch, Kafka and HTTP."""
    program = (
        "import sys; from sinks import open_sink; import sinks.embedded; open_sink('jsonl')\n"
        "print(sorted({'elasticsearch', 'aiokafka', 'httpx', 'rich'} & set(sys.modules)))"
    )
    environment = {"TRACETIDE_JSONL_PATH": "-", "PYTHONPATH": str(Path(sinks.__file__).parent.parent)}
    printed = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert printed.stdout.strip() == "[]"
