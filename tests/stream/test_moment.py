"""One event of a recording, as the rules saw it."""

from stream.engine import Engine
from stream.moment import moment
from tests.events import SECOND, batch, execute, fork, open_file
from tests.rules.files import load
from wire.batch import Batch


def story() -> list[Batch]:
    """A process that executes something else after its first open."""
    return [
        batch(execute(1, 10, "cat"), open_file(2, 10, "/a"), execute(3, 10, "dd")),
        batch(fork(4, 11, 10), open_file(5, 11, "/b")),
    ]


def test_the_process_is_as_it_was_then() -> None:
    """What came later in the same batch is not known yet, what came before is."""
    first, last = moment(story(), 2), moment(story(), 5)
    assert first is not None
    assert last is not None
    assert first.process.name == "cat"
    assert (last.process.name, last.process.parent.pid) == ("dd", 10)
    assert last.state.last == 4
    assert last.event.time == 5 * SECOND


def test_an_event_that_changes_the_process_is_part_of_the_moment() -> None:
    """Rules see an exec with the new program."""
    found = moment(story(), 3)
    assert found is not None
    assert found.process.name == "dd"


def test_no_such_event() -> None:
    """Numbers that no batch has, or that a batch leaves out."""
    assert moment(story(), 99) is None
    gap = Batch(host=story()[0].host, first=1, last=9, events=[open_file(1, 10, "/a")])
    assert moment([gap], 5) is None


def test_it_is_what_an_engine_has() -> None:
    """The same process, field by field, as in an engine that read up to there."""
    engine = Engine(load())
    for each in story():
        engine.process(each)
    found = moment(story(), 5)
    assert found is not None
    assert found.process == engine.hosts[found.state.id].tree.processes[11, found.event.start]
