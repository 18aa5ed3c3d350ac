"""Fixtures that every test may use, and which tests may run beside which."""

import signal

import pytest
from xdist.scheduler import LoadScopeScheduling

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


# What watches this host as a whole; two of these at a time would see each other.
_HOST = {"bpf", "collectors", "demo", "system", "tracetide"}


class _Parts(LoadScopeScheduling):  # type: ignore[misc]  # which ships no types
    """Tests of a file stay together, as they share what they start."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return "host" if file.split("/")[1] in _HOST else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """With several processes (``-n``), what each of them is given."""
    return _Parts(config, log)
