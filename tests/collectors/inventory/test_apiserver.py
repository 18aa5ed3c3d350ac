"""Pods from a real API server, as the account that deploy/kubernetes gives the collector."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from collectors.inventory.book import Book
from collectors.inventory.contract import InventoryError
from collectors.inventory.kubernetes import KubernetesTeller
from tests.collectors.inventory.test_kubernetes import CONFIG, about, comes, following, pod_of
from tests.peers.apiserver import ApiServer

pytestmark = pytest.mark.slow

ID = "0123456789abcdef" * 4
DEPLOY = Path(__file__).parents[3] / "deploy" / "kubernetes"
PODS = "api/v1/namespaces/shop/pods"


@pytest.fixture(scope="module")
def cluster(api_server: ApiServer) -> ApiServer:
    """The manifests of tracetide are applied, and a namespace has a deployment with a replica set."""
    kinds = yaml.safe_load((DEPLOY / "kustomization.yaml").read_text())["resources"]
    for name in kinds:
        api_server.apply(DEPLOY / name)
    api_server.make(
        {"kind": "Namespace", "metadata": {"name": "shop", "labels": {"stage": "live"}}, "apiVersion": "v1"}
    )
    selector = {"matchLabels": {"app": "web"}}
    template = {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "app", "image": "web:2"}]},
    }
    top = api_server.make(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"selector": selector, "template": template},
        }
    )
    api_server.make(
        {
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {"name": "web-7d4b9c", "namespace": "shop", "ownerReferences": [owner(top)]},
            "spec": {"selector": selector, "template": template},
        }
    )
    return api_server


def owner(of: dict[str, Any]) -> dict[str, Any]:
    """A reference to the object that keeps another one running."""
    names = {"name": of["metadata"]["name"], "uid": of["metadata"]["uid"]}
    return {"apiVersion": of["apiVersion"], "kind": of["kind"], "controller": True, **names}


def run_pod(cluster: ApiServer, name: str, container: str | None = ID, node: str = "node-1") -> str:
    """Make a pod of the replica set and have its container run, as a kubelet would; its uid."""
    replicas = cluster.ask("GET", "apis/apps/v1/namespaces/shop/replicasets/web-7d4b9c")
    replicas |= {"apiVersion": "apps/v1", "kind": "ReplicaSet"}
    spec = {
        "nodeName": node,
        "serviceAccountName": "web",
        "hostNetwork": True,
        "containers": [
            {"name": "app", "image": "registry.example/shop/web:2", "securityContext": {"privileged": True}}
        ],
    }
    metadata = {
        "name": name,
        "namespace": "shop",
        "labels": {"app": "web"},
        "ownerReferences": [owner(replicas)],
    }
    made = cluster.make({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    if container:
        cluster.ask("PATCH", f"{PODS}/{name}/status", running(container))
    uid: str = made["metadata"]["uid"]
    return uid


def running(container: str) -> dict[str, Any]:
    """The status of a pod whose container runs."""
    status = {
        "name": "app",
        "image": "registry.example/shop/web:2",
        "imageID": "registry.example/shop/web@sha256:" + "a" * 64,
        "containerID": f"containerd://{container}",
        "ready": True,
        "restartCount": 0,
        "state": {"running": {"startedAt": "2026-01-02T03:04:05Z"}},
    }
    return {"status": {"phase": "Running", "podIP": "10.1.2.3", "containerStatuses": [status]}}


@pytest.fixture
def config(cluster: ApiServer, tmp_path: Path) -> Path:
    """A kubeconfig with a token of the collector's account."""
    return written(tmp_path, cluster, cluster.token("tracetide", "tracetide-collector"))


def written(folder: Path, cluster: ApiServer, token: str) -> Path:
    """A kubeconfig with this token."""
    more = f", certificate-authority: {cluster.authority}"
    path = folder / "config"
    path.write_text(CONFIG.format(server=cluster.address, user=f"token: {token}", more=more))
    return path


@pytest.fixture
def pods(cluster: ApiServer) -> Iterator[Callable[..., str]]:
    """A function that runs pods; they are deleted afterwards."""
    names: list[str] = []

    def run(name: str, container: str | None = ID, node: str = "node-1") -> str:
        names.append(name)
        return run_pod(cluster, name, container, node)

    yield run
    there = {each["metadata"]["name"] for each in cluster.ask("GET", PODS)["items"]}
    for name in there & set(names):
        delete(cluster, name)


def delete(cluster: ApiServer, name: str) -> None:
    """Delete a pod at once; there is no kubelet that would confirm."""
    cluster.ask("DELETE", f"{PODS}/{name}?gracePeriodSeconds=0")


async def test_a_container_has_its_pod_and_its_owner(pods: Callable[..., str], config: Path) -> None:
    """Read with no more rights than the manifest gives: also namespace and owner of the owner."""
    uid = pods("web-1")
    pods("other", "9" * 64, "node-2")
    book = Book()
    async with following(config, book):
        found, its = about(book), pod_of(book)
    assert (found.name, found.image, found.privileged) == ("app", "registry.example/shop/web:2", True)
    assert found.digest == "registry.example/shop/web@sha256:" + "a" * 64
    assert found.host_network is True
    assert (its.uid, its.name, its.namespace, its.node, its.ip) == (
        uid,
        "web-1",
        "shop",
        "node-1",
        "10.1.2.3",
    )
    assert (its.workload_kind, its.workload, its.service_account) == ("Deployment", "web", "web")
    assert (its.namespace_labels or {})["stage"] == "live"
    assert book.about("9" * 64) is None


async def test_changes_are_heard_of(cluster: ApiServer, pods: Callable[..., str], config: Path) -> None:
    """A new pod, its container when it runs, changed labels, the end."""
    book, other = Book(), "b" * 64
    async with following(config, book):
        uid = pods("web-2", None)
        assert await comes(lambda: book.has_pod(uid))
        assert book.about(other) is None
        cluster.ask("PATCH", f"{PODS}/web-2/status", running(other))
        assert await comes(lambda: book.about(other))
        cluster.ask("PATCH", f"{PODS}/web-2", {"metadata": {"labels": {"app": "new"}}})
        assert await comes(lambda: (pod_of(book, other).labels or {}).get("app") == "new")
        delete(cluster, "web-2")
        assert await comes(lambda: other not in book)


async def test_a_server_that_was_killed_is_asked_again(
    cluster: ApiServer, pods: Callable[..., str], config: Path
) -> None:
    """It has forgotten the versions from before: what came and went meanwhile is made up for."""
    pods("web-1")
    book = Book()
    async with following(config, book):
        assert await comes(lambda: book.about(ID))
        cluster.process.kill()
        cluster.process.start()
        delete(cluster, "web-1")
        pods("web-2", "b" * 64)
        assert await comes(lambda: book.about("b" * 64))
        assert await comes(lambda: ID not in book)


async def test_an_account_without_rights_is_told_which(cluster: ApiServer, tmp_path: Path) -> None:
    """The default account may read nothing."""
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "nobody", "namespace": "shop"},
    }
    cluster.make(account)
    path = written(tmp_path, cluster, cluster.token("shop", "nobody"))
    with pytest.raises(InventoryError, match="give it list and watch on pods"):
        await KubernetesTeller(path, "node-1").follow(Book(), lambda: None)


async def test_it_says_who_it_is(pods: Callable[..., str], config: Path) -> None:
    """For tracetide doctor."""
    pods("web-1")
    assert (await KubernetesTeller(config, "node-1").greet()).endswith(", 1 pods on node node-1")
