"""Fixtures that every test may use."""

import signal

pytest_plugins = [
    "tests.peers.alertmanager",
    "tests.peers.apiserver",
    "tests.peers.compose",
    "tests.peers.containers",
    "tests.peers.ecs",
    "tests.peers.engines",
    "tests.peers.cri",
    "tests.peers.guest",
    "tests.peers.hec",
    "tests.peers.http",
    "tests.peers.kafka",
    "tests.peers.kernel",
    "tests.peers.kibana",
    "tests.peers.lifecycle",
    "tests.peers.otel",
    "tests.peers.painless",
    "tests.peers.rsyslog",
    "tests.peers.rt",
    "tests.peers.search",
    "tests.peers.smtp",
    "tests.peers.vega",
    "tests.peers.vendors",
]


def pytest_configure() -> None:
    """End on SIGTERM as on Ctrl-C: what fixtures started and mounted must be taken down."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
