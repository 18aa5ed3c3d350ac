"""What the kernel's programs counted and did not deliver: read from their maps, told as events."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from collectors.kernel import libbpf
from collectors.kernel.hooks import HOOKS
from collectors.kernel.layout import KINDS, LIMITED, LOSSES_SIZE, compiled

_WORDS = LOSSES_SIZE // 8
_FULL, _LIMITED, _UNNEEDED, _REFUSING = 0, KINDS, 2 * KINDS, 3 * KINDS

_KEY = compiled(LIMITED)
_COUNT = 8

_NAMES = {hook.kind: name for name, hook in HOOKS.items()}

# Places for whose events were over a limit; when half of them are taken, those at rest are freed.
_PLACES = 4096

Whose = tuple[int, int, int]  # control group, start and number of the process, 0 for all of the group


@dataclass(frozen=True, slots=True)
class Losses:
    """By event type: what found the ring buffer full, on each CPU; what was over a rate; what no rule needed.

    ``refusing`` are the nanoseconds in which the buffer had no room, on the CPU where that was longest.
    """

    full: dict[str, list[int]] = field(default_factory=dict)
    limited: Counter[str] = field(default_factory=Counter)
    unneeded: Counter[str] = field(default_factory=Counter)
    refusing: int = 0

    def since(self, before: Losses) -> Losses:
        """What came on top of an earlier reading."""
        full = {
            name: [now - then for now, then in zip(cpus, before.full[name], strict=True)]
            if name in before.full
            else cpus
            for name, cpus in self.full.items()
        }
        return Losses(
            {name: cpus for name, cpus in full.items() if any(cpus)},
            self.limited - before.limited,
            self.unneeded - before.unneeded,
            self.refusing - before.refusing,
        )


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the kernel's events since watching began; ``truncated`` ones were delivered in part."""

    delivered: Counter[str]
    truncated: Counter[str]
    losses: Losses


def reported(data: bytes) -> bytes:
    """The part of the counts that says whether anything was lost."""
    return b"".join(data[at : at + _COUNT * _UNNEEDED] for at in range(0, len(data), LOSSES_SIZE))


def parsed(data: bytes) -> Losses:
    """The counts of all CPUs, each a struct losses of bpf/common.bpf.h."""
    words = memoryview(data).cast("Q")
    cpus = [words[at : at + _WORDS] for at in range(0, len(words), _WORDS)]
    full = {name: [cpu[_FULL + kind] for cpu in cpus] for kind, name in _NAMES.items()}
    return Losses(
        {name: counts for name, counts in full.items() if any(counts)},
        _summed(cpus, _LIMITED),
        _summed(cpus, _UNNEEDED),
        max(cpu[_REFUSING] for cpu in cpus),
    )


def _summed(cpus: list[memoryview], at: int) -> Counter[str]:
    counts = {name: sum(cpu[at + kind] for cpu in cpus) for kind, name in _NAMES.items()}
    return Counter({name: count for name, count in counts.items() if count})


@dataclass(slots=True)
class Limited:
    """Whose events were over a rate, since the last time it was asked."""

    map_fd: int
    _before: dict[bytes, int] = field(default_factory=dict)
    _unnamed: Counter[str] = field(default_factory=Counter)

    def told(self, counts: Counter[str]) -> Iterator[tuple[Whose, Counter[str]]]:
        """Of ``counts`` in all, how many are whose; in the long run the sums are the same."""
        by_owner: dict[Whose, Counter[str]] = defaultdict(Counter)
        found = {key: int.from_bytes(value, "little") for key, value in self._entries()}
        for key, number in found.items():
            cgroup, start, pid, kind = _KEY.unpack(key)
            if fresh := number - self._before.get(key, 0):
                by_owner[cgroup, start, pid][_NAMES[kind]] += fresh
        rest = counts + self._unnamed
        for some in by_owner.values():
            rest.subtract(some)
        # Events that were counted between the two readings belong to the next time.
        self._unnamed = Counter({name: number for name, number in rest.items() if number < 0})
        rest = +rest
        yield from by_owner.items()
        if rest:
            yield (0, 0, 0), rest
        self._free(found)

    def _entries(self) -> list[tuple[bytes, bytes]]:
        return list(libbpf.entries(self.map_fd, _KEY.size, _COUNT))

    def _free(self, found: dict[bytes, int]) -> None:
        if len(found) > _PLACES // 2:
            resting = [key for key, number in found.items() if self._before.get(key) == number]
            for key in resting:
                libbpf.remove_entry(self.map_fd, key)
                del found[key]
        self._before = found
