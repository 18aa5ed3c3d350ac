"""What is made once of something while it stays as it is: many alerts name the same rule and host."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Value = TypeVar("Value")
Made = TypeVar("Made")


@dataclass
class Remembered(Generic[Value, Made]):
    """``make(value)``, or what it gave for the last one with the same ``key`` if that was equal.

    For values that can be compared but not hashed. What it gives is shared: nobody may change it. At most
    ``size`` are kept.
    """

    make: Callable[[Value], Made]
    key: Callable[[Value], Hashable]
    size: int = 1024
    _kept: dict[Hashable, tuple[Value, Made]] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._kept)

    def __call__(self, value: Value) -> Made:
        """What was made of ``value``."""
        key = self.key(value)
        kept = self._kept.get(key)
        if kept is not None and kept[0] == value:
            return kept[1]
        made = self.make(value)
        if len(self._kept) >= self.size:
            self._kept.clear()
        self._kept[key] = value, made
        return made
