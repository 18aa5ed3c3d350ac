"""A real API server of Kubernetes, built from its source, with Debian's etcd behind it."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.peers import golang
from tests.peers.server import Server, accepts, free_port

_ADMIN = "admin-of-the-tests"

# Where objects of these kinds are made; those of a namespace have it in between.
_PLACES = {
    "Namespace": "api/v1/namespaces",
    "ServiceAccount": "api/v1/namespaces/{}/serviceaccounts",
    "ConfigMap": "api/v1/namespaces/{}/configmaps",
    "Pod": "api/v1/namespaces/{}/pods",
    "Deployment": "apis/apps/v1/namespaces/{}/deployments",
    "DaemonSet": "apis/apps/v1/namespaces/{}/daemonsets",
    "ReplicaSet": "apis/apps/v1/namespaces/{}/replicasets",
    "ClusterRole": "apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
}


@dataclass
class ApiServer:
    """It answers at ``address``, with a certificate that ``authority`` signed."""

    process: Server
    address: str
    authority: Path

    def ask(self, method: str, path: str, content: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401
        """What it answers to the administrator; anything but success is an error with its reason."""
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        answer = httpx.request(
            method,
            f"{self.address}/{path}",
            json=content,
            headers={"authorization": f"Bearer {_ADMIN}", "content-type": kind},
            verify=ssl.create_default_context(cafile=self.authority),
            trust_env=False,
            timeout=30,
        )
        assert answer.is_success, answer.text
        return answer.json()

    def make(self, found: Mapping[str, Any]) -> Any:  # noqa: ANN401  # JSON
        """Make an object; a field that it does not know is an error."""
        place = _PLACES[found["kind"]].format(found["metadata"].get("namespace"))
        return self.ask("POST", f"{place}?fieldValidation=Strict", found)

    def apply(self, manifest: Path) -> None:
        """Make every object of a file."""
        for found in yaml.safe_load_all(manifest.read_text()):
            self.make(found)

    def token(self, namespace: str, account: str) -> str:
        """A token of a service account, as the kubelet gets one for a pod."""
        place = f"api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        given: str = self.ask("POST", place, {"spec": {"expirationSeconds": 3600}})["status"]["token"]
        return given


@pytest.fixture(scope="session")
def api_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """An empty cluster without nodes: what a test makes is all there is."""
    folder = tmp_path_factory.mktemp("apiserver")
    program = golang.program("apiserver")  # about four minutes on two cores
    etcd = _etcd(folder)
    etcd.start()
    try:
        made = _prepare(program, folder, etcd.port)
        made.process.start()
        try:
            yield made
        finally:
            made.process.stop()
    finally:
        etcd.stop()


def _etcd(folder: Path) -> Server:
    if shutil.which("etcd") is None:
        pytest.skip("etcd is not installed (Debian: etcd-server)")
    port, peers = free_port(), free_port()
    command = ["etcd", "--data-dir", str(folder / "etcd"), "--unsafe-no-fsync"]
    for name, number in (("client", port), ("peer", peers)):
        command += [f"--listen-{name}-urls", f"http://127.0.0.1:{number}"]
    command += ["--advertise-client-urls", f"http://127.0.0.1:{port}"]
    command += ["--initial-advertise-peer-urls", f"http://127.0.0.1:{peers}"]
    command += ["--initial-cluster", f"default=http://127.0.0.1:{peers}"]
    return Server(command, folder / "etcd.log", port, accepts)


def _prepare(program: Path, folder: Path, etcd: int) -> ApiServer:
    port = free_port()
    key, tokens, certificates = folder / "accounts.pem", folder / "tokens.csv", folder / "certificates"
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
    tokens.write_text(f'{_ADMIN},admin,1,"system:masters"\n')
    settings = {
        "etcd-servers": f"http://127.0.0.1:{etcd}",
        "bind-address": "127.0.0.1",
        "advertise-address": "127.0.0.1",
        "secure-port": str(port),
        "cert-dir": str(certificates),
        "token-auth-file": str(tokens),
        "authorization-mode": "RBAC",
        "service-cluster-ip-range": "10.0.0.0/24",
        "service-account-issuer": "https://cluster.test",
        "service-account-key-file": str(key),
        "service-account-signing-key-file": str(key),
        "allow-privileged": "true",
        # Nobody makes the default accounts that this would add to pods.
        "disable-admission-plugins": "ServiceAccount",
    }
    command = [str(program), *(f"--{name}={value}" for name, value in settings.items())]
    authority = certificates / "apiserver.crt"

    def ready(port: int) -> bool:
        if not authority.exists() or not accepts(port):
            return False
        trusted = ssl.create_default_context(cafile=authority)
        try:
            answer = httpx.get(f"https://127.0.0.1:{port}/readyz", verify=trusted, trust_env=False, timeout=5)
        except httpx.HTTPError:
            return False
        return answer.is_success

    return ApiServer(
        Server(command, folder / "apiserver.log", port, ready), f"https://127.0.0.1:{port}", authority
    )
