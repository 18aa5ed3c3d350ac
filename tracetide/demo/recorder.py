"""Records the demo so that it can be shown where it cannot be played, with nothing of the host in it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from msgspec import Struct

from collectors.contract import CollectorError
from collectors.recording import RecordingWriter
from tracetide.demo.act import Act
from wire.batch import Batch, Host
from wire.event import Ancestor, AnyEvent, Change, Exec, Fork, Loss, Open, Snapshot

_HOST = Host(id="demo", name="demo", boot="demo")

# What the recording says of the process that played the demo, and of what was above it.
_ROOT = Ancestor(pid=1, start=0, comm="init")
_PLAYER = {"comm": "tracetide", "exepath": "/usr/bin/tracetide", "args": ["tracetide", "demo"], "cwd": "/"}


class Cue(Struct, frozen=True):
    """When a scene began, in nanoseconds since the epoch, and what its actor saw."""

    scene: str
    start: int
    seen: str


@dataclass
class Neutral:
    """Keeps the processes that descend from ``player`` and lets go of all others, and of the host's names.

    Sequence numbers are given anew, without gaps: what was left out was not lost.
    """

    player: int
    seq: int = 0
    kept: set[tuple[int, int]] = field(default_factory=set)
    cgroup_path: str | None = None

    def __call__(self, batch: Batch) -> Batch | None:
        """What remains of ``batch``, if anything."""
        first = self.seq + 1
        events = list(self._events(batch.events))
        if not events:
            return None
        return Batch(host=_HOST, first=first, last=self.seq, events=events)

    def _events(self, events: Iterable[AnyEvent]) -> Iterator[AnyEvent]:
        for event in events:
            if self._belongs(event):
                self.seq += 1
                yield self._renamed(event)

    def _belongs(self, event: AnyEvent) -> bool:
        if isinstance(event, Loss):
            return True
        key = event.pid, event.start
        if isinstance(event, Snapshot):
            if event.pid != self.player:
                return False
            self.kept.add(key)
            self.cgroup_path = event.cgroup_path
        elif isinstance(event, Fork) and (event.parent, event.parent_start) in self.kept:
            self.kept.add(key)
        return key in self.kept and not (isinstance(event, Open | Change) and event.pid == self.player)

    def _renamed(self, event: AnyEvent) -> AnyEvent:
        changes: dict[str, object] = {"seq": self.seq}
        if isinstance(event, Exec):
            changes["parents"] = list(self._family(event))
            if event.cgroup_path == self.cgroup_path:
                changes["cgroup_path"] = "/"
        if event.pid == self.player:
            changes["comm"] = _PLAYER["comm"]
            if isinstance(event, Snapshot):
                changes |= {**_PLAYER, "stdio": [], "tty": 0}
        return msgspec.structs.replace(event, **changes)

    def _family(self, event: Exec) -> Iterator[Ancestor]:
        """The ancestors up to the player, with ``_ROOT`` above."""
        for ancestor in () if event.pid == self.player else event.parents:
            if ancestor.pid == self.player:
                yield msgspec.structs.replace(ancestor, comm=_PLAYER["comm"])
                break
            yield ancestor
        yield _ROOT


class Recorder:
    """Writes the demo's part of a stream to a recording."""

    def __init__(self, path: Path, player: int) -> None:
        """Open ``path``; ``player`` is the process that plays the demo."""
        self._writer = RecordingWriter(path)
        self._neutral = Neutral(player)

    def write(self, batch: Batch) -> None:
        """Keep of ``batch`` what belongs to the demo."""
        neutral = self._neutral(batch)
        if neutral is not None:
            self._writer.write(neutral)

    def close(self) -> None:
        """Finish the recording."""
        self._writer.close()


def write_cues(recording: Path, acts: Iterable[Act]) -> None:
    """Write down beside ``recording`` when each act began."""
    found = [Cue(act.scene.name, act.start, act.seen) for act in acts]
    cue_file(recording).write_bytes(msgspec.json.format(msgspec.json.encode(found)) + b"\n")


def cue_file(recording: Path) -> Path:
    """Where the cues of ``recording`` are."""
    return recording.with_name(recording.name.partition(".")[0] + ".cues.json")


def cues(recording: Path) -> list[Cue]:
    """When each scene began; raises ``CollectorError`` if that is not known."""
    path = cue_file(recording)
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[Cue])
    except (OSError, msgspec.DecodeError) as error:
        raise CollectorError(f"{path} does not say when the scenes began: {error}") from error
