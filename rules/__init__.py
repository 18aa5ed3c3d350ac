"""The rule language, its compiler, and the library of rules that comes with tracetide."""

from rules.catalogue import FIELDS
from rules.evaluate import CaseResult, evaluate, evaluate_rule, run_cases
from rules.faults import Fault, Place, RuleErrors
from rules.given import GivenError
from rules.load import LIBRARY, load, load_texts
from rules.report import Report, check
from rules.ruleset import Host, Matching, Process, Rule, RuleSet

__all__ = [
    "FIELDS",
    "LIBRARY",
    "CaseResult",
    "Fault",
    "GivenError",
    "Host",
    "Matching",
    "Place",
    "Process",
    "Report",
    "Rule",
    "RuleErrors",
    "RuleSet",
    "check",
    "evaluate",
    "evaluate_rule",
    "load",
    "load_texts",
    "run_cases",
]
