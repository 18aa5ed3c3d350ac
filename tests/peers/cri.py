"""containerd with its CRI, and a client that makes pods and runs containers in them as the kubelet does."""

import hashlib
import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from collectors.inventory.grpc import channel
from collectors.inventory.protobuf import Value
from tests.peers.engines import drop_groups, folder_of, need, running, tree_of

IMAGE = "localhost/tracetide-test:1"

_CONFIG = """
version = 2
root = "{folder}/root"
state = "{folder}/state"
[grpc]
  address = "{folder}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{image}"
  restrict_oom_score_adj = true
  disable_apparmor = true
  stream_server_address = "127.0.0.1"
[plugins."io.containerd.internal.v1.opt"]
  path = "{folder}/opt"
"""

_NODE = 2


@dataclass(frozen=True, slots=True)
class Cri:
    """A runtime that has an image; pods use the host's network, so that none has to be made."""

    socket: Path
    group: str

    async def run(
        self, name: str, *command: str, mount: Path, privileged: bool = False
    ) -> tuple[str, str, str]:
        """Run a container in a pod of its own: ids of container and sandbox, and the pod's uid."""
        uid = str(uuid.uuid4())
        pod: dict[int, Value | list[Value]] = {
            1: {1: f"{name}-pod", 2: uid, 3: "shop", 4: 0},
            6: [{1: "app", 2: name}],
            7: [{1: "owner", 2: "team-shop"}],
            8: {1: f"/{self.group}/besteffort/pod{uid}", 2: {1: {1: _NODE}}},
        }
        container: dict[int, Value | list[Value]] = {
            1: {1: name},
            2: {1: IMAGE},
            3: list(command),
            7: [{1: "/data", 2: str(mount), 3: True}],
            9: [{1: "io.kubernetes.container.name", 2: name}],
            15: {2: {2: privileged}},
        }
        async with channel(self.socket, "runtime.v1.RuntimeService") as runtime:
            sandbox = (await runtime.call("RunPodSandbox", {1: pod})).text(1)
            made = await runtime.call("CreateContainer", {1: sandbox, 2: container, 3: pod})
            await runtime.call("StartContainer", {1: made.text(1)})
        return made.text(1), sandbox, uid

    async def remove(self, sandbox: str) -> None:
        """Remove a pod with what runs in it."""
        async with channel(self.socket, "runtime.v1.RuntimeService") as runtime:
            await runtime.call("StopPodSandbox", {1: sandbox})
            await runtime.call("RemovePodSandbox", {1: sandbox})


@pytest.fixture(scope="session")
def cri() -> Iterator[Cri]:
    """containerd, in folders of its own."""
    need("containerd", "containerd", "containerd-shim-runc-v2", "ctr", "runc")
    with folder_of() as folder:
        there = folder / "containerd.sock"
        config = folder / "config.toml"
        config.write_text(_CONFIG.format(folder=folder, image=IMAGE))
        with running(["containerd", "-c", str(config)], {}, there, folder):
            archive = _archive(folder)
            control = ["ctr", "-a", str(there), "-n", "k8s.io"]
            subprocess.run([*control, "images", "import", str(archive)], check=True, capture_output=True)
            # Not the kubelet's own name, because all of it is removed at the end.
            group = f"kubepods-{folder.name}"
            try:
                yield Cri(there, group)
            finally:
                drop_groups(group)


def _archive(folder: Path) -> Path:
    """The image of busybox as containerd imports it: the layout of the OCI's image format."""
    layout = folder / "layout"
    (layout / "blobs/sha256").mkdir(parents=True)
    layer_file = folder / "layer.tar"
    subprocess.run(["tar", "-C", str(tree_of(folder)), "-cf", str(layer_file), "."], check=True)
    layer = _blob(layout, layer_file.read_bytes(), "layer.v1.tar")
    config = {
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(os.uname().machine, "amd64"),
        "os": "linux",
        "config": {"Cmd": ["/bin/sleep", "3600"]},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": _blob(layout, json.dumps(config).encode(), "config.v1+json"),
        "layers": [layer],
    }
    described = _blob(layout, json.dumps(manifest).encode(), "manifest.v1+json")
    index = {
        "schemaVersion": 2,
        "manifests": [described | {"annotations": {"io.containerd.image.name": IMAGE}}],
    }
    (layout / "index.json").write_text(json.dumps(index))
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    shutil.make_archive(str(folder / "oci"), "tar", layout)
    return folder / "oci.tar"


def _blob(layout: Path, data: bytes, kind: str) -> dict[str, object]:
    digest = hashlib.sha256(data).hexdigest()
    (layout / "blobs/sha256" / digest).write_bytes(data)
    media = f"application/vnd.oci.image.{kind}"
    return {"mediaType": media, "digest": f"sha256:{digest}", "size": len(data)}
