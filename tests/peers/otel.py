"""A real HTTP Event Collector: the OpenTelemetry Collector's receiver for Splunk, with its acknowledgements.

Where it is not Splunk: it acknowledges what its exporter took, which is not yet the disk; when it refuses an
event of a request it has taken none of that request; numbers go through floating point, so that nanoseconds
inside of an event are rounded; a wrong token is answered by its server with 401 and no code; a request for
acknowledgements that it does not have is taken for an event.
"""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.peers import golang
from tests.peers.server import Server, accepts, free_port

TOKEN = "marker-otel-token"  # noqa: S105  # of this server alone


@dataclass(frozen=True)
class Otel:
    """It answers at ``url`` and appends what came to ``file``."""

    server: Server
    url: str
    file: Path

    def found(self, count: int = 0, seconds: float = 20) -> list[dict[str, Any]]:
        """The events in the order in which they came, as soon as there are ``count``.

        Each has ``time`` in nanoseconds, the ``resource`` with host, source, source type and index, its
        ``fields`` and the ``event``.
        """
        deadline = time.monotonic() + seconds
        while len(events := _events(self.file)) < count and time.monotonic() < deadline:
            time.sleep(0.1)
        return events


@pytest.fixture
def otel(tmp_path: Path) -> Iterator[Otel]:
    """A running collector whose token has acknowledgement."""
    yield from started(tmp_path, acknowledge=True)


@pytest.fixture
def otel_without_ack(tmp_path: Path) -> Iterator[Otel]:
    """A running collector that acknowledges nothing."""
    yield from started(tmp_path, acknowledge=False)


def started(folder: Path, *, acknowledge: bool) -> Iterator[Otel]:
    """Start a collector that keeps its files in ``folder``, and stop it afterwards."""
    program = golang.program("otel")
    port, file, settings = free_port(), folder / "otel.jsonl", folder / "otel.yaml"
    settings.write_text(yaml.safe_dump(_settings(port, file, acknowledge=acknowledge)))
    server = Server([str(program), f"--config=file:{settings}"], folder / "otel.log", port, accepts)
    server.start()
    try:
        yield Otel(server, f"http://127.0.0.1:{port}", file)
    finally:
        server.stop()


def _settings(port: int, file: Path, *, acknowledge: bool) -> dict[str, Any]:
    receiver: dict[str, Any] = {
        "endpoint": f"127.0.0.1:{port}",
        "auth": {"authenticator": "bearertokenauth"},
        "hec_metadata_to_otel_attrs": {name: name for name in ("host", "source", "sourcetype", "index")},
    }
    if acknowledge:
        receiver["ack"] = {"extension": "ack"}
    return {
        "extensions": {"ack": {}, "bearertokenauth": {"scheme": "Splunk", "token": TOKEN}},
        "receivers": {"splunk_hec": receiver},
        "exporters": {"file": {"path": str(file), "append": True, "flush_interval": "50ms"}},
        "service": {
            "extensions": ["ack", "bearertokenauth"],
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {"logs": {"receivers": ["splunk_hec"], "exporters": ["file"]}},
        },
    }


def _events(file: Path) -> list[dict[str, Any]]:
    """Those of whole lines: the last one may be on its way."""
    lines = file.read_bytes().split(b"\n")[:-1] if file.exists() else []
    return [
        {
            "time": int(record["timeUnixNano"]),
            "resource": _plain({"kvlistValue": {"values": resource["resource"].get("attributes", [])}}),
            "fields": _plain({"kvlistValue": {"values": record.get("attributes", [])}}),
            "event": _plain(record["body"]),
        }
        for line in lines
        for resource in json.loads(line)["resourceLogs"]
        for scope in resource["scopeLogs"]
        for record in scope["logRecords"]
    ]


def _plain(value: dict[str, Any]) -> Any:  # noqa: ANN401  # JSON
    """What a value of OTLP stands for."""
    if "kvlistValue" in value:
        return {each["key"]: _plain(each["value"]) for each in value["kvlistValue"].get("values", [])}
    if "arrayValue" in value:
        return [_plain(each) for each in value["arrayValue"].get("values", [])]
    return next(iter(value.values()), None)
