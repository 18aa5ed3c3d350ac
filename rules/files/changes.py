"""The keys of a rule that later items can add to or replace, and how."""

from collections.abc import Callable, Mapping

from rules.files import exclusions
from rules.files.cases import cases
from rules.files.definitions import Exclusion, RuleDefinition, Text
from rules.files.read import Item, ItemError, exceptions

SKIP_UNKNOWN = "skip-if-unknown-filter"

Change = Callable[[RuleDefinition, Item], None]


def _append_condition(rule: RuleDefinition, item: Item) -> None:
    rule.condition.parts.append(item.scalar("condition"))


def _append_output(rule: RuleDefinition, item: Item) -> None:
    rule.output.parts.append(item.scalar("output"))


def _append_description(rule: RuleDefinition, item: Item) -> None:
    rule.description = f"{rule.description} {item.text('desc')}"


def _append_tags(rule: RuleDefinition, item: Item) -> None:
    rule.tags = list(dict.fromkeys([*rule.tags, *item.texts("tags")]))


def _append_exceptions(rule: RuleDefinition, item: Item) -> None:
    known = {exclusion.name: exclusion for exclusion in rule.exceptions}
    for added in exceptions(item, appended=True):
        earlier = known.get(added.name)
        if earlier is None:
            rule.exceptions.append(_new_exclusion(added))
        elif added.fields is not None or added.comparisons is not None:
            raise ItemError(
                added.place, f"exception '{added.name}' exists; only values can be appended to it"
            )
        else:
            earlier.values += added.values


def _new_exclusion(added: Exclusion) -> Exclusion:
    if added.fields is None or not added.values:
        raise ItemError(added.place, f"exception '{added.name}' is new here and needs fields and values")
    exclusions.check(added)
    return added


def _replace_exceptions(rule: RuleDefinition, item: Item) -> None:
    replacing = exceptions(item, appended=False)
    for exclusion in replacing:
        exclusions.check(exclusion, default=False)
    rule.exceptions = replacing


def _replace_condition(rule: RuleDefinition, item: Item) -> None:
    rule.condition = Text([item.scalar("condition")])


def _replace_output(rule: RuleDefinition, item: Item) -> None:
    rule.output = Text([item.scalar("output")])


def _set(attribute: str, value: Callable[[Item], object]) -> Change:
    return lambda rule, item: setattr(rule, attribute, value(item))


def _ignored(_rule: RuleDefinition, _item: Item) -> None:
    """Captures of system calls do not exist here."""


APPEND: Mapping[str, Change] = {
    "condition": _append_condition,
    "output": _append_output,
    "desc": _append_description,
    "tags": _append_tags,
    "exceptions": _append_exceptions,
}

REPLACE: Mapping[str, Change] = {
    "condition": _replace_condition,
    "output": _replace_output,
    "desc": _set("description", lambda item: item.text("desc")),
    "tags": _set("tags", lambda item: list(dict.fromkeys(item.texts("tags")))),
    "exceptions": _replace_exceptions,
    "priority": _set("priority", Item.priority),
    "enabled": _set("enabled", lambda item: item.flag("enabled", default=True)),
    "warn_evttypes": _set("warn_event_types", lambda item: item.flag("warn_evttypes", default=True)),
    SKIP_UNKNOWN: _set("skip_unknown", lambda item: item.flag(SKIP_UNKNOWN, default=False)),
    "capture": _ignored,
    "capture_duration": _ignored,
    "attack": _set("techniques", lambda item: item.scalars("attack")),
    "response": _set("response", lambda item: item.text("response")),
    "false_positives": _set("false_positives", lambda item: item.texts("false_positives")),
    "cases": _set("cases", cases),
}
