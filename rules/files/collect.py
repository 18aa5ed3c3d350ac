"""Items of rule files one after the other, each changing what is defined so far."""

import re
from collections.abc import Callable, Mapping

from rules.faults import Fault, RuleErrors
from rules.files.collection import Collection
from rules.files.definitions import ListDefinition, MacroDefinition, Text
from rules.files.overrides import appends, overrides
from rules.files.read import Item, ItemError
from rules.files.rule_items import rule
from rules.files.tree import Entries, Items, Node, Scalar, documents
from rules.language.lexicon import LIST_NAME, MACRO_NAME
from rules.nearest import suggestion

# The version of Falco's engine whose language this is.
ENGINE = (0, 63, 0)


# A document that is a mapping with one of these is written for Sigma.
_OF_SIGMA = frozenset(["logsource", "detection", "correlation", "filter", "title", "action"])


def collect(collection: Collection, text: str, file: str) -> None:
    """Take in one file. What cannot be used is left out and said in ``collection.errors``."""
    collection.touched.clear()
    try:
        for document in documents(text, file):
            if isinstance(document, Entries) and not document.values.keys().isdisjoint(_OF_SIGMA):
                collection.sigma.append(document)
                continue
            if not isinstance(document, Items):
                collection.errors.append(Fault(document.place, "", "a rule file must be a list of items"))
                continue
            for node in document.values:
                if not isinstance(node, Scalar) or not node.empty:
                    _item(collection, node)
    except RuleErrors as errors:
        collection.errors += errors.errors


def _item(collection: Collection, node: Node) -> None:
    if not isinstance(node, Entries):
        collection.errors.append(Fault(node.place, "", "an item must be a mapping that begins with its kind"))
        return
    kind = next((key for key in _KINDS if key in node.values), None)
    if kind is None:
        named = next(iter(node.values), "")
        near = suggestion(named, _KINDS)
        fault = Fault(
            node.place, "", f"an item that begins with '{named}' is not known and ignored{near}", "notice"
        )
        collection.warnings.append(fault)
        return
    value = node.values[kind]
    item = Item(kind, value.text if isinstance(value, Scalar) else "", node)
    try:
        _KINDS[kind](collection, item)
    except ItemError as error:
        label = item.label if item.name else ""
        collection.errors.append(Fault(error.place, label, error.sentence))
    collection.errors += [fault for fault in item.faults if fault.kind == "error"]
    collection.warnings += [fault for fault in item.faults if fault.kind != "error"]


def _engine_version(_collection: Collection, item: Item) -> None:
    version = item.text("required_engine_version")
    match = re.fullmatch(r"(\d+)(?:\.(\d+)\.(\d+)(?:[-+].*)?)?", version)
    if match is None:
        raise ItemError(item.place, f"'{version}' is no version; it must be a number or MAJOR.MINOR.PATCH")
    wanted = (0, int(match[1]), 0) if match[2] is None else (int(match[1]), int(match[2]), int(match[3]))
    if wanted[0] != ENGINE[0] or wanted > ENGINE:
        ours = ".".join(map(str, ENGINE))
        raise ItemError(
            item.place, f"needs version {version} of Falco's engine; this is the language of {ours}"
        )


# Plugins whose fields are in the catalogue.
_PLUGINS = frozenset(["container"])


def _plugin_versions(_collection: Collection, item: Item) -> None:
    node = item.entries.values["required_plugin_versions"]
    if not isinstance(node, Items):
        raise ItemError(node.place, "'required_plugin_versions' must be a list")
    for plugin in node.values:
        if not isinstance(plugin, Entries):
            raise ItemError(
                plugin.place, "each of 'required_plugin_versions' must be a mapping with name and version"
            )
        names = {_requirement(plugin)}
        alternatives = plugin.values.get("alternatives")
        if isinstance(alternatives, Items):
            names |= {_requirement(each) for each in alternatives.values if isinstance(each, Entries)}
        if not names & _PLUGINS:
            item.warn(plugin.place, f"there is no plugin {' or '.join(sorted(names))} here")


def _requirement(plugin: Entries) -> str:
    item = Item("required_plugin_versions", "", plugin)
    version = item.text("version")
    if not re.match(r"\d+\.\d+\.\d+", version):
        raise ItemError(plugin.place, f"'{version}' is no version; it must be MAJOR.MINOR.PATCH")
    return item.text("name")


def _list(collection: Collection, item: Item) -> None:
    name = item.scalar("list").text
    item.expect(("list", "items", "append", "override"))
    if not LIST_NAME.fullmatch(name):
        item.warn(
            item.place, "a list's name should hold no blanks, quotes, parentheses, commas or equal signs"
        )
    items = item.texts("items", required=True)
    known = collection.lists.get(name)
    if _appends(item, "items"):
        if known is None:
            raise ItemError(
                item.place, f"no list to append to is named '{name}'{suggestion(name, collection.lists)}"
            )
        known.items += items
        known.visibility = collection.next()
        return
    number = collection.next()
    index = number if known is None else known.index
    collection.lists[name] = ListDefinition(name, item.place, items, index, number)


def _macro(collection: Collection, item: Item) -> None:
    name = item.scalar("macro").text
    item.expect(("macro", "condition", "append", "override"))
    if not MACRO_NAME.fullmatch(name):
        item.warn(
            item.place, "a macro's name should hold letters, digits and underscores and begin with a letter"
        )
    condition = item.scalar("condition")
    known = collection.macros.get(name)
    if _appends(item, "condition"):
        if known is None:
            near = suggestion(name, collection.macros)
            raise ItemError(item.place, f"no macro to append to is named '{name}'{near}")
        known.condition.parts.append(condition)
        known.visibility = collection.next()
    else:
        number = collection.next()
        index = number if known is None else known.index
        known = collection.macros[name] = MacroDefinition(name, item.place, Text([condition]), index, number)
    collection.touched.append(known)


def _appends(item: Item, key: str) -> bool:
    """Whether an item with one changeable key adds to what is there."""
    appended, replaced = overrides(item, frozenset([key]), frozenset([key]))
    return appends(item, overrides=bool(appended or replaced)) or key in appended


_KINDS: Mapping[str, Callable[[Collection, Item], None]] = {
    "required_engine_version": _engine_version,
    "required_plugin_versions": _plugin_versions,
    "list": _list,
    "macro": _macro,
    "rule": rule,
}
