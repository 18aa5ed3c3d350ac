"""What is wrong with rule files, and where."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file; lines and columns are counted from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something to be said of a rule file. ``item`` is what it is about, such as ``rule Shell in container``.

    ``kind`` is ``error``, ``notice`` for warnings that matter at every start, or ``hint`` for those that
    only matter to authors.
    """

    place: Place
    item: str
    sentence: str
    kind: str = "error"

    @property
    def rule(self) -> str | None:
        """The name of the rule, if it is about one."""
        kind, _, name = self.item.partition(" ")
        return name if kind == "rule" else None

    def __str__(self) -> str:
        return (
            f"{self.place}: {self.item}: {self.sentence}" if self.item else f"{self.place}: {self.sentence}"
        )


class RuleErrors(Exception):  # noqa: N818  # it holds all of them
    """Rule files cannot be used; ``errors`` says everything that is wrong with them."""

    def __init__(self, errors: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, errors)))
        self.errors = tuple(errors)
