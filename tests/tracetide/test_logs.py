"""The log: nothing of ours is lost, and no library floods it."""

import logging

from tracetide.logs import Seldom


def record(name: str, message: str, *values: object) -> logging.LogRecord:
    """A record of a logger."""
    return logging.LogRecord(name, logging.ERROR, "", 0, message, values, None)


def test_a_library_says_each_thing_once_in_a_while() -> None:
    """The same complaint with other values is the same; another is another."""
    seldom = Seldom()
    said = [("aiokafka", "no %s", 1), ("aiokafka", "no %s", 2), ("aiokafka", "yes", 1), ("faust", "no %s", 1)]
    assert [seldom.filter(record(*each)) for each in said] == [True, False, True, True]
    assert Seldom(quiet=0).filter(record("aiokafka", "no")) is True


def test_ours_is_always_said() -> None:
    """However often."""
    seldom = Seldom()
    assert [seldom.filter(record("stream.worker", "again")) for _ in range(3)] == [True, True, True]
