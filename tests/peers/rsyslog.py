"""A real syslog server: rsyslog on loopback, with TLS, TCP and UDP; it writes down what it understood."""

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.peers.server import accepts, free_port, tail

CONFIGURATION = """
global(workDirectory="{folder}" maxMessageSize="1m" parser.escapeControlCharactersOnReceive="off"
       net.enableDNS="off"
       defaultNetstreamDriverCAFile="{folder}/ca.pem"
       defaultNetstreamDriverCertFile="{folder}/server.pem"
       defaultNetstreamDriverKeyFile="{folder}/server.key")
module(load="imptcp")
module(load="imudp")
module(load="imtcp" streamDriver.name="ossl" streamDriver.mode="1" streamDriver.authMode="{authentication}"
       {permitted})
input(type="imtcp" port="{tls}" address="127.0.0.1")
input(type="imptcp" port="{tcp}" address="127.0.0.1")
input(type="imudp" port="{udp}" address="127.0.0.1")
template(name="understood" type="list" option.jsonf="on") {{
  property(outname="facility" name="syslogfacility" format="jsonf")
  property(outname="severity" name="syslogseverity" format="jsonf")
  property(outname="version" name="protocol-version" format="jsonf")
  property(outname="timestamp" name="timereported" dateFormat="rfc3339" format="jsonf")
  property(outname="host" name="hostname" format="jsonf")
  property(outname="app" name="app-name" format="jsonf")
  property(outname="message" name="msg" format="jsonf")
}}
*.* action(type="omfile" file="{folder}/found.jsonl" template="understood")
"""


@dataclass
class Rsyslog:
    """Ports by protocol, the files of its certificates, and what arrived."""

    folder: Path
    ports: dict[str, int]
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Return when it takes connections."""
        log = (self.folder / "log").open("ab")
        command = ["rsyslogd", "-n", "-f", str(self.folder / "rsyslog.conf"), "-i", str(self.folder / "pid")]
        with log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        for _ in range(300):
            if accepts(self.ports["tls"]) and accepts(self.ports["tcp"]):
                return
            time.sleep(0.05)
        self.kill()
        raise RuntimeError(f"rsyslog did not start; it says:\n{tail(self.folder / 'log')}")

    def kill(self) -> None:
        """End it at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def found(self, count: int) -> list[dict[str, Any]]:
        """What arrived, as soon as there are ``count``."""
        path = self.folder / "found.jsonl"
        lines: list[bytes] = []
        for _ in range(300):
            lines = path.read_bytes().splitlines() if path.exists() else []
            if len(lines) >= count:
                break
            time.sleep(0.05)
        return [json.loads(line) for line in lines]


def prepare(folder: Path, authentication: str) -> Rsyslog:
    """A server that is not started yet, with certificates of an authority of its own."""
    if shutil.which("rsyslogd") is None:
        pytest.skip("rsyslog is not installed (Debian: rsyslog, rsyslog-openssl)")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    for name, identity in (("server", "localhost"), ("client", "forwarder.example")):
        made = authority.issue_cert(identity)
        made.private_key_pem.write_to_path(str(folder / f"{name}.key"))
        for pem in made.cert_chain_pems:
            pem.write_to_path(str(folder / f"{name}.pem"), append=True)
    ports = {name: free_port() for name in ("tls", "tcp", "udp")}
    permitted = "" if authentication == "anon" else 'permittedPeer=["forwarder.example"]'
    text = CONFIGURATION.format(folder=folder, authentication=authentication, permitted=permitted, **ports)
    (folder / "rsyslog.conf").write_text(text)
    return Rsyslog(folder, ports)


@pytest.fixture(params=["anon"])
def rsyslog(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Rsyslog]:
    """A running server; ``x509/name`` as parameter lets only the client's certificate in."""
    server = prepare(tmp_path, request.param)
    server.start()
    try:
        yield server
    finally:
        server.kill()
