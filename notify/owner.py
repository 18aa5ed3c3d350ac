"""Whose container it is: what its labels say, else what a file of patterns says, else who takes the rest."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from notify.document import ConfigError, Fault, suggestion
from notify.labels import container_facts, pod_facts
from wire.detection import Detection

KEYS = ("team", "owner", "app.kubernetes.io/part-of")
KINDS = ("image", "namespace", "workload", "container", "host")


@dataclass(frozen=True, slots=True)
class Owner:
    """A team, and how it was found. ``steps`` are also the places that said nothing."""

    name: str
    reason: str
    steps: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pattern:
    """A line of the file: whatever of this ``kind`` matches ``pattern`` is ``owner``'s."""

    kind: str
    pattern: str
    owner: str
    place: str


@dataclass(frozen=True, slots=True)
class Owners:
    """How owners are found; ``patterns`` are the lines of ``file``."""

    keys: tuple[str, ...] = KEYS
    patterns: tuple[Pattern, ...] = ()
    fallback: str = ""
    file: Path | None = None

    def __call__(self, detection: Detection) -> Owner:
        """The owner; without a fallback its name may be empty."""
        steps: list[str] = []
        for place, labels in _places(detection):
            for key in self.keys:
                name = (labels.get(key) or "").strip()
                if name:
                    return Owner(name, f"from {place} {key}", (*steps, f"{place} {key} says {name}"))
            steps.append(f"no {place} of {', '.join(self.keys)}")
        facts = _patterned(detection)
        for line in reversed(self.patterns):
            value = facts.get(line.kind)
            if value and fnmatchcase(value, line.pattern):
                reason = f"from {line.place}: {line.kind}:{line.pattern}"
                return Owner(line.owner, reason, (*steps, f"{line.kind} {value} matches {line.pattern}"))
        if self.patterns:
            steps.append(f"none of {len(self.patterns)} patterns matches")
        if self.fallback:
            return Owner(
                self.fallback, "as nobody else is named", (*steps, f"the fallback is {self.fallback}")
            )
        return Owner("", "nobody is named", tuple(steps))


def read_patterns(path: Path) -> tuple[Pattern, ...]:
    """The lines of a file such as ``image:registry.example/shop/* team-shop``; ``#`` begins a comment.

    Raises:
        ConfigError: it cannot be read, or lines of it are wrong.
    """
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigError([Fault(str(path), 1, 1, "", f"cannot be read: {reason}")]) from error
    found: list[Pattern] = []
    faults: list[Fault] = []
    for number, line in enumerate(lines, start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        kind, _, pattern = words[0].partition(":")
        if len(words) != 2 or not pattern:
            sentence = "write a pattern and an owner, such as namespace:shop-* team-shop"
            faults.append(Fault(str(path), number, 1, "", sentence))
        elif kind not in KINDS:
            sentence = f"patterns are not for '{kind}'{suggestion(kind, KINDS)}"
            faults.append(Fault(str(path), number, 1, "", sentence))
        else:
            found.append(Pattern(kind, pattern, words[1], f"{path.name}:{number}"))
    if faults:
        raise ConfigError(faults)
    return tuple(found)


def _places(detection: Detection) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Where a name may be written, the closest to the container first; without those that are not known."""
    container, pod = container_facts(detection), pod_facts(detection)
    for place, labels in (
        ("pod label", pod.get("labels")),
        ("pod annotation", pod.get("annotations")),
        ("container label", container.get("labels")),
        ("namespace label", pod.get("namespace_labels")),
    ):
        if labels:
            yield place, labels


def _patterned(detection: Detection) -> dict[str, str | None]:
    container, pod = container_facts(detection), pod_facts(detection)
    return {
        "image": container.get("image"),
        "namespace": pod.get("namespace"),
        "workload": pod.get("workload"),
        "container": container.get("name"),
        "host": detection.host.name,
    }
