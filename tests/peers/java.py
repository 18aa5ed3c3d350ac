"""What real servers written in Java run on, resolved by Maven into a cache."""

import hashlib
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.peers.cache import CACHE, keep

HERE = Path(__file__).parent
HEAP = ["-Xmx512m", "-XX:+UseSerialGC"]  # the serial collector costs the least on few cores
ENOUGH_JAVA = 17


def libraries(name: str) -> Path:
    """The folder with the jars of ``NAME.pom.xml``; skips the test where they cannot be had."""
    need_java()
    pom = HERE / f"{name}.pom.xml"
    folder = CACHE / f"{name}-{hashlib.sha256(pom.read_bytes()).hexdigest()[:12]}"
    if not folder.exists():
        _resolve(pom, folder)
    return folder


def need_java() -> None:
    """Skip where there is no Java that the servers run on."""
    if shutil.which("java") is None:
        pytest.skip("java is not installed (Debian: default-jdk-headless)")
    answer = subprocess.run(["java", "-version"], capture_output=True, text=True, check=True).stderr
    version = re.search(r'version "(\d+)', answer)
    if version is None or int(version[1]) < ENOUGH_JAVA:
        pytest.skip(f"the servers need Java {ENOUGH_JAVA} or newer, here is {answer.splitlines()[0]}")


def _resolve(pom: Path, folder: Path) -> None:
    if shutil.which("mvn") is None:
        pytest.skip("mvn is not installed (Debian: maven)")
    copy = ["mvn", "-B", "-q", "-f", str(pom), "dependency:copy-dependencies"]
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        jars = Path(scratch) / "jars"
        resolved = subprocess.run(
            [*copy, f"-DoutputDirectory={jars}", "-DincludeScope=runtime"],
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        if resolved.returncode != 0:
            pytest.skip(f"Maven could not resolve {pom.name}: {resolved.stdout.strip()[-300:]}")
        keep(jars, folder)
