"""The rule language, its compiler, and the library of rules that comes with tracetide."""

from rules.catalogue import FIELDS
from rules.evaluate import CaseResult, evaluate, evaluate_rule, run_cases
from rules.faults import Fault, Place, RuleErrors
from rules.given import GivenError
from rules.given import unknown as unknown_fields
from rules.load import LIBRARY, files, load, load_texts, read_texts
from rules.navigator import layer as navigator_layer
from rules.nearest import suggestion
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
    "files",
    "load",
    "load_texts",
    "navigator_layer",
    "read_texts",
    "run_cases",
    "suggestion",
    "unknown_fields",
]
