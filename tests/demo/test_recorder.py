"""Recording the demo: everything of the demo and nothing of the host."""

from pathlib import Path

import pytest

from collectors.contract import CollectorError
from collectors.recording import RecordingSource
from tests.events import batch, execute, fork, leave, loss, open_file, snapshot
from tracetide.demo.act import Act
from tracetide.demo.recorder import Cue, Neutral, Recorder, cues, write_cues
from tracetide.demo.scenes import SCENES
from wire.batch import Batch
from wire.event import AnyEvent, Exec, Snapshot

PLAYER = 50


def neutral(*events: AnyEvent) -> Batch:
    """What remains of ``events`` when process 50 plays the demo."""
    kept = Neutral(PLAYER)(batch(*events))
    assert kept is not None
    return kept


def test_only_the_players_descendants_remain() -> None:
    """Other processes of the host, and files that the player itself opens, are nobody's business."""
    kept = neutral(
        snapshot(1, 1, "init"),
        snapshot(2, 40, "secret", "--password=x"),
        snapshot(3, PLAYER, "python3", "/home/somebody/bin/tracetide", parents=(40, 1)),
        fork(4, 60, PLAYER),
        fork(5, 61, 40),
        execute(6, 60, "runc", "run", parents=(PLAYER, 40, 1)),
        execute(7, 61, "mail"),
        open_file(8, PLAYER, "/home/somebody/lib/python3/x.py"),
        open_file(9, 60, "/etc/fstab"),
        leave(10, 61),
        leave(11, 60),
    )
    assert [(event.type, event.pid) for event in kept.events] == [
        ("snapshot", PLAYER),
        ("fork", 60),
        ("execve", 60),
        ("openat", 60),
        ("procexit", 60),
    ]


def test_what_was_left_out_is_not_lost() -> None:
    """Sequence numbers have no gaps, from one batch to the next."""
    filter_ = Neutral(PLAYER)
    first = filter_(batch(snapshot(7, 1, "init"), snapshot(8, PLAYER, "python3"), fork(9, 60, PLAYER)))
    assert filter_(batch(execute(10, 1, "cron"))) is None
    second = filter_(batch(execute(11, 1, "cron"), execute(12, 60, "runc")))
    assert first is not None
    assert second is not None
    assert (first.first, first.last, [event.seq for event in first.events]) == (1, 2, [1, 2])
    assert (second.first, second.last, [event.seq for event in second.events]) == (3, 3, [3])


def test_losses_stay_in_the_recording() -> None:
    """A recording does not look better than what was recorded."""
    assert neutral(snapshot(1, PLAYER, "python3"), loss(2, open=3)).events[-1].type == "loss"


def test_nothing_names_the_host_or_how_the_demo_was_started() -> None:
    """Host, boot, directories and the processes above the player are replaced."""
    kept = neutral(
        snapshot(1, PLAYER, "python3", "/home/somebody/bin/tracetide", cwd="/home/somebody", parents=(40, 1)),
        fork(2, 60, PLAYER, comm="python3"),
        execute(3, 60, "runc", "run", parents=(PLAYER, 40, 1)),
    )
    player, _, child = kept.events
    assert (kept.host.id, kept.host.name, kept.host.boot) == ("demo", "demo", "demo")
    assert isinstance(player, Snapshot)
    assert (player.args, player.cwd) == (["tracetide", "demo"], "/")
    assert isinstance(child, Exec)
    assert [(parent.pid, parent.comm) for parent in child.parents] == [(PLAYER, "tracetide"), (1, "init")]


def test_a_recorder_writes_a_recording_and_its_cues(tmp_path: Path) -> None:
    """Both can be read again."""
    path = tmp_path / "new.jsonl.zst"
    recorder = Recorder(path, PLAYER)
    recorder.write(batch(snapshot(1, 1, "init")))
    recorder.write(batch(snapshot(2, PLAYER, "python3")))
    recorder.close()
    write_cues(path, [Act(SCENES[0], 5, "much")])
    assert [event.pid for kept in RecordingSource(path).read() for event in kept.events] == [PLAYER]
    assert cues(path) == [Cue(SCENES[0].name, 5, "much")]


def test_a_recording_without_cues_is_an_error_that_names_the_file(tmp_path: Path) -> None:
    """Nobody could tell which attack a detection belongs to."""
    with pytest.raises(CollectorError, match=r"new\.cues\.json"):
        cues(tmp_path / "new.jsonl.zst")
