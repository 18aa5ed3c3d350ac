"""Reads the file of routes, receivers, inhibition, times, owners and links, and says all that is wrong."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import yaml

from notify.document import ConfigError, Fault, Value, faults_of, parse, read, suggestion
from notify.inhibit import Rule
from notify.labels import NAMES, PREFIX, Labels, is_name
from notify.links import Link, link
from notify.matchers import Matcher, MatcherError, matcher
from notify.owner import Owners, Pattern, read_patterns
from notify.receivers import RECEIVERS, Target, target
from notify.route import ALL, Route, Timing
from notify.times import Interval, interval

_TOP = (
    "route", "receivers", "inhibit_rules", "time_intervals", "mute_time_intervals", "owners", "links", "tests"
)  # fmt: skip
_TIMES = tuple(each.name for each in fields(Timing))
_ROUTE = (
    "receiver", "matchers", "continue", "group_by", *_TIMES,
    "mute_time_intervals", "active_time_intervals", "routes",
)  # fmt: skip
_INHIBIT = ("source_matchers", "target_matchers", "equal", "lasting")
_OWNERS = ("labels", "file", "fallback")


@dataclass(frozen=True, slots=True)
class Case:
    """A test of the tree that is in the file: a detection with these labels goes to these receivers."""

    name: str
    labels: Labels
    receivers: tuple[str, ...]
    place: str


@dataclass(frozen=True, slots=True)
class Config:
    """The whole file. ``files`` are those that it was read from."""

    route: Route
    receivers: Mapping[str, tuple[Target, ...]]
    inhibitions: tuple[Rule, ...] = ()
    intervals: Mapping[str, tuple[Interval, ...]] = field(default_factory=dict)
    owners: Owners = field(default_factory=Owners)
    links: tuple[Link, ...] = ()
    files: tuple[Path, ...] = ()
    cases: tuple[Case, ...] = ()


def load(path: Path) -> Config:
    """The configuration in a file; files it names are beside it.

    Raises:
        ConfigError: it cannot be used, with every reason and its place.
    """
    found = _config(read(path), path.parent)
    owners = (found.owners.file,) if found.owners.file else ()
    return replace(found, files=(path, *owners))


def loads(text: str, file: str = "routes.yaml", folder: Path = Path()) -> Config:
    """The configuration in ``text``; as ``load``."""
    return _config(parse(text, file), folder)


def _config(document: Value, folder: Path) -> Config:
    top = document.entries(_TOP)
    others: list[Fault] = []
    receivers = _receivers(top.get("receivers"))
    intervals = _intervals([top[name] for name in ("time_intervals", "mute_time_intervals") if name in top])
    if "receivers" not in top:
        document.fail("there are no receivers; name at least one")
    if "route" in top:
        route = _route(top["route"], _Known(receivers, intervals), None, "route")
    else:
        document.fail("there is no route; it says which receiver gets what no other route takes")
        route = Route("route", "")
    inhibitions = tuple(_inhibition(each) for each in _items(top.get("inhibit_rules")))
    owners = _owners(top.get("owners"), folder, others)
    links = tuple(link(each) for each in _items(top.get("links")))
    cases = tuple(_case(each, receivers) for each in _items(top.get("tests")))
    faults = [*faults_of([document]), *others]
    if faults:
        raise ConfigError(faults)
    return Config(route, receivers, inhibitions, intervals, owners, links, cases=cases)


@dataclass(frozen=True, slots=True)
class _Known:
    """Names that routes may use."""

    receivers: Iterable[str]
    intervals: Iterable[str]


def _items(value: Value | None) -> list[Value]:
    return value.items() if value else []


def _route(value: Value, known: _Known, parent: Route | None, name: str) -> Route:
    """A route with what it does not say taken from its parent, as Alertmanager does."""
    entries = value.entries(_ROUTE)
    above = parent or Route("", "")
    receiver = above.receiver
    if "receiver" in entries:
        receiver = entries["receiver"].one_of(known.receivers, "receiver")
    elif parent is None:
        value.fail("the first route needs a receiver: it takes what no other route takes")
    if parent is None:
        for key in ("matchers", "continue", "mute_time_intervals", "active_time_intervals"):
            if key in entries:
                entries[key].fail(
                    "the first route takes everything at any time; put this on a route below it"
                )
    here = Route(
        id=name,
        receiver=receiver,
        matchers=_matchers(entries.get("matchers")),
        group_by=_group_by(entries["group_by"]) if "group_by" in entries else above.group_by,
        timing=_timing(entries, above.timing),
        mute=_names(entries.get("mute_time_intervals"), known.intervals),
        active=_names(entries.get("active_time_intervals"), known.intervals),
        continues="continue" in entries and entries["continue"].yes(),
    )
    children = _items(entries.get("routes"))
    routes = tuple(
        _route(child, known, here, f"{name}/{slug}")
        for child, slug in zip(children, _slugs(children), strict=True)
    )
    return Route(**{each.name: getattr(here, each.name) for each in fields(Route)} | {"routes": routes})


def _slugs(children: list[Value]) -> list[str]:
    """Names that stay the same when other routes come, go or move: open incidents are found by them."""
    slugs: list[str] = []
    for child in children:
        said = child.plain()
        matchers = said.get("matchers") if isinstance(said, dict) else None
        slug = ",".join(map(str, matchers)) if isinstance(matchers, list) else ""
        same = sum(each.rpartition("#")[0] == slug for each in slugs)
        slugs.append(f"{slug}#{same}")
    return slugs


def _matchers(value: Value | None) -> tuple[Matcher, ...]:
    found = []
    for each in _items(value):
        try:
            found.append(matcher(each.text()))
        except MatcherError as error:
            each.fail(str(error))
    return tuple(found)


def _timing(entries: Mapping[str, Value], above: Timing) -> Timing:
    times = {
        name: entries[name].seconds() if name in entries else float(getattr(above, name)) for name in _TIMES
    }
    for name in ("group_interval", "repeat_interval", "close_after"):
        if name in entries and times[name] <= 0:
            entries[name].fail("must be longer than nothing")
    return Timing(**times)


def _group_by(value: Value) -> tuple[str, ...]:
    names = _labels(value, (ALL,))
    if ALL in names and len(names) > 1:
        value.fail(f"'{ALL}' means every label: name it alone")
    return names


def _labels(value: Value | None, also: tuple[str, ...] = ()) -> tuple[str, ...]:
    names = []
    for each in _items(value):
        name = each.text()
        if name not in also and not is_name(name):
            each.fail(f"there is no label '{name}'{suggestion(name, [*NAMES, PREFIX + '…'])}")
        names.append(name)
    return tuple(names)


def _names(value: Value | None, known: Iterable[str]) -> tuple[str, ...]:
    return tuple(each.one_of(known, "time interval") for each in _items(value))


def _intervals(values: list[Value]) -> dict[str, tuple[Interval, ...]]:
    found: dict[str, tuple[Interval, ...]] = {}
    for each in (item for value in values for item in value.items()):
        entries = each.entries(("name", "time_intervals"))
        name = entries["name"].text() if "name" in entries else ""
        if not name:
            each.fail("a time interval needs a name")
        if name in found:
            entries["name"].fail(f"there are two time intervals '{name}'")
        found[name] = tuple(interval(inside) for inside in _items(entries.get("time_intervals")))
    return found


def _receivers(value: Value | None) -> dict[str, tuple[Target, ...]]:
    found: dict[str, tuple[Target, ...]] = {}
    for each in _items(value):
        entries = each.entries(("name", *RECEIVERS))
        name = entries["name"].text() if "name" in entries else ""
        if not name:
            each.fail("a receiver needs a name")
        elif name in found:
            entries["name"].fail(f"there are two receivers '{name}'")
        found[name] = tuple(
            target(name, kind, number, one)
            for kind in RECEIVERS
            for number, one in enumerate(_items(entries.get(kind)))
        )
    return found


def _inhibition(value: Value) -> Rule:
    entries = value.entries(_INHIBIT)
    for side in ("source_matchers", "target_matchers"):
        if side not in entries or not entries[side].items():
            value.fail(f"{side} is missing: without it every detection would be meant")
    return Rule(
        source=_matchers(entries.get("source_matchers")),
        target=_matchers(entries.get("target_matchers")),
        equal=_labels(entries.get("equal")),
        lasting=entries["lasting"].seconds() if "lasting" in entries else Rule((), ()).lasting,
    )


def _case(value: Value, receivers: Iterable[str]) -> Case:
    entries = value.entries(("name", "labels", "receivers"))
    labels = entries["labels"].entries() if "labels" in entries else {}
    for name, each in labels.items():
        if not is_name(name):
            each.fail(f"there is no label '{name}'{suggestion(name, [*NAMES, PREFIX + '…'])}")
    if "receivers" not in entries:
        value.fail("a test says which receivers it expects")
    return Case(
        name=entries["name"].text() if "name" in entries else value.key,
        labels={
            name: each.texts() if isinstance(each.node, yaml.SequenceNode) else (each.text(),)
            for name, each in labels.items()
        },
        receivers=tuple(each.one_of(receivers, "receiver") for each in _items(entries.get("receivers"))),
        place=value.place,
    )


def _owners(value: Value | None, folder: Path, faults: list[Fault]) -> Owners:
    if value is None:
        return Owners()
    entries = value.entries(_OWNERS)
    patterns: tuple[Pattern, ...] = ()
    if "file" in entries:
        try:
            patterns = read_patterns(folder / entries["file"].text())
        except ConfigError as error:
            faults.extend(error.faults)
    return Owners(
        keys=entries["labels"].texts() if "labels" in entries else Owners().keys,
        patterns=patterns,
        fallback=entries["fallback"].text() if "fallback" in entries else "",
        file=folder / entries["file"].text() if "file" in entries else None,
    )
