"""A host's state: what is written down and taken up again goes on as if nothing had happened."""

from hypothesis import given, settings
from hypothesis import strategies as st

from stream.host import HostState, restore, save
from stream.process import NOBODY, Process
from stream.tree import apply
from tests.events import HOST, SECOND, answer, execute, fork, leave, open_file, snapshot
from wire.event import AnyEvent

PIDS = st.integers(1, 8)
SEQS = st.just(0)


@st.composite
def histories(draw: st.DrawFn) -> list[AnyEvent]:
    """Events of a few processes that fork, execute, open and end in any order, also absurd ones."""
    makers = st.sampled_from(["fork", "execute", "leave", "open", "answer", "snapshot"])
    events: list[AnyEvent] = []
    for seq, (kind, pid, other) in enumerate(
        draw(st.lists(st.tuples(makers, PIDS, PIDS), max_size=60)), start=1
    ):
        time = seq * 5 * SECOND
        match kind:
            case "fork":
                events.append(fork(seq, pid, other, time=time))
            case "execute":
                events.append(execute(seq, pid, f"prog{seq}", parents=(other,), time=time))
            case "leave":
                events.append(leave(seq, pid, time=time))
            case "open":
                events.append(open_file(seq, pid, "/x", time=time, cgroup=other))
            case "answer":
                events.append(answer(seq, pid, f"n{seq}", f"10.0.0.{other}", cgroup=other, time=time))
            case _:
                events.append(snapshot(seq, pid, f"old{seq}", parents=(other,), time=time))
    return events


def facts(state: HostState) -> object:
    """Everything that later events could depend on."""
    return (
        {key: chain(process) for key, process in state.tree.processes.items()},
        list(state.tree.ended),
        state.tree.places,
        list(state.tree.names.known.items()),
        state.last,
        list(state.losses),
        state.gap,
    )


def chain(process: Process) -> list[object]:
    """The process and its ancestors, without the links."""
    found: list[object] = []
    while process is not NOBODY:
        found.append([getattr(process, name) for name in Process.__struct_fields__ if name != "parent"])
        process = process.parent
    return found


@settings(deadline=None)
@given(histories(), st.integers(0, 60))
def test_a_restored_state_goes_on_the_same_way(events: list[AnyEvent], cut: int) -> None:
    """Saved and restored anywhere, the state after all events is the state of an undisturbed run."""
    undisturbed = HostState(host=HOST)
    disturbed = HostState(host=HOST)
    for number, event in enumerate(events):
        if number == cut:
            disturbed = restore(save(disturbed))
        apply(undisturbed.tree, event)
        apply(disturbed.tree, event)
    assert facts(disturbed) == facts(undisturbed)


def test_losses_and_gaps_are_remembered_for_a_minute() -> None:
    """What was lost counts for detections of the minute after, also across a hand-over."""
    state = HostState(host=HOST, last=7, gap=5 * SECOND)
    state.losses.append((5 * SECOND, 3))
    state.losses.append((30 * SECOND, 4))
    state = restore(save(state))
    assert [state.lost(now * SECOND) for now in (31, 66, 91)] == [7, 4, 0]
    assert [state.torn(now * SECOND) for now in (6, 64, 66)] == [True, True, False]
