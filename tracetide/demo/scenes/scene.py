"""What a scene of the demo is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tracetide.demo.stage import Stage


@dataclass(frozen=True, slots=True)
class Scene:
    """Something that happens, and what must be seen of it.

    ``rules`` are those of which at least one must find something; none means that nothing here may be
    found by any rule. ``title`` and ``story`` are for the onlooker. ``act`` does it and returns what
    the actor got to see.
    """

    name: str
    title: str
    story: str
    rules: frozenset[str]
    act: Callable[[Stage], Awaitable[str]]
