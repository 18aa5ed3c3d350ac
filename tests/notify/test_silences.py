"""Silences: made with a reason, kept in a file that commands change while others read it."""

from pathlib import Path

import pytest

from notify.labels import labels_of
from notify.silences import SilenceError, Silences, make
from tests.notify.samples import START, alert


def test_a_silence_holds_until_it_is_over(tmp_path: Path) -> None:
    """From its start, for what it names, until its end or until somebody ends it."""
    writer, reader = Silences(tmp_path / "s.json"), Silences(tmp_path / "s.json")
    labels = labels_of(alert())
    assert reader.of(labels, START) is None
    made = make(["host = node-1"], starts=START, seconds=60, author="ana", comment="drill")
    writer.add(made)
    assert reader.of(labels, START) == made
    assert reader.of(labels_of(alert(host="node-2")), START) is None
    assert reader.of(labels, START - 1) is None
    assert reader.of(labels, START + 60) is None
    writer.expire(made.id, START + 10)
    assert reader.of(labels, START + 10) is None
    assert [each.ends for each in reader.all()] == [START + 10]


@pytest.mark.parametrize(
    ("matchers", "author", "comment", "seconds", "sentence"),
    [
        ([], "ana", "x", 60, "for everything"),
        (["host =~ .*"], "ana", "x", 60, "for everything"),
        (["host != node-1"], "ana", "x", 60, "for everything"),
        (["host = node-1"], " ", "x", 60, "needs an author and a comment"),
        (["host = node-1"], "ana", "", 60, "needs an author and a comment"),
        (["host = node-1"], "ana", "x", 0, "longer than nothing"),
        (["hots = node-1"], "ana", "x", 60, "did you mean 'host'"),
        (["host"], "ana", "x", 60, "no condition"),
    ],
)
def test_a_silence_that_should_not_be_is_refused(
    matchers: list[str], author: str, comment: str, seconds: float, sentence: str
) -> None:
    """One for everything, one without a reason, one that cannot be read."""
    with pytest.raises(SilenceError, match=sentence):
        make(matchers, starts=START, seconds=seconds, author=author, comment=comment)


def test_a_silence_that_is_not_there_cannot_be_ended(tmp_path: Path) -> None:
    """With its name."""
    with pytest.raises(SilenceError, match="no silence abc"):
        Silences(tmp_path / "s.json").expire("abc", START)
