"""Load documents that are written for Sigma: rules, filters and correlation rules."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sigma.correlations import SigmaCorrelationRule
from sigma.exceptions import SigmaError, SigmaRegularExpressionError
from sigma.filters import SigmaFilter
from sigma.policy import SigmaPolicy
from sigma.policy.regex_engine import RegexEngine
from sigma.rule import SigmaRule, SigmaRuleBase

from rules.compiler import patterns
from rules.faults import Fault
from rules.files.tree import Entries
from rules.sigma import convert
from rules.sigma.correlate import Correlator
from rules.sigma.document import Document, read
from rules.sigma.outcome import Outcome
from rules.sigma.sources import Source

Read = TypeVar("Read", bound=SigmaRuleBase)


@dataclass(frozen=True, slots=True)
class _Understood:
    """A rule as pySigma read it, with its document and the name that it has here."""

    document: Document
    read: SigmaRule
    name: str


def load(nodes: Sequence[Entries], taken: Iterable[str]) -> Outcome:
    """What documents amount to; ``taken`` are names that other rules have already."""
    outcome = Outcome()
    rules: dict[str, _Understood] = {}
    filters: list[tuple[Document, SigmaFilter]] = []
    correlations: list[tuple[Document, SigmaCorrelationRule]] = []
    names = dict.fromkeys(taken, "")
    for document in read(nodes):
        if isinstance(document, Fault):
            outcome.errors.append(document)
        elif "correlation" in document.values:
            correlations += _parsed(document, SigmaCorrelationRule.from_dict, outcome)
        elif "filter" in document.values:
            filters += _parsed(document, SigmaFilter.from_dict, outcome)
        elif _understandable(document, outcome):
            for _, found in _parsed(document, SigmaRule.from_dict, outcome):
                name = _named(document.title, str(found.id or ""), names)
                if name in rules:
                    earlier = rules[name].document.place
                    outcome.warnings.append(document.fault(f"replaces the rule at {earlier}", kind="notice"))
                rules[name] = _Understood(document, found, name)
    _filtered(filters, rules.values(), outcome)
    sources: dict[str, Source] = {}
    for each in rules.values():
        _convert(each, sources, outcome)
    correlator = Correlator(sources, outcome)
    for each in rules.values():
        correlator.know(each.name, each.read)
    correlator.add(correlations)
    _silence(outcome)
    return outcome


def _understandable(document: Document, outcome: Outcome) -> bool:
    """Refuse what pySigma would misread: ways of writing from before version 2 of Sigma."""
    detection = document.values.get("detection")
    if not isinstance(detection, dict):
        return True  # what is wrong with that, pySigma says
    conditions = detection.get("condition")
    texts = [str(each) for each in (conditions if isinstance(conditions, list) else [conditions])]
    reason = None
    if "timeframe" in detection:
        reason = "'timeframe' in a detection counts over time; write a correlation rule"
    elif any("|" in text for text in texts):
        reason = "'|' in a condition counts over time; write a correlation rule"
    if reason is not None:
        key = "timeframe" if "timeframe" in detection else "condition"
        outcome.refuse(document.title, [document.fault(reason, document.place_of(key))])
    return reason is None


def _parsed(document: Document, parse: Callable[..., Read], outcome: Outcome) -> list[tuple[Document, Read]]:
    """What pySigma makes of a document; nothing if it finds anything wrong with it."""
    values: dict[str, Any] = dict(document.values)
    if values.get("id") is not None:
        values["id"] = str(values["id"])
    detection = values.get("detection")
    if isinstance(detection, dict) and "condition" in detection:
        values["detection"] = detection | {"condition": _lowered(detection["condition"])}
    try:
        found = parse(values, collect_errors=True, policy=_POLICY)
    except _UNREADABLE as error:
        outcome.errors.append(document.fault(_sentence(error)))
        return []
    for wrong in found.errors:
        other = _of_another_engine(wrong)
        if other is None:
            outcome.errors.append(document.fault(_sentence(wrong)))
        else:
            expression, reason = other
            sentence = f"RE2 does not read the regular expression '{expression}': {reason}"
            outcome.refuse(document.title, [document.fault(sentence, document.place_of_value(expression))])
    return [] if found.errors else [(document, found)]


def _lowered(condition: Any) -> Any:  # noqa: ANN401  # whatever YAML can hold
    """A condition with its operators in lower case, as pySigma wants them."""
    if isinstance(condition, list):
        return [_lowered(each) for each in condition]
    text = condition if isinstance(condition, str) else ""
    return re.sub(r"(?<![\w-])(AND|OR|NOT)(?![\w-])", lambda word: word[0].lower(), text) or condition


def _of_another_engine(error: SigmaError) -> tuple[str, str] | None:
    """A regular expression that only other engines read, and what RE2 says of it."""
    quoted = re.search(r"Regular expression '(.*)' is invalid: (.*)", str(error), re.DOTALL)
    if quoted is None or not isinstance(error, SigmaRegularExpressionError):
        return None
    try:
        re.compile(quoted[1])
    except (re.error, OverflowError, RecursionError):
        return None
    return quoted[1], quoted[2]


class _Engine(RegexEngine):
    """Compiles what pySigma checks and selects with, by RE2, which otherwise writes errors to stderr."""

    def compile(self, pattern: str, flags: int = 0) -> Any:  # noqa: ANN401  # re2 has no types
        letters = {re.IGNORECASE: "i", re.MULTILINE: "m", re.DOTALL: "s"}
        given = "".join(letter for flag, letter in letters.items() if flags & flag)
        return patterns.regular(f"(?{given}){pattern}" if given else pattern)

    @property
    def error(self) -> type[Exception]:
        return ValueError


_POLICY = SigmaPolicy(regex_engine=_Engine())


# Besides its own errors, what pySigma stumbles over in values of types that it does not expect.
_UNREADABLE = (SigmaError, TypeError, AttributeError, KeyError, ValueError, RecursionError)


def _sentence(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    text = " ".join(str(error).split()).rstrip(".")
    if not isinstance(error, SigmaError):
        return f"no Sigma rule: {text}"
    if (met := re.search(r"found (.+?) +\(at char (\d+)\)", text)) is not None:
        return f"the condition cannot be read at {met[1]}, character {int(met[2]) + 1}"
    return text if text.startswith("Sigma") else text[:1].lower() + text[1:]


def _named(title: str, number: str, names: dict[str, str]) -> str:
    """The name of a rule: its title, with the beginning of its id if another rule has that title."""
    name = title
    if name in names and number and names[name] != number:
        name = f"{title} ({number[:8]})"
    names[name] = number
    return name


def _filtered(
    filters: Iterable[tuple[Document, SigmaFilter]], rules: Iterable[_Understood], outcome: Outcome
) -> None:
    """Add the conditions of filters to those of the rules that they are for."""
    reads = [each.read for each in rules]
    for document, each in filters:
        before = [list(read.detection.condition) for read in reads]
        try:
            for read in reads:
                each.apply_on_rule(read)
        except _UNREADABLE as error:
            outcome.errors.append(document.fault(_sentence(error)))
            continue
        if before == [read.detection.condition for read in reads]:
            outcome.warnings.append(document.fault("the filter is for none of the rules", kind="notice"))


def _convert(each: _Understood, sources: dict[str, Source], outcome: Outcome) -> None:
    source = convert.source_of(each.read.logsource)
    if isinstance(source, str):
        outcome.refuse(each.name, [each.document.fault(source, each.document.place_of(None, "logsource"))])
        return
    try:
        made = convert.rule(each.document, each.read, source, each.name)
    except _UNREADABLE as error:
        place = each.document.place_of("condition")
        outcome.errors.append(each.document.fault(_sentence(error), place))
        return
    if isinstance(made, list):
        outcome.refuse(each.name, made)
        return
    sources[each.name] = source
    outcome.rules.append(made)


def _silence(outcome: Outcome) -> None:
    """Rules that a correlation is made of are reported by themselves only if it says so."""
    parts = {name for each in outcome.correlations if not each.generate for name in each.rules}
    outcome.rules = [replace(rule, enabled=rule.name not in parts) for rule in outcome.rules]
