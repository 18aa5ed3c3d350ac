"""Keeping account of the demo: what was found goes to the scene in which it happened."""

import io

import msgspec
from rich.console import Console

from tests.events import HOST, batch, execute, loss
from tracetide.demo.performance import Performance
from tracetide.demo.scenes import ATTACKS, SCENES
from tracetide.demo.story import Story
from wire.detection import Detection, ProcessInfo, RuleInfo

ATTACK, LATER = ATTACKS[:2]
ORDINARY = SCENES[0]


def performance() -> Performance:
    """One whose story goes nowhere but into memory."""
    return Performance(Story(Console(file=io.StringIO(), width=120)))


def printed(shown: Performance) -> str:
    """What the onlooker has read so far."""
    return shown.story.console.file.getvalue()  # type: ignore[attr-defined,no-any-return]  # a StringIO


def detection(time: int, rule: str) -> Detection:
    """What ``rule`` found at ``time``."""
    return Detection(
        id=f"{rule}{time}",
        time=time,
        host=HOST,
        rule=RuleInfo(name=rule, priority="Critical"),
        output=f"{rule} at {time}",
        events=[1],
        event={},
        fields={},
        process=ProcessInfo(entity="e", pid=9, start=9, name="sh", args=["sh"]),
    )


def expected(time: int) -> Detection:
    """What has to be found of ``ATTACK``."""
    return detection(time, min(ATTACK.rules))


def test_an_attack_is_caught_by_the_rule_that_is_for_it() -> None:
    """Other rules add to it, but they do not stand for it."""
    shown = performance()
    act = shown.begin(ATTACK, 100)
    shown.find(detection(101, "Some other rule"))
    by_another = act.good
    shown.find(expected(102))
    assert (by_another, act.good, shown.good) == (False, True, True)
    assert "this process" in printed(shown)


def test_the_telling_detection_is_shown_whole_and_the_others_in_a_line() -> None:
    """The onlooker sees five boxes and not twenty."""
    shown = performance()
    shown.begin(ATTACK, 100)
    for found in (detection(101, "Some other rule"), expected(102), expected(103)):
        shown.find(found)
    assert printed(shown).count("this process") == 1
    assert printed(shown).count("CRITICAL") == 3


def test_a_detection_that_comes_late_belongs_to_the_scene_of_its_event() -> None:
    """The time that counts is the event's."""
    shown = performance()
    first = shown.begin(ATTACK, 100)
    second = shown.begin(LATER, 200)
    shown.find(expected(199))
    assert first.caught
    assert second.found == []


def test_what_was_before_the_first_scene_is_not_the_demos() -> None:
    """It is counted apart and does not count against it."""
    shown = performance()
    shown.begin(ORDINARY, 100)
    shown.find(expected(99))
    shown.end()
    shown.close(1.0)
    assert shown.good
    assert shown.elsewhere == 1
    assert "1 more elsewhere" in printed(shown)


def test_an_alarm_in_ordinary_work_is_a_false_one() -> None:
    """It is shown whole, counted, and the demo has failed."""
    shown = performance()
    shown.begin(ORDINARY, 100)
    shown.find(expected(101))
    shown.end()
    shown.close(1.0)
    assert not shown.good
    assert "1 false alarm;" in printed(shown)
    assert "this process" in printed(shown)


def test_an_attack_that_is_not_seen_is_not_passed_over() -> None:
    """Its scene says so, and so does the last line."""
    shown = performance()
    shown.begin(ATTACK, 100)
    shown.end()
    shown.close(1.0)
    assert not shown.good
    assert "Not detected." in printed(shown)
    assert "0 of 1 attacks caught" in printed(shown)


def test_losses_are_counted_apart_from_events() -> None:
    """The summary says how many events were seen and how many were not."""
    shown = performance()
    shown.count(batch(execute(1, 5, "sh"), execute(2, 5, "ls"), loss(3, open=4, execve=1)))
    shown.close(2.5)
    assert "2 events seen, 5 lost; 2.5 seconds" in printed(shown)


def test_what_the_attacker_sees_cannot_command_the_terminal() -> None:
    """It comes from a program that was attacked."""
    shown = performance()
    shown.begin(ATTACK, 100)
    shown.see("\x1b[2J[bold]hello\nsecond line")
    assert r"\x1b[2J[bold]hello" in printed(shown)
    assert "second line" not in printed(shown)


def test_detections_are_told_apart_by_rule_not_by_wording() -> None:
    """An output that names a rule is not that rule's."""
    shown = performance()
    act = shown.begin(ATTACK, 100)
    shown.find(msgspec.structs.replace(detection(101, "Some other rule"), output=min(ATTACK.rules)))
    assert not act.caught
