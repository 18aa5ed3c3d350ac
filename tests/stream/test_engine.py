"""The engine: the same events give the same detections, whatever happens around them."""

import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rules
from rules import RuleSet
from stream.detections import ANCESTORS
from stream.engine import Engine
from stream.host import restore, save
from tests.events import HOST, SECOND, batch, connect, execute, fork, leave, loss, open_file, start
from wire import detection as wire_detection
from wire.batch import Batch, Host
from wire.event import AnyEvent

RULES = """
- rule: Shadow read
  desc: Someone reads the password hashes.
  condition: evt.type in (open, openat) and fd.name = /etc/shadow
  output: read by %proc.name below %proc.pname
  priority: CRITICAL
- rule: Shell below a server
  desc: A server starts a shell.
  condition: evt.type = execve and proc.name = sh and proc.aname = nginx
  output: shell (cmd=%proc.cmdline)
  priority: WARNING
- rule: Command line
  desc: Opens something with a certain command line.
  condition: evt.type = openat and proc.cmdline startswith never
  output: opened
  priority: NOTICE
- rule: Connection
  desc: Anything connects.
  condition: evt.type = connect
  output: to %fd.name
  priority: NOTICE
"""

STORY: list[AnyEvent] = [
    execute(1, 10, "nginx", parents=(1,)),
    fork(2, 11, 10),
    execute(3, 11, "sh", "-c", "cat /etc/shadow"),
    fork(4, 12, 11),
    execute(5, 12, "cat", "/etc/shadow"),
    open_file(6, 12, "/etc/shadow"),
    leave(7, 12),
    connect(8, 11, "10.0.0.1", 443),
    open_file(9, 99, "/etc/shadow", comm="ghost"),
]


@pytest.fixture(scope="module")
def ruleset(tmp_path_factory: pytest.TempPathFactory) -> RuleSet:
    """Three plain rules."""
    path: Path = tmp_path_factory.mktemp("rules") / "rules.yaml"
    path.write_text(RULES)
    return rules.load([path], library=False)


def run(ruleset: RuleSet, *batches: Batch) -> list[bytes]:
    """The detections in ``batches``, as they travel."""
    engine = Engine(ruleset)
    return [wire_detection.encode(found) for each in batches for found in engine.process(each)]


def test_detections_name_process_ancestors_and_cause(ruleset: RuleSet) -> None:
    """A detection holds what an analyst asks first: who, below whom, where, by which event."""
    found = Engine(ruleset).process(batch(*STORY))
    assert [each.rule.name for each in found] == [
        "Shell below a server",
        "Shadow read",
        "Connection",
        "Shadow read",
    ]
    shadow = found[1]
    assert shadow.output == "read by cat below sh"
    assert shadow.events == [6]
    assert shadow.process is not None
    assert [each.name for each in (shadow.process, *shadow.ancestors)] == ["cat", "sh", "nginx", "p1"]
    assert shadow.event["path"] == "/etc/shadow"
    assert shadow.missing == []


def test_what_is_not_known_is_said(ruleset: RuleSet) -> None:
    """A process that was never seen before is no reason to be silent, but to say what is missing."""
    ghost = Engine(ruleset).process(batch(*STORY))[-1]
    assert ghost.process is not None
    assert ghost.process.name == "ghost"
    assert [each.split(":")[0] for each in ghost.missing] == ["program and arguments", "container", "parent"]


def test_a_line_of_ancestors_that_is_cut_is_said(ruleset: RuleSet) -> None:
    """What has more ancestors than a detection tells is not taken for having so many."""
    shells: list[AnyEvent] = [execute(1, 1, "sh", vpid=1)]
    for number in range(2, 40):
        shells += fork(2 * number, number, number - 1), execute(2 * number + 1, number, "sh")
    found = Engine(ruleset).process(batch(*shells, open_file(90, 39, "/etc/shadow", uid=0)))[-1]
    assert len(found.ancestors) == ANCESTORS
    assert f"ancestors: those beyond the {ANCESTORS}nd" in found.missing


@settings(deadline=None)
@given(cuts=st.sets(st.integers(1, len(STORY) - 1)), handover=st.integers(0, len(STORY)))
def test_cuts_hand_overs_and_repetitions_change_nothing(
    ruleset: RuleSet, cuts: set[int], handover: int
) -> None:
    """However the stream is cut, taken over by another worker and delivered twice: the same bytes."""
    edges = [0, *sorted(cuts), len(STORY)]
    engine = Engine(ruleset)
    found = []
    for first, last in itertools.pairwise(edges):
        for _ in range(2):
            found += engine.process(batch(*STORY[first:last]))
        if first <= handover < last:
            engine = Engine(ruleset, {HOST.id: restore(save(engine.hosts[HOST.id]))})
    assert [wire_detection.encode(each) for each in found] == run(ruleset, batch(*STORY))


def test_losses_show_on_the_detections_of_that_host_and_minute(ruleset: RuleSet) -> None:
    """Loss is data: on this host, in this minute, and not on another host."""
    other = Host(id="host-2", name="web-2", boot="boot-2")
    engine = Engine(ruleset)
    engine.process(batch(loss(1, openat=5, execve=2)))
    near, far = (
        engine.process(batch(open_file(seq, 12, "/etc/shadow", time=seconds * SECOND)))[0]
        for seq, seconds in ((2, 30), (3, 90))
    )
    elsewhere = engine.process(batch(open_file(1, 12, "/etc/shadow"), host=other))[0]
    assert (near.lost, far.lost, elsewhere.lost) == (7, 0, 0)
    assert engine.counters.lost == {"openat": 5, "execve": 2}


def test_a_jump_in_the_numbers_is_said(ruleset: RuleSet) -> None:
    """Records that never arrived make the next detections doubtful."""
    engine = Engine(ruleset)
    engine.process(batch(execute(1, 12, "cat", parents=(1,))))
    found = engine.process(batch(open_file(20, 12, "/etc/shadow")))[0]
    assert ["sequence numbers jumped" in each for each in found.missing] == [True]


def test_a_new_boot_begins_anew(ruleset: RuleSet) -> None:
    """After a reboot the old processes are gone and the numbers start again."""
    engine = Engine(ruleset)
    engine.process(batch(*STORY))
    again = Host(id=HOST.id, name=HOST.name, boot="boot-2")
    found = engine.process(batch(open_file(1, 12, "/etc/shadow"), host=again))[0]
    assert found.process is not None
    assert found.process.name is None


def test_a_rule_that_fails_does_not_stop_the_others(ruleset: RuleSet) -> None:
    """Its errors are counted by its name; what the others find is delivered."""
    engine = Engine(ruleset)
    engine.process(batch(execute(1, 12, "sh", "-c", "id", parents=(1,))))
    # A name that is no text makes the rule that searches the ancestors for text fail.
    engine.hosts[HOST.id].tree.processes[12, start(12)].cmdline = _Broken()  # type: ignore[assignment]  # damage
    found = engine.process(batch(open_file(2, 12, "/etc/shadow")))
    assert [each.rule.name for each in found] == ["Shadow read"]
    assert engine.counters.errors == {"Command line": 1}


def test_a_rule_matches_by_either_path_of_an_open(ruleset: RuleSet) -> None:
    """A file is found under the name that a program used and under its own, once by each rule."""
    linked = open_file(1, 12, "/tmp/x", file="/etc/shadow")
    named = open_file(2, 12, "/etc/shadow", file="/srv/shadow")
    elsewhere = open_file(3, 12, "/tmp/x", file="/tmp/y")
    found = Engine(ruleset).process(batch(linked, named, elsewhere))
    assert [(each.rule.name, each.events) for each in found] == [("Shadow read", [1]), ("Shadow read", [2])]
    assert [(each.event["path"], each.event.get("raw")) for each in found] == [
        ("/etc/shadow", "/tmp/x"), ("/etc/shadow", None),
    ]  # fmt: skip


class _Broken:
    """Fails whatever is asked of it."""

    def __getattr__(self, name: str) -> None:
        raise RuntimeError(name)
