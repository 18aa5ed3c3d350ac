"""How to reach the Kubernetes API: the account of a pod, or a kubeconfig file."""

from __future__ import annotations

import base64
import os
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collectors.inventory.contract import InventoryError


@dataclass(frozen=True, slots=True)
class Access:
    """An API server, whom to trust there, and how to say who asks; a token in a file is replaced at times."""

    server: str
    tls: ssl.SSLContext | bool
    token: str | None = None
    token_file: Path | None = None

    def headers(self) -> dict[str, str]:
        """What each request has to carry."""
        token = self.token
        if self.token_file:
            try:
                token = self.token_file.read_text().strip()
            except OSError as error:
                raise InventoryError(f"cannot read the token {self.token_file}: {error.strerror}") from error
        return {"authorization": f"Bearer {token}"} if token else {}


def access(path: Path) -> Access:
    """From the token of a service account, which lies beside the certificate, or from a kubeconfig."""
    try:
        return _of_pod(path) if path.name == "token" else _of_file(path)
    except OSError as error:
        raise InventoryError(f"cannot read {error.filename or path}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, StopIteration) as error:
        raise InventoryError(f"{path} is no kubeconfig that can be used: {error!r}") from error


def _of_pod(token: Path) -> Access:
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        raise InventoryError(f"{token} is there, but KUBERNETES_SERVICE_HOST does not say where the API is")
    trusted = ssl.create_default_context(cafile=str(token.with_name("ca.crt")))
    return Access(
        f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}", trusted, token_file=token
    )


def _of_file(path: Path) -> Access:
    import yaml  # noqa: PLC0415  # only for those who have a kubeconfig

    try:
        config = yaml.safe_load(path.read_text())
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
    context = _named(config["contexts"], config["current-context"])["context"]
    cluster = _named(config["clusters"], context["cluster"])["cluster"]
    user = _named(config.get("users") or [], context.get("user")).get("user") or {}
    if "exec" in user or "auth-provider" in user:
        raise InventoryError(
            f"{path} wants a program to be run for a token; give one with token or tokenFile"
        )
    folder = path.parent
    return Access(
        server=cluster["server"].rstrip("/"),
        tls=_tls(cluster, user, folder) if cluster["server"].startswith("https:") else True,
        token=user.get("token"),
        token_file=folder / user["tokenFile"] if "tokenFile" in user else None,
    )


def _named(several: list[dict[str, Any]], name: str | None) -> dict[str, Any]:
    return next(each for each in several if each.get("name") == name) if name else {}


def _tls(cluster: Mapping[str, Any], user: Mapping[str, Any], folder: Path) -> ssl.SSLContext:
    authority = _content(cluster, "certificate-authority", folder)
    tls = ssl.create_default_context(cadata=authority.decode() if authority else None)
    if cluster.get("insecure-skip-tls-verify"):
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    certificate, key = (_content(user, name, folder) for name in ("client-certificate", "client-key"))
    if certificate and key:
        # Python takes these from files only.
        with tempfile.NamedTemporaryFile() as both:
            both.write(certificate + b"\n" + key)
            both.flush()
            tls.load_cert_chain(both.name)
    return tls


def _content(section: Mapping[str, Any], name: str, folder: Path) -> bytes | None:
    """What a kubeconfig holds itself or names a file for."""
    if data := section.get(f"{name}-data"):
        return base64.b64decode(data)
    return (folder / section[name]).read_bytes() if section.get(name) else None
