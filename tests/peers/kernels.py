"""Debian's kernels and their headers, as they are packaged: unpacked into a cache, not installed.

There is the one of this release, and the one that Debian has built for it from a later release.
"""

import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from shutil import which

import pytest

from tests.peers.cache import CACHE, keep

_PACKAGES = ("linux-image-amd64", "linux-headers-amd64")
_PROGRAMS = ("apt-get", "dpkg-deb")


def unpacked(*, newest: bool = False) -> Path:
    """The packages of a kernel; skips the test where they cannot be had."""
    if missing := [program for program in _PROGRAMS if which(program) is None]:
        pytest.skip(f"Debian's kernels need {', '.join(missing)}")
    options = _of_later_releases() if newest else ()
    names = [name for package in _PACKAGES for name in _depends(package, options)]
    release = next((name.removeprefix("linux-image-") for name in names if "image" in name), None)
    if release is None:
        pytest.skip("apt knows no package linux-image-amd64: run apt-get update, on Debian")
    folder = CACHE / f"guest-{release}"
    if not folder.exists():
        _unpack([*names, f"linux-headers-{release.removesuffix('-amd64')}-common"], options, folder)
    return folder


def _of_later_releases() -> Sequence[str]:
    """Options with which apt looks at nothing but the backports, from where it gets its other packages."""
    targets = _said("apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME)", "Created-By: Packages")
    found = re.search(r"^(\S+) ([a-z]+)$", targets, re.MULTILINE)
    if found is None:
        pytest.skip("apt has no list of packages: run apt-get update, on Debian")
    folder = CACHE / "backports"
    for name in ("lists/partial", "archives/partial"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "sources.list").write_text(f"deb {found[1]} {found[2]}-backports main\n")
    settings = {
        "Etc::SourceList": folder / "sources.list",
        "Etc::SourceParts": "/dev/null",
        "State::Lists": folder / "lists",
        "Cache": folder,
    }
    options = [part for name, value in settings.items() for part in ("-o", f"Dir::{name}={value}")]
    subprocess.run(["apt-get", *options, "-qq", "update"], check=False, capture_output=True)
    return options


def _depends(package: str, options: Sequence[str]) -> list[str]:
    return re.findall(
        r"Depends: (linux-(?:image|headers)-\S+)", _said("apt-cache", *options, "depends", package)
    )


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def _unpack(packages: Sequence[str], options: Sequence[str], folder: Path) -> None:
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        got = subprocess.run(
            ["apt-get", *options, "download", "-qq", *packages],
            cwd=scratch,
            capture_output=True,
            text=True,
            check=False,
        )
        if got.returncode != 0:
            pytest.skip(f"the guest's kernel cannot be downloaded: {got.stderr.strip()[-300:]}")
        root = Path(scratch) / "root"
        root.mkdir()
        for package in Path(scratch).glob("*.deb"):
            subprocess.run(["dpkg-deb", "--extract", package, root], check=True)
        # Where the packages would get to: /lib is a link to /usr/lib.
        (root / "usr/lib").mkdir(exist_ok=True)
        (root / "lib/modules").rename(root / "usr/lib/modules")
        (root / "lib").rmdir()
        keep(root, folder)
