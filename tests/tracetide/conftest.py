"""Fixtures for tests of the command line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from collectors.recording import RecordingWriter
from tests.events import batch, execute, fork, open_file
from tracetide.cli import main

Result = tuple[int, str, str]
Call = Callable[..., Result]

RULE = """
- rule: Hashes read
  desc: d
  condition: evt.type = openat and fd.name = /etc/shadow
  output: read by %proc.name
  priority: CRITICAL
"""


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run ``tracetide`` with arguments; its exit code, output and errors."""

    def run(*arguments: str | Path) -> Result:
        monkeypatch.setattr("sys.argv", ["tracetide", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def rule_file(tmp_path: Path) -> Path:
    """A file with one rule."""
    path = tmp_path / "rules.yaml"
    path.write_text(RULE)
    return path


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """Two batches; in each, someone reads the password hashes."""
    path = tmp_path / "r.jsonl.zst"
    with RecordingWriter(path) as writer:
        writer.write(batch(execute(1, 10, "cat"), open_file(2, 10, "/etc/shadow")))
        writer.write(batch(fork(3, 11, 10), open_file(4, 11, "/etc/shadow")))
    return path
