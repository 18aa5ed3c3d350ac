"""What the values of an item must look like; everything else is an error with a place."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar

from rules.faults import Fault, Place
from rules.files.definitions import Entry, Exclusion
from rules.files.tree import Entries, Items, Node, Scalar
from rules.nearest import suggestion
from wire.detection import PRIORITIES, Priority

Read = TypeVar("Read")

_PRIORITIES: dict[str, Priority] = {name.lower(): name for name in PRIORITIES} | {"info": "Informational"}
_TRUE = frozenset(["true", "True", "TRUE", "yes", "Yes", "YES", "on", "On", "ON", "y", "Y"])
_FALSE = frozenset(["false", "False", "FALSE", "no", "No", "NO", "off", "Off", "OFF", "n", "N"])


class ItemError(Exception):
    """An item cannot be used."""

    def __init__(self, place: Place, sentence: str) -> None:
        super().__init__(sentence)
        self.place = place
        self.sentence = sentence


@dataclass(slots=True)
class Item:
    """One entry of a rule file: ``kind`` is its first key, ``name`` what that says."""

    kind: str
    name: str
    entries: Entries
    faults: list[Fault] = field(default_factory=list)

    @property
    def place(self) -> Place:
        """Where it begins."""
        return self.entries.place

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"{self.kind} {self.name}"

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self.entries.values

    def warn(self, place: Place, sentence: str, kind: str = "notice") -> None:
        """Remember something worth saying."""
        self.faults.append(Fault(place, self.label, sentence, kind))

    def scalar(self, key: str) -> Scalar:
        """The text of a key that must be there."""
        node = self.entries.values.get(key)
        if node is None:
            raise ItemError(self.place, f"'{key}' is missing")
        return scalar(node, f"'{key}'")

    def attempt(self, read: Callable[[], Read], otherwise: Read) -> Read:
        """What ``read`` gives; an error is remembered, so that the rest of the item is looked at too."""
        try:
            return read()
        except ItemError as error:
            self.faults.append(Fault(error.place, self.label, error.sentence))
            return otherwise

    def text(self, key: str) -> str:
        """The text of a key that must be there, without blanks around it."""
        return self.scalar(key).text.strip()

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        if not self.has(key):
            return default
        node = self.scalar(key)
        if node.text in _TRUE or node.text in _FALSE:
            return node.text in _TRUE
        raise ItemError(node.place, f"'{key}' must be true or false, not '{node.text}'")

    def priority(self) -> Priority:
        """One of the eight priorities."""
        node = self.scalar("priority")
        found = _PRIORITIES.get(node.text.strip().lower())
        if found is None:
            near = suggestion(node.text.strip().lower(), _PRIORITIES)
            raise ItemError(node.place, f"'{node.text}' is no priority{near}")
        return found

    def texts(self, key: str, *, required: bool = False) -> list[str]:
        """The texts of a sequence."""
        return [node.text for node in self.scalars(key, required=required)]

    def scalars(self, key: str, *, required: bool = False) -> list[Scalar]:
        """The texts of a sequence, with their places."""
        node = self.entries.values.get(key)
        if node is None:
            if required:
                raise ItemError(self.place, f"'{key}' is missing")
            return []
        if not isinstance(node, Items):
            raise ItemError(node.place, f"'{key}' must be a list")
        return [scalar(value, f"each of '{key}'", empty=True) for value in node.values]

    def expect(self, known: Iterable[str]) -> None:
        """Warn of keys that nobody reads."""
        names = list(known)
        for key, place in self.entries.keys.items():
            if key not in names:
                self.warn(place, f"the key '{key}' is not known and ignored{suggestion(key, names)}")


def scalar(node: Node, what: str, *, empty: bool = False) -> Scalar:
    """A node that must be text."""
    if not isinstance(node, Scalar):
        raise ItemError(node.place, f"{what} must be text")
    if not empty and (node.empty or not node.text):
        raise ItemError(node.place, f"{what} is empty")
    return node


def exceptions(item: Item, *, appended: bool) -> list[Exclusion]:
    """The exceptions of an item; appended ones may leave out everything but values."""
    node = item.entries.values.get("exceptions")
    if node is None or (isinstance(node, Scalar) and node.empty):
        return []
    if not isinstance(node, Items):
        raise ItemError(node.place, "'exceptions' must be a list")
    found: list[Exclusion] = []
    for each in node.values:
        exclusion = _exclusion(item, each, appended=appended)
        if any(exclusion.name == other.name for other in found):
            raise ItemError(exclusion.place, f"two exceptions are named '{exclusion.name}'")
        found.append(exclusion)
    return found


def _exclusion(item: Item, node: Node, *, appended: bool) -> Exclusion:
    if not isinstance(node, Entries):
        raise ItemError(node.place, "each of 'exceptions' must be a mapping with a name")
    named = node.values.get("name")
    if named is None:
        raise ItemError(node.place, "an exception needs a name")
    name = scalar(named, "the exception's name").text
    fields, comparisons, values = (node.values.get(key) for key in ("fields", "comps", "values"))
    if fields is None and not appended:
        raise ItemError(node.place, f"exception '{name}' needs fields")
    if values is not None and not isinstance(values, Items):
        raise ItemError(values.place, f"values of exception '{name}' must be a list")
    if values is None and appended:
        item.warn(node.place, f"exception '{name}' is appended to without values")
    return Exclusion(
        name,
        node.place,
        None if fields is None else _entry(fields),
        None if comparisons is None else _entry(comparisons),
        [_entry(value) for value in values.values] if values is not None else [],
    )


def _entry(node: Node) -> Entry:
    if isinstance(node, Items):
        return tuple(_entry(value) for value in node.values)
    return scalar(node, "a value of an exception").text
