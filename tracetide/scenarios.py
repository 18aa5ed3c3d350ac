"""Scenarios: recordings with what must be found in them, each a folder with the two files.

``expected.json`` is a list of detections in their order. Each names what must be so of it: any of the keys
that ``told`` gives; what is not named does not matter.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collectors.contract import CollectorError
from collectors.recording import RecordingSource
from rules import RuleSet
from stream.engine import Engine
from tracetide.errors import CommandError
from wire.detection import Detection

RECORDING = "recording.jsonl.zst"
EXPECTED = "expected.json"

Told = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Result:
    """A detection that is expected, or one that is not: ``sentence`` says what is wrong, if anything is."""

    scenario: str
    file: str
    line: int
    rule: str
    passed: bool
    sentence: str


def told(detection: Detection) -> Told:
    """What a scenario expects of a detection: enough to know it, not so much that every wording counts."""
    process = detection.process
    return {
        "rule": detection.rule.name,
        "process": process and process.name,
        "args": process and process.args,
        "ancestors": [ancestor.name for ancestor in detection.ancestors],
        "in_container": detection.container is not None,
    }


def scenarios(paths: Iterable[Path]) -> Iterator[Path]:
    """The folders at or below the paths that hold a scenario, each once."""
    found = (file.parent for path in paths for file in sorted(path.rglob(EXPECTED)))
    yield from (each for each in dict.fromkeys(found) if (each / RECORDING).is_file())


def run_scenario(scenario: Path, rules: RuleSet) -> list[Result]:
    """Replay a scenario and compare; raises ``CommandError`` if its files make no sense."""
    expected = _expected(scenario / EXPECTED)
    engine = Engine(rules)
    try:
        found = [
            each for batch in RecordingSource(scenario / RECORDING).read() for each in engine.process(batch)
        ]
    except CollectorError as error:
        raise CommandError(f"scenario {scenario.name}: {error}") from error
    return list(_compared(scenario, expected, found))


def _expected(file: Path) -> list[tuple[int, Told]]:
    """The entries with their lines."""
    try:
        text = file.read_text(encoding="utf-8")
        entries = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        raise CommandError(f"{file} cannot be read: {error}") from error
    known = {"rule", "process", "args", "ancestors", "in_container"}
    if not isinstance(entries, list) or not all(
        isinstance(each, dict) and "rule" in each and each.keys() <= known for each in entries
    ):
        raise CommandError(
            f"{file} is no list of objects with a rule and, if wanted, {', '.join(sorted(known))}"
        )
    return list(zip(_lines(text), entries, strict=True))


def _lines(text: str) -> Iterator[int]:
    """The lines on which the entries of a list begin."""
    decoder, at = json.JSONDecoder(), text.index("[") + 1
    while (start := text.find("{", at)) >= 0:
        yield text.count("\n", 0, start) + 1
        _, at = decoder.raw_decode(text, start)


def _compared(scenario: Path, expected: list[tuple[int, Told]], found: list[Detection]) -> Iterator[Result]:
    """Entries and detections that agree are paired in their order; what is left over of either is said."""
    file = str(scenario / EXPECTED)
    left = list(found)
    position = -1
    wanted: list[tuple[int, Told]] = []
    for line, entry in expected:
        paired = next((each for each in left if _agrees(entry, each)), None)
        if paired is None:
            wanted.append((line, entry))
            continue
        left.remove(paired)
        late = found.index(paired) < position
        position = max(position, found.index(paired))
        sentence = "is found before one that is expected before it" if late else ""
        yield Result(scenario.name, file, line, entry["rule"], passed=not late, sentence=sentence)
    for line, entry in wanted:
        near = next((each for each in left if each.rule.name == entry["rule"]), None)
        if near is not None:
            left.remove(near)
        yield Result(scenario.name, file, line, entry["rule"], passed=False, sentence=_missing(entry, near))
    for each in left:
        sentence = f"is found in event {each.events[-1]} ({each.output}) but not expected"
        yield Result(scenario.name, file, 1, each.rule.name, passed=False, sentence=sentence)


def _agrees(entry: Told, detection: Detection) -> bool:
    facts = told(detection)
    return all(facts[key] == value for key, value in entry.items())


def _missing(entry: Told, near: Detection | None) -> str:
    if near is None:
        return "is expected but not found"
    facts = told(near)
    different = [
        f"{key} is {json.dumps(facts[key])}, expected {json.dumps(value)}"
        for key, value in entry.items()
        if facts[key] != value
    ]
    return f"is found in event {near.events[-1]} otherwise than expected: {'; '.join(different)}"
