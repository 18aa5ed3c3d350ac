"""The cases in a rule: values of fields that it must match, and values that it must not."""

from typing import Any

from rules.files.definitions import CaseDefinition
from rules.files.read import Item, ItemError, scalar
from rules.files.tree import Entries, Items, Node, Scalar


def cases(item: Item) -> list[CaseDefinition]:
    """The cases of a rule item, those that must match first."""
    node = item.entries.values.get("cases")
    if node is None:
        return []
    if not isinstance(node, Entries) or not set(node.values) <= {"match", "ignore"}:
        raise ItemError(node.place, "'cases' must be a mapping with lists of cases under match and ignore")
    found = []
    for key in ("match", "ignore"):
        several = node.values.get(key)
        if several is None:
            continue
        if not isinstance(several, Items):
            raise ItemError(several.place, f"'cases' {key} must be a list")
        found += [_case(each, key == "match", number) for number, each in enumerate(several.values, 1)]
    return found


def _case(node: Node, matches: bool, number: int) -> CaseDefinition:
    if not isinstance(node, Entries):
        raise ItemError(node.place, "a case must be a mapping of fields to values")
    values = dict(node.values)
    named = values.pop("name", None)
    name = scalar(named, "a case's name").text if named is not None else f"case {number}"
    return CaseDefinition(name, node.place, matches, {key: _value(value) for key, value in values.items()})


def _value(node: Node) -> Any:  # noqa: ANN401  # a text or a list of texts
    if isinstance(node, Items):
        return [scalar(each, "a value in a list", empty=True).text for each in node.values]
    if not isinstance(node, Scalar):
        raise ItemError(node.place, "the value of a field must be text or a list")
    return node.text
