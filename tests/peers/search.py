"""Real search servers for the tests: Elasticsearch (or ``ELASTICSEARCH_URL``) and OpenSearch."""

import os
import random
import shutil
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.peers.header_shim import shim
from tests.peers.java import HEAP, HERE, libraries
from tests.peers.server import Server, accepts, free_port

SETTINGS = """\
discovery.type: single-node
transport.port: {transport}
cluster.routing.allocation.disk.threshold_enabled: false
"""
HTTP_LAYER = "transport-netty4"


@pytest.fixture(scope="session")
def search_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """An Elasticsearch server of our own that a test may stop and start; its data survives that.

    It is the published core: ``GET /``, data streams, security and field types from modules
    (``wildcard``, ``match_only_text``) are not there.
    """
    jars = libraries("elasticsearch")
    if shutil.which("javac") is None:
        pytest.skip("Elasticsearch's starter needs a JDK (Debian: default-jdk-headless)")
    folder = tmp_path_factory.mktemp("elasticsearch")
    server = prepare_elasticsearch(jars, folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def elasticsearch(request: pytest.FixtureRequest) -> str:
    """The URL of a running Elasticsearch; without a JDK, of an OpenSearch that passes for one."""
    named = os.environ.get("ELASTICSEARCH_URL")
    if named:
        return named
    if shutil.which("javac") is None:
        opensearch_url: str = request.getfixturevalue("opensearch")
        return opensearch_url
    server: Server = request.getfixturevalue("search_server")
    return f"http://127.0.0.1:{server.port}"


@pytest.fixture(scope="session")
def opensearch(opensearch_itself: str) -> Iterator[str]:
    """The URL of a running OpenSearch behind a shim that lets Elasticsearch's client talk to it."""
    with shim(int(opensearch_itself.rpartition(":")[2])) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def opensearch_itself(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a running OpenSearch."""
    jars = libraries("opensearch")
    folder = tmp_path_factory.mktemp("opensearch")
    server = _prepare_opensearch(jars, folder)
    try:
        server.start()
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


def prepare_elasticsearch(jars: Path, folder: Path) -> Server:
    """An empty server in ``folder``, not started yet; ``jars`` are those of ``libraries``.

    They are laid out as the distribution does: the HTTP layer is a module with its own class loader.
    """
    for name in ("config", "lib", "plugins", f"modules/{HTTP_LAYER}"):
        (folder / name).mkdir(parents=True)
    module = folder / "modules" / HTTP_LAYER
    for jar in jars.glob("*.jar"):
        (module if jar.name.startswith(("netty-", HTTP_LAYER)) else folder / "lib").joinpath(
            jar.name
        ).symlink_to(jar)
    with zipfile.ZipFile(next(jars.glob(f"{HTTP_LAYER}-*.jar"))) as archive:
        described = archive.read(f"META-INF/es-plugins/{HTTP_LAYER}/plugin-descriptor.properties").decode()
    # On a class path the module has no Java module of its own.
    (module / "plugin-descriptor.properties").write_text(described.replace("modulename=", "#modulename="))
    (folder / "config/elasticsearch.yml").write_text(SETTINGS.format(transport=free_port()))
    port = free_port()
    starter = [str(HERE / "ElasticsearchServer.java"), str(folder), str(port)]
    command = ["java", *HEAP, "-cp", f"{folder}/lib/*", *starter]
    return Server(command, folder / "server.log", port, _answers)


def _prepare_opensearch(jars: Path, folder: Path) -> Server:
    config = folder / "node_1" / "config"
    config.mkdir(parents=True)
    (config / "opensearch.yml").write_text(SETTINGS.format(transport=free_port()))
    port = _runner_port()
    runner = ["org.codelibs.opensearch.runner.OpenSearchRunner", "-basePath", str(folder), "-numOfNode", "1"]
    command = ["java", *HEAP, "-cp", f"{jars}/*", *runner, "-baseHttpPort", str(port - 1)]
    return Server(command, folder / "server.log", port, _answers)


def _runner_port() -> int:
    """A free port among those that the runner takes: it counts up from the given one and stops at 9299."""
    return random.choice([port for port in range(9210, 9299) if not accepts(port)])  # noqa: S311  # no secret


def _answers(port: int) -> bool:
    """Whether a search server at ``port`` has elected itself and takes writes."""
    try:
        urllib.request.urlopen(
            f"http://127.0.0.1:{port}/_cluster/health?wait_for_status=yellow", timeout=5
        ).close()
    except (OSError, urllib.error.HTTPError):
        return False
    return True
