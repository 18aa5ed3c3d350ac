"""Makes a container image on the spot: a root file system from the host's own static busybox."""

import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tracetide.demo.errors import ContainerError

_NAMES = ("busybox", "busybox.static", "busybox-static")
_DIRECTORIES = ("dev", "proc", "sys", "etc", "root", "tmp", "run", "var/log", "var/tmp", "usr/bin")

_ACCOUNTS = """\
root:x:0:0:root:/root:/bin/sh
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
shop:x:1000:1000:shop:/home/shop:/bin/sh
"""

# Nothing hashes to these: they have the form of a hash so that whoever reads the file thinks it worthwhile.
_SHADOW = """\
root:$6$tracetide$notARealHashNotARealHashNotARealHashNotARealHashNotARealHashNotARealHashNotAReal0:19700:0:99999:7:::
www-data:*:19700:0:99999:7:::
shop:$6$tracetide$notARealHashNotARealHashNotARealHashNotARealHashNotARealHashNotARealHashNotAReal1:19700:0:99999:7:::
"""


@dataclass(frozen=True, slots=True)
class File:
    """A file of the image."""

    text: str
    mode: int = 0o644


_BASE = {
    "etc/passwd": File(_ACCOUNTS),
    "etc/group": File("root:x:0:\nshadow:x:42:\nwww-data:x:33:\nshop:x:1000:\n"),
    "etc/shadow": File(_SHADOW, 0o640),
    "etc/hostname": File("web\n"),
    "etc/hosts": File("127.0.0.1 localhost\n"),
}


def busybox() -> Path:
    """The busybox of this host that runs without any library; ``ContainerError`` says how to get one."""
    for name in _NAMES:
        found = shutil.which(name)
        if found and _is_static(Path(found)):
            return Path(found)
    raise ContainerError(
        "there is no static busybox to put into a container (Debian, Ubuntu: busybox-static)"
    )


def make_image(root: Path, files: Mapping[str, File]) -> None:
    """Fill ``root`` with busybox, a hard link for each of its programs, and ``files``."""
    for directory in _DIRECTORIES:
        (root / directory).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    (root / "var/tmp").chmod(0o1777)
    _install_busybox(root)
    for path, file in {**_BASE, **files}.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(file.text)
        target.chmod(file.mode)


def _install_busybox(root: Path) -> None:
    original = busybox()
    program = root / "bin/busybox"
    program.parent.mkdir(exist_ok=True)
    shutil.copy(original, program)
    program.chmod(0o755)
    listed = subprocess.run([original, "--list-full"], capture_output=True, text=True, check=True, cwd="/")
    for name in listed.stdout.split():
        link = root / name
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.exists():
            link.hardlink_to(program)


def _is_static(program: Path) -> bool:
    """Whether an ELF file names no dynamic loader; the loader's path stands near the file's beginning."""
    with program.open("rb") as file:
        return b"/ld-" not in file.read(4096)
