"""Pods from the Kubernetes API, served by a small server that can be told to fail.

What a real one answers is tested in test_apiserver.py.
"""

import asyncio
import contextlib
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from collectors.inventory.book import Book
from collectors.inventory.cluster import access
from collectors.inventory.contract import InventoryError, Seen
from collectors.inventory.kubernetes import KubernetesTeller
from collectors.inventory.settings import Where
from collectors.inventory.sources import Sources
from tests.peers.kubernetes import Cluster, pod, serving
from wire.inventory import Description, Mount, Pod

ID = "0123456789abcdef" * 4
UID = "5759a1ae-36ca-48a8-b20a-b0b5c8a90fb8"
PODS = "/api/v1/namespaces/shop/pods"

CONFIG = """
apiVersion: v1
kind: Config
current-context: test
contexts: [{{name: test, context: {{cluster: here, user: me}}}}]
clusters: [{{name: here, cluster: {{server: "{server}"{more}}}}}]
users: [{{name: me, user: {{{user}}}}}]
"""


@pytest.fixture
def cluster() -> Cluster:
    """A namespace with a deployment, of which this node runs a pod."""
    made = Cluster()
    labels = {"stage": "live"}
    made.put("/api/v1/namespaces/shop", {"metadata": {"name": "shop", "uid": "n-1", "labels": labels}})
    owner = {"kind": "Deployment", "name": "web", "controller": True}
    replicas = {"metadata": {"name": "web-7d4b9c", "namespace": "shop", "ownerReferences": [owner]}}
    made.put("/apis/apps/v1/namespaces/shop/replicasets/web-7d4b9c", replicas)
    made.put(f"{PODS}/web-1", pod("web-1", UID, container=ID))
    return made


@pytest.fixture
def server(cluster: Cluster) -> Iterator[str]:
    """Where to ask it."""
    with serving(cluster) as address:
        yield address


@pytest.fixture
def config(server: str, tmp_path: Path) -> Path:
    """A kubeconfig that leads there."""
    return written(tmp_path, server)


def written(folder: Path, server: str, *, user: str = "token: secret", more: str = "") -> Path:
    """A kubeconfig."""
    path = folder / "config"
    path.write_text(CONFIG.format(server=server, user=user, more=more))
    return path


@asynccontextmanager
async def following(path: Path, book: Book) -> AsyncIterator[asyncio.Event]:
    """A source that is kept connected; the event is set when it has told of everything."""
    teller, ready = KubernetesTeller(path, "node-1"), asyncio.Event()

    async def keep() -> None:
        while True:
            with contextlib.suppress(InventoryError):
                await teller.follow(book, ready.set)
            await asyncio.sleep(0.05)

    task = asyncio.create_task(keep())
    try:
        async with asyncio.timeout(10):
            await ready.wait()
        yield ready
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def comes(condition: Callable[[], object]) -> bool:
    """Whether a condition becomes true soon."""
    for _ in range(200):
        if condition():
            return True
        await asyncio.sleep(0.05)
    return False


def about(book: Book, container: str = ID) -> Description:
    """What the book says of a container."""
    found = book.about(container)
    assert found is not None
    return found


def pod_of(book: Book, container: str = ID) -> Pod:
    """What the book says of its pod."""
    found = about(book, container).pod
    assert found is not None
    return found


async def test_a_container_has_its_pod_and_what_keeps_it_running(config: Path) -> None:
    """Container, pod, node, namespace with its labels, service account, and the deployment above the set."""
    book = Book()
    async with following(config, book):
        found, its = about(book), pod_of(book)
    assert (found.name, found.image, found.privileged) == ("app", "registry.example/shop/web:2", True)
    assert found.digest == "registry.example/shop/web@sha256:" + "a" * 64
    assert (found.liveness_probe, found.readiness_probe) == ("/bin/live -q", None)
    assert (found.host_network, found.host_pid) == (True, False)
    assert found.mounts == [Mount("/var/log", "/logs", "ro", writable=False, propagation="private")]
    assert its == Pod(
        uid=UID,
        name="web-1",
        namespace="shop",
        namespace_uid="n-1",
        namespace_labels={"stage": "live"},
        node="node-1",
        ip="10.1.2.3",
        service_account="web",
        workload="web",
        workload_kind="Deployment",
        labels={"app": "web", "pod-template-hash": "7d4b9c"},
        annotations={"owner": "team-shop"},
    )


async def test_all_pages_of_a_list_are_read_and_only_of_this_node(cluster: Cluster, config: Path) -> None:
    """Five pods come in three pages; one of another node does not come."""
    for number in range(2, 6):
        cluster.put(f"{PODS}/web-{number}", pod(f"web-{number}", f"u-{number}", container=f"{number:064x}"))
    cluster.put(f"{PODS}/other", pod("other", "u-9", node="node-2", container="9" * 64))
    book = Book()
    async with following(config, book):
        names = [pod_of(book, each).name for each in (ID, *(f"{number:064x}" for number in range(2, 6)))]
    assert names == [f"web-{number}" for number in range(1, 6)]
    assert book.about("9" * 64) is None
    assert sum("limit" in each for each in cluster.asked) == 3


async def test_changes_are_heard_of(cluster: Cluster, config: Path) -> None:
    """A new pod, its container when it runs, changed labels, the end."""
    book, other = Book(), "b" * 64
    async with following(config, book):
        cluster.put(f"{PODS}/web-2", pod("web-2", "u-2"))
        assert await comes(lambda: book.has_pod("u-2"))
        assert book.about(other) is None
        cluster.put(f"{PODS}/web-2", pod("web-2", "u-2", container=other))
        assert await comes(lambda: book.about(other))
        cluster.put(f"{PODS}/web-2", pod("web-2", "u-2", container=other, labels={"app": "new"}))
        assert await comes(lambda: pod_of(book, other).labels == {"app": "new"})
        cluster.delete(f"{PODS}/web-2")
        assert await comes(lambda: other not in book)
    assert other in book.news


async def test_a_watch_that_ends_goes_on_where_it_was(cluster: Cluster, config: Path) -> None:
    """Nothing is listed again: the version of the last change, or of a bookmark, is enough."""
    book = Book()
    async with following(config, book):
        assert await comes(lambda: cluster.watched)
        version = cluster.bookmark()
        cluster.end_watches()
        assert await comes(lambda: any(f"resourceVersion={version}" in each for each in cluster.asked))
        cluster.put(f"{PODS}/web-2", pod("web-2", "u-2"))
        assert await comes(lambda: book.has_pod("u-2"))
    assert sum("limit" in each for each in cluster.asked) == 1


async def test_when_the_server_has_forgotten_everything_is_listed_again(
    cluster: Cluster, config: Path
) -> None:
    """410 Gone: what came and went unseen is made up for."""
    book = Book()
    async with following(config, book):
        cluster.objects.pop(f"{PODS}/web-1")
        cluster.objects[f"{PODS}/web-2"] = pod("web-2", "u-2", container="b" * 64)
        cluster.forget()
        cluster.end_watches()
        assert await comes(lambda: book.has_pod("u-2"))
        assert await comes(lambda: ID not in book)
    assert sum("limit" in each for each in cluster.asked) == 2


async def test_a_container_whose_pod_is_known_has_it_before_the_kubelet_reports(
    cluster: Cluster, config: Path
) -> None:
    """The control group names the pod; the container's own status comes later."""
    cluster.put(f"{PODS}/web-2", pod("web-2", "u-2"))
    sources = Sources(Where({"kubernetes": (str(config),)}), files=None)
    task = asyncio.create_task(sources.run())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRACETIDE_NODE", "node-1")
        await asyncio.sleep(0)
        found, why = await sources.find(Seen("c" * 64, "u-2"), 5)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert found is not None
    assert found.pod is not None
    assert (found.pod.name, found.pod.workload) == ("web-2", "web")
    assert why == "not known to kubernetes"


async def test_what_may_not_be_read_is_guessed_or_left_out(cluster: Cluster, config: Path) -> None:
    """Without rights on replica sets and namespaces, names still give the deployment."""
    cluster.forbidden = ("replicasets", "namespaces")
    book = Book()
    async with following(config, book):
        its = pod_of(book)
    assert (its.workload_kind, its.workload, its.namespace_labels) == ("Deployment", "web", None)


async def test_a_pod_from_a_file_goes_by_the_uid_of_its_control_group(cluster: Cluster, config: Path) -> None:
    """Its object has another uid, and is owned by the node."""
    owner = [{"kind": "Node", "name": "node-1", "controller": True}]
    static = pod("dns", "u-7", annotations={"kubernetes.io/config.hash": "h" * 32}, ownerReferences=owner)
    cluster.put(f"{PODS}/dns", static)
    book = Book()
    async with following(config, book):
        assert book.has_pod("h" * 32)
        found = book.about("d" * 64, "h" * 32)
    assert found is not None
    assert found.pod is not None
    assert (found.pod.name, found.pod.workload) == ("dns", None)


async def refusal(path: Path) -> str:
    """What a source says when it cannot go on."""
    with pytest.raises(InventoryError) as raised:
        await KubernetesTeller(path, "node-1").follow(Book(), lambda: None)
    return str(raised.value)


async def test_refusals_say_what_to_do(cluster: Cluster, config: Path, tmp_path: Path) -> None:
    """A wrong token, a missing right, nobody there: a sentence each."""
    cluster.forbidden = ("/pods",)
    assert "give it list and watch on pods" in await refusal(config)
    cluster.bearer = "another"
    assert "does not let this account read" in await refusal(config)
    assert "cannot be asked" in await refusal(written(tmp_path, "http://127.0.0.1:1"))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no kubeconfig"),
        ("current-context: x", "no kubeconfig"),
        ("a: [", "no kubeconfig"),
        (CONFIG.format(server="http://x", more="", user="exec: {command: aws}"), "give one with token"),
    ],
)
def test_a_kubeconfig_that_cannot_be_used_is_refused(text: str, sentence: str, tmp_path: Path) -> None:
    """With the file and the reason."""
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(InventoryError, match=sentence) as raised:
        access(path)
    assert str(path) in str(raised.value)


def certified(folder: Path) -> ssl.SSLContext:
    """A server's side of TLS, whose certificate is ``ca.pem`` in the folder."""
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test"]
    made = [*make, "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "key.pem", "-out", "ca.pem"]
    subprocess.run(made, cwd=folder, check=True, capture_output=True)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    return tls


async def test_certificates_are_checked_and_the_token_is_read_anew(cluster: Cluster, tmp_path: Path) -> None:
    """The authority of the kubeconfig counts, and a token in a file may be replaced."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed, which makes the certificate")
    tls = certified(tmp_path)
    (tmp_path / "token").write_text("old\n")
    with serving(cluster, tls) as address:
        trusting = {"user": "tokenFile: token", "more": ", certificate-authority: ca.pem"}
        assert "certificate verify failed" in await refusal(written(tmp_path, address, user="token: secret"))
        config = written(tmp_path, address, **trusting)
        assert "does not let this account read" in await refusal(config)
        (tmp_path / "token").write_text("secret\n")
        book = Book()
        async with following(config, book):
            assert pod_of(book).name == "web-1"


def test_the_account_of_a_pod_is_used_as_it_lies_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Address from the environment; without it, a sentence."""
    (tmp_path / "token").write_text("t")
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(InventoryError, match="KUBERNETES_SERVICE_HOST"):
        access(tmp_path / "token")
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    with pytest.raises(InventoryError, match=r"ca\.crt|No such file"):
        access(tmp_path / "token")
