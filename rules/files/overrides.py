"""What an item does to an earlier one of its name: add to some keys, replace others."""

from rules.files.read import Item, ItemError, scalar
from rules.files.tree import Entries


def appends(item: Item, *, overrides: bool) -> bool:
    """Whether an item says ``append: true``, the older way, which does not go with ``overrides``."""
    append = item.flag("append", default=False)
    if append:
        item.warn(
            item.entries.keys["append"],
            "'append' is deprecated; use 'override' with append for each key",
            "hint",
        )
    if append and overrides:
        raise ItemError(item.entries.keys["append"], "'append' and 'override' cannot stand together")
    return append


def overrides(
    item: Item, appendable: frozenset[str], replaceable: frozenset[str]
) -> tuple[set[str], set[str]]:
    """The keys that an item adds to, and those that it replaces."""
    node = item.entries.values.get("override")
    if node is None:
        return set(), set()
    if not isinstance(node, Entries):
        raise ItemError(node.place, "'override' must be a mapping of keys to append or replace")
    chosen: dict[str, set[str]] = {"append": set(), "replace": set()}
    for key, value in node.values.items():
        operation = scalar(value, f"override of '{key}'").text
        allowed = {"append": appendable, "replace": replaceable}.get(operation)
        if allowed is None:
            raise ItemError(value.place, f"'{operation}' is no override; it must be append or replace")
        if key not in allowed:
            hint = "; use replace" if key in replaceable else ""
            raise ItemError(node.keys[key], f"'{key}' cannot be {_DONE[operation]}{hint}")
        chosen[operation].add(key)
    return chosen["append"], chosen["replace"]


_DONE = {"append": "appended to", "replace": "replaced"}
