"""What a command imports: an author waits for it every time, and a collector keeps it in memory."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.tracetide.conftest import RULE

# Each takes tens of milliseconds and megabytes, and is only for those who use it.
HEAVY = ("pydantic", "rich", "faust", "aiokafka", "elasticsearch", "httpx", "asyncio")


@pytest.mark.parametrize(
    ("command", "needed"),
    [
        (("check",), ()),
        (("list", "--json"), ()),
        (("test",), ("asyncio",)),  # comes with reading recordings
        (("eval", "proc.name = sh"), ()),
        (("explain", "{}", "Hashes read"), ()),
        (("explain", "--kernel"), ()),
    ],
)
def test_a_command_about_rules_imports_what_it_needs(
    command: tuple[str, ...], needed: tuple[str, ...], tmp_path: Path
) -> None:
    """Nothing of the sinks, of Kafka or of the terminal's tables."""
    (tmp_path / "r.yaml").write_text(RULE)
    files = [] if command[0] == "eval" else [str(tmp_path / "r.yaml")]
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "tracetide", "rules", *command, *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    imported = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines() if "|" in line}
    assert "rules" in imported
    assert imported & set(HEAVY) == set(needed)
