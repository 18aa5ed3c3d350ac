"""Try a condition on given values of fields, through the same compiler that the stream uses."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from rules.compiler.function import condition_of_fields
from rules.compiler.resolve import Problem, resolve
from rules.compiler.simplify import merged
from rules.faults import Fault, Place, RuleErrors
from rules.given import given
from rules.language.cursor import ConditionError
from rules.language.parser import parse
from rules.ruleset import Rule, RuleSet
from rules.sigma.given import named_as_here

Holds = Callable[[Mapping[str, Any]], bool]


def evaluate(condition: str, fields: Mapping[str, Any]) -> bool:
    """Whether a condition without lists and macros holds for these values; a field that is absent is missing.

    Raises:
        RuleErrors: the condition cannot be used; the places are lines and columns in it.
        GivenError: a value does not fit its field.
    """
    return _compiled(condition)(given(fields))


def evaluate_rule(rule: Rule, fields: Mapping[str, Any]) -> bool:
    """Whether a loaded rule's condition holds for these values.

    A rule written for Sigma takes them by Sigma's names too.
    """
    named = named_as_here(rule.log_source, fields) if rule.log_source else fields
    return bool(_of_rule(rule)(given(named)))


@lru_cache(1024)
def _of_rule(rule: Rule) -> Holds:
    function: Holds = condition_of_fields(rule.logic).call
    return function


@lru_cache(1024)
def _compiled(condition: str) -> Holds:
    try:
        resolved = resolve(
            parse(condition), lambda macro: Problem(macro.at, f"no macro is named '{macro.name}'")
        )
        problems = resolved.problems
    except ConditionError as error:
        problems = [Problem(error.at, error.sentence)]
    if problems:
        raise RuleErrors([Fault(_place(condition, each.at), "", each.sentence) for each in problems])
    function: Holds = condition_of_fields(merged(resolved.logic)).call
    return function


def _place(text: str, at: int) -> Place:
    before = text[:at]
    return Place("condition", before.count("\n") + 1, at - before.rfind("\n"))


@dataclass(frozen=True, slots=True)
class CaseResult:
    """What became of a case in a rule file; ``passed`` if the rule did what the case says."""

    rule: str
    case: str
    file: str
    line: int
    passed: bool
    sentence: str


def run_cases(rules: RuleSet) -> list[CaseResult]:
    """Ask every rule its own cases."""
    return [result for rule in rules.rules if rule.cases for result in _cases(rule)]


def _cases(rule: Rule) -> list[CaseResult]:
    holds = _of_rule(rule)
    results = []
    for case in rule.cases:
        try:
            matched = bool(holds(given(case.fields, strict=True)))
            sentence = f"must {'match' if case.matches else 'not match'} and does{'' if matched else ' not'}"
            passed = matched is case.matches
        except ValueError as error:
            passed, sentence = False, str(error)
        results.append(CaseResult(rule.name, case.name, case.place.file, case.place.line, passed, sentence))
    return results
