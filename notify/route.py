"""The tree of routes: which receiver a detection goes to, and how its messages are grouped and timed."""

from collections.abc import Iterator
from dataclasses import dataclass

from notify.labels import Labels, joined
from notify.matchers import Matcher, hold

# In group_by: every label of its own, so that only the same detection again joins a group.
ALL = "..."


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds. After ``group_wait`` an incident is told, then what is new every ``group_interval``.

    While it goes on it is told again after ``repeat_interval`` without news. After ``close_after`` of
    quiet it is over: what comes later is a new incident.
    """

    group_wait: float = 30.0
    group_interval: float = 300.0
    repeat_interval: float = 4 * 3600.0
    close_after: float = 4 * 3600.0


@dataclass(frozen=True, slots=True)
class Route:
    """A node of the tree. ``id`` names it wherever its siblings go; ``mute`` and ``active`` are intervals."""

    id: str
    receiver: str
    matchers: tuple[Matcher, ...] = ()
    group_by: tuple[str, ...] = ("host", "container")
    timing: Timing = Timing()
    mute: tuple[str, ...] = ()
    active: tuple[str, ...] = ()
    continues: bool = False
    routes: tuple["Route", ...] = ()

    def group(self, labels: Labels) -> dict[str, str]:
        """What a detection shares with the others of its group."""
        names = sorted(labels) if ALL in self.group_by else self.group_by
        return {name: joined(labels, name) for name in names}


@dataclass(frozen=True, slots=True)
class Look:
    """A route that was looked at for a detection, and what came of it."""

    depth: int
    route: Route
    matches: bool
    chosen: bool = False


def matching(route: Route, labels: Labels) -> list[Route]:
    """The routes that take a detection: the deepest that match, the first of siblings unless it continues."""
    return [look.route for look in looks(route, labels) if look.chosen]


def looks(route: Route, labels: Labels, depth: int = 0) -> Iterator[Look]:
    """Every route that was looked at, in order."""
    if not hold(route.matchers, labels):
        yield Look(depth, route, matches=False)
        return
    below: list[Look] = []
    for child in route.routes:
        seen = list(looks(child, labels, depth + 1))
        below += seen
        if seen[0].matches and not child.continues:
            break
    yield Look(depth, route, matches=True, chosen=not any(look.chosen for look in below))
    yield from below


def every(route: Route) -> Iterator[Route]:
    """A route and all below it."""
    yield route
    for child in route.routes:
        yield from every(child)
