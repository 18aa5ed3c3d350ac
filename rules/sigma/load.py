"""Load documents that are written for Sigma: rules, filters and correlation rules."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sigma.correlations import SigmaCorrelationRule
from sigma.filters import SigmaFilter
from sigma.rule import SigmaRule

from rules.faults import Fault
from rules.files.tree import Entries
from rules.sigma import convert
from rules.sigma.correlate import Correlator
from rules.sigma.document import Document, read
from rules.sigma.outcome import Outcome
from rules.sigma.parse import UNREADABLE, parsed, refused_before, sentence
from rules.sigma.sources import Source


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
    correlator = Correlator(outcome)
    names: dict[str, str | None] = dict.fromkeys(taken)
    for document in read(nodes):
        if isinstance(document, Fault):
            outcome.errors.append(document)
        elif "correlation" in document.values:
            correlations += parsed(document, SigmaCorrelationRule.from_dict, outcome)
        elif "filter" in document.values:
            filters += parsed(document, SigmaFilter.from_dict, outcome)
        else:
            correlator.know(_take(document, rules, names, outcome), document)
    _filtered(filters, rules.values(), outcome)
    for each in rules.values():
        _convert(each, correlator.sources, outcome)
    correlator.add(correlations)
    _silence(outcome)
    return outcome


def _take(
    document: Document, rules: dict[str, _Understood], names: dict[str, str | None], outcome: Outcome
) -> str:
    """Take in a rule, if it can be read; gives the name that it has here."""
    name = document.title
    if refused_before(document, outcome):
        return name
    for _, found in parsed(document, SigmaRule.from_dict, outcome):
        name = _named(document.title, str(found.id or ""), names)
        if name in rules:
            earlier = rules[name].document.place
            outcome.warnings.append(document.fault(f"replaces the rule at {earlier}", kind="notice"))
        rules[name] = _Understood(document, found, name)
    return name


def _named(title: str, number: str, names: dict[str, str | None]) -> str:
    """The name of a rule: its title, with the beginning of its id if another rule has that title."""
    name = title
    if name in names and names[name] != number:
        name = f"{title} ({number[:8] or 'Sigma'})"
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
        except UNREADABLE as error:
            outcome.errors.append(document.fault(sentence(error)))
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
    except UNREADABLE as error:
        place = each.document.place_of("condition")
        outcome.errors.append(each.document.fault(sentence(error), place))
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
