"""All that the engine remembers of one host, and how it is written down for a worker that takes over."""

from collections import deque

import msgspec
from msgspec import Struct, field

from stream.containers import Places
from stream.names import Names
from stream.process import HOST, NOBODY, UNKNOWN_CONTAINER, Container, Process
from stream.tree import Key, Tree
from wire.batch import Host

MINUTE = 60 * 10**9


class HostState(Struct, kw_only=True):
    """One boot of one host: its processes, how far its stream was read, and what was lost of late.

    ``last`` is the sequence number up to which everything was processed. ``losses`` are
    ``(time, count)`` pairs; ``gap`` is the time at which sequence numbers last jumped.
    """

    host: Host
    tree: Tree = field(default_factory=Tree)
    last: int = 0
    losses: deque[tuple[int, int]] = field(default_factory=deque)
    gap: int | None = None

    @property
    def id(self) -> str:
        """The host's stable id."""
        return self.host.id

    @property
    def name(self) -> str:
        """The host's name, which rules know as ``evt.hostname``."""
        return self.host.name

    def domain(self, cgroup: int | None, address: str | None) -> str | None:
        """The name that those in a control group, or else others here, know an address by."""
        return self.tree.names.of(cgroup, address)

    def lost(self, now: int) -> int:
        """How many events of the minute before ``now`` never arrived."""
        while self.losses and self.losses[0][0] < now - MINUTE:
            self.losses.popleft()
        return sum(count for _, count in self.losses)

    def torn(self, now: int) -> bool:
        """Whether sequence numbers jumped in the minute before ``now``: nobody knows what was missed."""
        return self.gap is not None and self.gap >= now - MINUTE


class _Saved(Struct, array_like=True):
    """A host's state. The first ``listed`` processes can be found by key, the others are ancestors of theirs.

    ``parents`` are indices into ``processes``, -1 for none. ``inside`` and ``cgroups`` are indices into
    ``containers``, whose first two are no container and the host; ``named`` are those found by id.
    """

    host: Host
    last: int
    losses: list[tuple[int, int]]
    gap: int | None
    containers: list[Container]
    named: list[int]
    cgroups: dict[int, int]
    ended: list[tuple[int, Key]]
    listed: int
    processes: list[Process]
    parents: list[int]
    inside: list[int]
    names: list[tuple[int, str, str]]
    users: dict[int, str] = {}


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Saved)


def save(state: HostState) -> bytes:
    """Everything in ``state``; ``restore`` gives back one that goes on exactly the same way."""
    processes = list(state.tree.processes.values())
    listed = len(processes)
    index = {id(process): number for number, process in enumerate(processes)}
    parents = []
    for process in processes:  # grows while ancestors that are not listed any more turn up
        if process.parent is not NOBODY and id(process.parent) not in index:
            index[id(process.parent)] = len(processes)
            processes.append(process.parent)
        parents.append(index.get(id(process.parent), -1))
    places = _Numbered()
    saved = _Saved(
        host=state.host,
        last=state.last,
        losses=list(state.losses),
        gap=state.gap,
        containers=places.found,
        named=[places.number(each) for each in state.tree.places.containers.values()],
        cgroups={cgroup: places.number(each) for cgroup, each in state.tree.places.cgroups.items()},
        ended=list(state.tree.ended),
        listed=listed,
        processes=[
            msgspec.structs.replace(process, parent=None, container=UNKNOWN_CONTAINER)
            for process in processes
        ],
        parents=parents,
        inside=[places.number(process.container) for process in processes],
        names=[(group, address, name) for (group, address), name in state.tree.names.known.items()],
        users=state.tree.users,
    )
    return _encoder.encode(saved)


def restore(data: bytes) -> HostState:
    """The state that ``save`` wrote; raises ``msgspec.DecodeError`` for anything else."""
    saved = _decoder.decode(data)
    containers = [UNKNOWN_CONTAINER, HOST, *saved.containers[2:]]
    for process, parent, place in zip(saved.processes, saved.parents, saved.inside, strict=True):
        process.parent = saved.processes[parent] if parent >= 0 else NOBODY
        process.container = containers[place]
    tree = Tree(
        processes={_key(process): process for process in saved.processes[: saved.listed]},
        ended=deque(saved.ended),
        places=Places(
            containers={str(containers[each].full_id): containers[each] for each in saved.named},
            cgroups={cgroup: containers[each] for cgroup, each in saved.cgroups.items()},
        ),
        names=Names({(group, address): name for group, address, name in saved.names}),
        users=saved.users,
    )
    return HostState(host=saved.host, tree=tree, last=saved.last, losses=deque(saved.losses), gap=saved.gap)


class _Numbered:
    """Gives each container a number: many processes share one, and must do so again."""

    def __init__(self) -> None:
        self.found: list[Container] = [UNKNOWN_CONTAINER, HOST]
        self._numbers = {id(UNKNOWN_CONTAINER): 0, id(HOST): 1}

    def number(self, container: Container) -> int:
        if id(container) not in self._numbers:
            self._numbers[id(container)] = len(self.found)
            self.found.append(container)
        return self._numbers[id(container)]


def _key(process: Process) -> Key:
    return process.pid, process.start  # type: ignore[return-value]  # listed ones have both
