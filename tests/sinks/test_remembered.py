"""What is made once and used again."""

from dataclasses import dataclass

from sinks.formats.remembered import Remembered


@dataclass
class Thing:
    """Compared by both, remembered by its name."""

    name: str
    labels: list[str]


def test_it_is_made_again_only_when_it_has_changed() -> None:
    """Equal is enough; the same name with other labels is another."""
    made: list[Thing] = []

    def make(thing: Thing) -> str:
        made.append(thing)
        return ",".join(thing.labels)

    remembered = Remembered(make, lambda thing: thing.name, size=2)
    assert [remembered(Thing("a", ["x"])) for _ in range(3)] == ["x"] * 3
    assert [remembered(Thing("a", labels)) for labels in (["y"], ["y"], ["x"])] == ["y", "y", "x"]
    assert len(made) == 3


def test_it_does_not_grow() -> None:
    """However many there are, what it says stays right."""
    remembered: Remembered[Thing, str] = Remembered(
        lambda thing: thing.name * 2, lambda thing: thing.name, size=2
    )
    assert [remembered(Thing(name, [])) for name in "abcab"] == ["aa", "bb", "cc", "aa", "bb"]
    assert len(remembered) <= 2
