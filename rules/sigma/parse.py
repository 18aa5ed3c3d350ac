"""Have pySigma read a document; what it finds wrong becomes a sentence with a place."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from sigma.exceptions import SigmaError, SigmaLevelError, SigmaRegularExpressionError, SigmaTitleError
from sigma.policy import SigmaPolicy
from sigma.policy.regex_engine import RegexEngine
from sigma.rule import SigmaRule, SigmaRuleBase
from sigma.rule.detection import EmptySigmaDetections
from sigma.rule.logsource import EmptyLogSource

from rules.compiler import patterns
from rules.sigma.document import Document
from rules.sigma.outcome import Outcome

Read = TypeVar("Read", bound=SigmaRuleBase)


def refused_before(document: Document, outcome: Outcome) -> bool:
    """Refuse what pySigma would misread: ways of counting from before version 2 of Sigma."""
    detection = document.values.get("detection")
    if not isinstance(detection, dict):
        return False  # what is wrong with that, pySigma says
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
    return reason is not None


def parsed(document: Document, parse: Callable[..., Read], outcome: Outcome) -> list[tuple[Document, Read]]:
    """What pySigma makes of a document; nothing if it finds anything wrong with it."""
    values: dict[str, Any] = dict(document.values)
    if not document.title:
        values.pop("title", None)  # an empty one is none
    if values.get("id") is not None:
        values["id"] = str(values["id"])
    detection = values.get("detection")
    if isinstance(detection, dict) and "condition" in detection:
        values["detection"] = detection | {"condition": _lowered(detection["condition"])}
    try:
        found = parse(values, collect_errors=True, policy=_POLICY)
    except UNREADABLE as error:
        outcome.errors.append(document.fault(sentence(error)))
        return []
    if _usable(found):
        outcome.warnings += [document.fault(sentence(wrong), kind="hint") for wrong in found.errors]
        return [(document, found)]
    for wrong in found.errors:
        other = _of_another_engine(wrong)
        if other is None:
            outcome.errors.append(document.fault(sentence(wrong)))
        else:
            expression, reason = other
            said = f"RE2 does not read the regular expression '{expression}': {reason}"
            outcome.refuse(document.title, [document.fault(said, document.place_of_value(expression))])
    return []


def _usable(found: SigmaRuleBase) -> bool:
    """Whether nothing is wrong, or nothing but what a rule says of itself, such as its date or a tag."""
    if not isinstance(found, SigmaRule):
        return not found.errors
    broken = isinstance(found.detection, EmptySigmaDetections) or isinstance(found.logsource, EmptyLogSource)
    return not broken and not any(
        isinstance(each, SigmaTitleError | SigmaLevelError) for each in found.errors
    )


def _lowered(condition: Any) -> Any:  # noqa: ANN401  # whatever YAML can hold
    """A condition with its operators in lower case, as pySigma wants them."""
    if isinstance(condition, list):
        return [_lowered(each) for each in condition]
    text = str(condition) if isinstance(condition, str | int) else ""
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
UNREADABLE = (SigmaError, TypeError, AttributeError, KeyError, ValueError, RecursionError)


def sentence(error: BaseException) -> str:
    """What an error of pySigma's means, in one sentence."""
    if isinstance(error, RecursionError):
        return "it is nested too deep"
    text = " ".join(str(error).split()).rstrip(".")
    if not isinstance(error, SigmaError):
        return f"no Sigma rule: {text}"
    if (met := re.search(r"found (.+?) +\(at char (\d+)\)", text)) is not None:
        return f"the condition cannot be read at {met[1]}, character {int(met[2]) + 1}"
    return text if text.startswith("Sigma") else text[:1].lower() + text[1:]
