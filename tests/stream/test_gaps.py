"""What rules here need and collectors there leave out is said, once."""

from pathlib import Path

import pytest

import rules
from rules import RuleSet
from rules.needs import needed
from stream.gaps import Gaps
from wire import topics
from wire.needs import digest

SENT = """
- rule: Sent to a name server
  desc: Something is sent.
  condition: evt.type in (sendto, sendmsg) and fd.sport = 53
  output: sent
  priority: NOTICE
"""
OPENED = """
- rule: Shadow read
  desc: Someone reads the password hashes.
  condition: evt.type = openat and fd.name = /etc/shadow
  output: read
  priority: NOTICE
"""
OTHER = OPENED.replace("/etc/shadow", "/etc/group")


def loaded(folder: Path, text: str) -> RuleSet:
    """One rule."""
    path = folder / "rules.yaml"
    path.write_text(text)
    return rules.load([path], library=False)


def test_a_type_that_is_left_out_is_named_with_its_rules(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Once for all hosts that leave out the same, and again when there are other rules."""
    gaps, headers = Gaps(), topics.gap_headers({"sendto", "sendmsg", "recvmsg"}, None)
    found = loaded(tmp_path, SENT)
    for host in ("node-1", "node-2"):
        gaps.look(found, host, headers)
    (sentence,) = caplog.messages
    assert "node-1 and others like it leave out sendmsg, sendto" in sentence
    assert "(Sent to a name server)" in sentence
    gaps.look(loaded(tmp_path, SENT), "node-1", headers)
    assert len(caplog.messages) == 2


@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ([], SENT),
        (topics.gap_headers((), None), SENT),
        (topics.event_headers(1, "id", "boot", 1, 2), SENT),
        (topics.gap_headers({"sendto", "sendmsg"}, None), OPENED),
    ],
)
def test_nothing_is_said_where_nothing_is_missed(
    headers: topics.Headers, text: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """No header, no gap, or none that a rule here would notice."""
    Gaps().look(loaded(tmp_path, text), "node-1", headers)
    assert not caplog.messages


def test_rules_there_are_held_against_rules_here(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The same rules need the same; other rules may need less."""
    there = digest(needed(loaded(tmp_path, OPENED)))
    headers = topics.gap_headers({"sendto"}, there)
    Gaps().look(loaded(tmp_path, OPENED), "node-1", headers)
    assert not caplog.messages
    Gaps().look(loaded(tmp_path, OTHER), "node-1", headers)
    (sentence,) = caplog.messages
    assert "what other rules than these need" in sentence


def test_headers_survive_the_way() -> None:
    """What is put into them comes out, whatever else there is."""
    headers = [*topics.event_headers(1, "id", "boot", 1, 2), *topics.gap_headers({"open", "bpf"}, "ab")]
    assert topics.gaps(headers) == (frozenset({"open", "bpf"}), "ab")
    assert topics.gaps([("left_out", b"\xff"), ("narrowed", b"")]) == (frozenset({"�"}), "")
