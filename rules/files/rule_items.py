"""Items that define a rule or change one."""

from rules.files import exclusions
from rules.files.cases import cases
from rules.files.changes import APPEND, REPLACE, SKIP_UNKNOWN
from rules.files.collection import Collection
from rules.files.definitions import Exclusion, RuleDefinition, Text
from rules.files.overrides import appends, overrides
from rules.files.read import Item, ItemError, exceptions
from rules.nearest import suggestion

_KEYS = ("rule", "source", "append", "override", *sorted(REPLACE))


def rule(collection: Collection, item: Item) -> None:
    """Take in one item of kind rule."""
    item.scalar("rule")
    item.expect(_KEYS)
    appended, replaced = overrides(item, frozenset(APPEND), frozenset(REPLACE))
    append = appends(item, overrides=bool(appended or replaced))
    if appended or replaced:
        _change(collection, item, appended, replaced)
    elif append:
        _change(collection, item, {key for key in ("condition", "exceptions") if item.has(key)}, set())
    elif not any(item.has(key) for key in ("condition", "output", "desc", "priority")):
        _switch(collection, item)
    else:
        _define(collection, item)


def _define(collection: Collection, item: Item) -> None:
    known = collection.rules.get(item.name)
    defined = RuleDefinition(
        name=item.name,
        place=item.place,
        condition=Text([item.scalar("condition")]),
        output=Text([item.scalar("output")]),
        description=item.text("desc"),
        priority=item.attempt(item.priority, "Debug"),
        source=item.text("source") if item.has("source") else "syscall",
        enabled=_flag(item, "enabled", default=True),
        tags=list(dict.fromkeys(_texts(item, "tags"))),
        exceptions=item.attempt(lambda: _exceptions(item), []),
        warn_event_types=_flag(item, "warn_evttypes", default=True),
        skip_unknown=_flag(item, SKIP_UNKNOWN, default=False),
        techniques=item.attempt(lambda: item.scalars("attack"), []),
        response=item.text("response") if item.has("response") else "",
        false_positives=_texts(item, "false_positives"),
        cases=item.attempt(lambda: cases(item), []),
        index=collection.next() if known is None else known.index,
    )
    if known is not None and known.source != defined.source:
        raise ItemError(item.place, f"redefined with source {defined.source}; it was {known.source}")
    if defined.source != "syscall":
        item.warn(item.place, f"there are no events of source {defined.source} here; the rule is left out")
    collection.rules[item.name] = defined
    collection.touched.append(defined)


def _flag(item: Item, key: str, *, default: bool) -> bool:
    return item.attempt(lambda: item.flag(key, default=default), default)


def _texts(item: Item, key: str) -> list[str]:
    nothing: list[str] = []
    return item.attempt(lambda: item.texts(key), nothing)


def _exceptions(item: Item) -> list[Exclusion]:
    found = exceptions(item, appended=False)
    for exclusion in found:
        exclusions.check(exclusion)
    return found


def _known(collection: Collection, item: Item) -> RuleDefinition:
    known = collection.rules.get(item.name)
    if known is None:
        near = suggestion(item.name, collection.rules)
        raise ItemError(item.place, f"no rule of that name was defined before{near}")
    return known


def _switch(collection: Collection, item: Item) -> None:
    if not item.has("enabled"):
        raise ItemError(
            item.place,
            "a rule needs condition, output, desc and priority, or enabled to switch an earlier one",
        )
    _known(collection, item).enabled = item.flag("enabled", default=True)
    item.warn(item.place, "switching a rule with 'enabled' alone is deprecated; use 'override'", "hint")


def _change(collection: Collection, item: Item, appended: set[str], replaced: set[str]) -> None:
    changed = _known(collection, item)
    for key in sorted(appended | replaced):
        if not item.has(key):
            raise ItemError(item.place, f"'override' names '{key}', which is not there")
    for key in sorted(REPLACE.keys() - appended - replaced):
        if item.has(key) and item.has("override"):
            raise ItemError(item.entries.keys[key], f"'override' does not say what to do with '{key}'")
    if not appended | replaced:
        raise ItemError(item.place, "nothing to append: neither condition nor exceptions")
    for key in sorted(appended):
        APPEND[key](changed, item)
    for key in sorted(replaced):
        REPLACE[key](changed, item)
    collection.next()
    collection.touched.append(changed)
