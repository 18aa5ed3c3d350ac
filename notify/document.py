"""A YAML file whose every value knows where it stands; what is wrong with it is said all at once."""

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_DURATION = re.compile(r"(?:(\d+)w)?(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?(?:(\d+)ms)?")
_UNITS = (7 * 86400, 86400, 3600, 60, 1, 0.001)
_BOOLEANS = {"true": True, "yes": True, "false": False, "no": False}

# A file of routes has some hundreds of values; aliases of aliases could make billions.
_MOST_VALUES = 100_000


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong in a file; ``key`` is the way to it, such as ``route.routes[0].matchers``."""

    file: str
    line: int
    column: int
    key: str
    sentence: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}"
        return f"{where}: {self.key}: {self.sentence}" if self.key else f"{where}: {self.sentence}"


class ConfigError(Exception):
    """A file cannot be used; ``faults`` says everything that is wrong with it."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)


@dataclass(slots=True)
class Faults:
    """What is wrong with one file so far, and how many of its values were looked at."""

    file: str
    found: list[Fault] = field(default_factory=list)
    looked_at: int = 0

    def add(self, mark: yaml.Mark | None, key: str, sentence: str) -> None:
        """Note a fault."""
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        self.found.append(Fault(self.file, line, column, key, sentence))


@dataclass(frozen=True, slots=True)
class Value:
    """A value of the file. What is asked of it and not there is a fault, and something harmless given."""

    node: yaml.Node
    key: str
    faults: Faults

    @property
    def place(self) -> str:
        """The file and the line."""
        mark = self.node.start_mark
        return f"{self.faults.file}:{mark.line + 1 if mark else 1}"

    def fail(self, sentence: str) -> None:
        """Note that this value is wrong."""
        self.faults.add(self.node.start_mark, self.key, sentence)

    def entries(self, known: Iterable[str] | None = None) -> dict[str, "Value"]:
        """The values by key; keys that are not ``known``, if that is given, are faults."""
        if not isinstance(self.node, yaml.MappingNode):
            self.fail("must be a mapping of keys to values")
            return {}
        names = None if known is None else list(known)
        found: dict[str, Value] = {}
        for key, node in self.node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else "?"
            path = f"{self.key}.{name}" if self.key else name
            if names is not None and name not in names:
                self.faults.add(
                    key.start_mark, path, f"there is no key '{name}' here{suggestion(name, names)}"
                )
            elif name in found:
                self.faults.add(key.start_mark, path, "is there twice")
            else:
                found[name] = self._below(node, path)
        return found

    def items(self) -> list["Value"]:
        """The values of a sequence."""
        if not isinstance(self.node, yaml.SequenceNode):
            self.fail("must be a list")
            return []
        return [self._below(node, f"{self.key}[{index}]") for index, node in enumerate(self.node.value)]

    def text(self) -> str:
        """A scalar as it is written."""
        if not isinstance(self.node, yaml.ScalarNode):
            self.fail("must be a text")
            return ""
        return str(self.node.value)

    def texts(self) -> tuple[str, ...]:
        """A list of texts."""
        return tuple(each.text() for each in self.items())

    def one_of(self, names: Iterable[str], what: str) -> str:
        """A text that must be one of ``names``, of which each is a ``what``."""
        text, names = self.text(), list(names)
        if text not in names:
            self.fail(f"there is no {what} '{text}'{suggestion(text, names)}")
        return text

    def yes(self) -> bool:
        """Whether it says true."""
        text = self.text().lower()
        if text not in _BOOLEANS:
            self.fail("must be true or false")
        return _BOOLEANS.get(text, False)

    def seconds(self) -> float:
        """A duration such as ``30s``, ``1h30m`` or ``2d``."""
        text = self.text()
        seconds = duration(text)
        if seconds is None:
            self.fail(f"'{text}' is no duration; write 30s, 5m, 4h, 1h30m or 2d")
        return seconds or 0.0

    def plain(self) -> Any:  # noqa: ANN401  # whatever the file says
        """The value as Python's own types."""
        if isinstance(self.node, yaml.MappingNode):
            return {name: value.plain() for name, value in self.entries().items()}
        if isinstance(self.node, yaml.SequenceNode):
            return [value.plain() for value in self.items()]
        try:
            return yaml.SafeLoader("").construct_object(self.node)
        except (yaml.YAMLError, ValueError):
            return self.node.value

    def _below(self, node: yaml.Node, key: str) -> "Value":
        self.faults.looked_at += 1
        if self.faults.looked_at > _MOST_VALUES:
            raise ConfigError([Fault(self.faults.file, 1, 1, "", f"more than {_MOST_VALUES} values")])
        return Value(node, key, self.faults)


def read(path: Path) -> Value:
    """The document in a file.

    Raises:
        ConfigError: it cannot be read, is not YAML, or is empty.
    """
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigError([Fault(str(path), 1, 1, "", f"cannot be read: {reason}")]) from error
    return parse(text, str(path))


def parse(text: str, file: str) -> Value:
    """The document in ``text``; raises ``ConfigError`` as ``read`` does."""
    faults = Faults(file)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        faults.add(error.problem_mark or error.context_mark, "", f"not YAML: {error.problem}")
    except yaml.YAMLError as error:
        faults.add(None, "", f"not YAML: {error}")
    except RecursionError:
        faults.add(None, "", "nested too deep")
    else:
        if node is not None:
            return Value(node, "", faults)
        faults.add(None, "", "there is nothing in it")
    raise ConfigError(faults.found)


def duration(text: str) -> float | None:
    """The seconds of ``1h30m``; None if it is no duration."""
    if text == "0":
        return 0.0
    match = _DURATION.fullmatch(text)
    if not text or not match:
        return None
    return sum(int(number or 0) * unit for number, unit in zip(match.groups(), _UNITS, strict=True))


def span(seconds: float) -> str:
    """``seconds`` as a duration is written."""
    whole, parts = round(seconds), []
    for unit, name in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        if whole >= unit:
            parts.append(f"{whole // unit}{name}")
            whole %= unit
    return "".join(parts) or "0s"


def suggestion(name: str, names: Iterable[str]) -> str:
    """The end of a sentence that says a name is unknown."""
    names = list(names)
    near = difflib.get_close_matches(name, names, 1, 0.6)
    return f"; did you mean '{near[0]}'?" if near else f"; there are {', '.join(names)}" if names else ""


def faults_of(values: Iterable[Value]) -> Iterator[Fault]:
    """The faults noted so far in the files of ``values``, each once."""
    seen: dict[int, Faults] = {id(value.faults): value.faults for value in values}
    for faults in seen.values():
        yield from sorted(faults.found, key=lambda fault: (fault.line, fault.column))
