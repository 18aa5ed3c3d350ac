"""Each fuzzer for a while, beginning from real input."""

import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

import rules
from rules import LIBRARY
from tests.scenarios import SCENARIOS, recorded
from wire import batch as wire_batch
from wire.batch import Batch

ROOT = Path(__file__).parents[2]

# Inputs tried, what one may take in seconds, and the longest in bytes. The limit of memory counts that of
# the process which started the fuzzer too.
_LIMITS = (
    "-runs=15000",
    "-max_total_time=60",
    "-timeout=10",
    "-max_len=4096",
    "-seed=7",
    "-rss_limit_mb=8192",
)

_WORDS = """
and or not ( ) , = == != < <= > >= in intersects pmatch exists contains icontains startswith endswith
glob iglob regex oneof anyof allof val( tolower( toupper( basename( b64( len( join( concat( getopt(
evt.type proc.name proc.aname proc.aname[2] proc.cmdline fd.name fd.net fd.ip fd.sport fd.types
evt.rawres evt.is_open_write user.uid true false 10.0.0.0/8
"""


def _conditions() -> Iterable[bytes]:
    return (rule.condition.encode() for rule in rules.load([]).rules)


def _files() -> Iterable[bytes]:
    return (path.read_bytes() for path in sorted(LIBRARY.rglob("*.yaml")))


def _batches() -> Iterable[bytes]:
    """Real events, few in each: most mutations of a small record leave a record."""
    batches = [batch for folder in SCENARIOS for batch in recorded(folder)]
    events = [event for batch in batches for event in batch.events][::5]
    for event in events:
        yield wire_batch.encode(Batch(host=batches[0].host, first=event.seq, last=event.seq, events=[event]))


@pytest.mark.parametrize(
    ("module", "seeds"), [("conditions", _conditions), ("rule_files", _files), ("batches", _batches)]
)
def test_survives(module: str, seeds: Callable[[], Iterable[bytes]], tmp_path: Path) -> None:
    """No input makes it fail, hang, or answer differently from the reference."""
    pytest.importorskip("atheris", reason="atheris has no package for this Python or machine")
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number, seed in enumerate(seeds()):
        (corpus / str(number)).write_bytes(seed)
    words = tmp_path / "words"
    words.write_text("".join(f'"{word}"\n' for word in _WORDS.split()))
    command = [sys.executable, "-m", f"tests.fuzz.{module}", *_LIMITS, f"-dict={words}"]
    ended = subprocess.run(
        [*command, f"-artifact_prefix={tmp_path}/", str(corpus)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, (ended.stdout + ended.stderr)[-3000:]
    assert "Done" in ended.stderr
