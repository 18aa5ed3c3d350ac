"""Correlation rules as pySigma has read them, checked against the rules that they are about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from sigma.correlations import (
    SigmaCorrelationCondition,
    SigmaCorrelationRule,
    SigmaExtendedCorrelationCondition,
)

from rules.faults import Fault
from rules.nearest import suggestion
from rules.sigma import convert
from rules.sigma.checks import RefusedError
from rules.sigma.condition import places_of
from rules.sigma.correlation import Correlation, Kind, Operator, Threshold
from rules.sigma.document import Document
from rules.sigma.outcome import Outcome
from rules.sigma.sources import Source

_OPERATORS: Mapping[str, Operator] = {"LT": "<", "LTE": "<=", "GT": ">", "GTE": ">=", "EQ": "=", "NEQ": "!="}

Places = Mapping[str, tuple[str, ...]]


@dataclass(slots=True)
class Correlator:
    """Gives meaning to correlation rules. ``sources`` has the log sources of rules that can be used."""

    outcome: Outcome
    sources: dict[str, Source] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    made: dict[str, Correlation] = field(default_factory=dict)

    def know(self, name: str, document: Document) -> None:
        """Let a rule be referred to by its name, its id or its title, also one that cannot be used."""
        for reference in (document.values.get("name"), document.values.get("id"), document.title, name):
            if reference:
                self.names.setdefault(str(reference), name)

    def add(self, correlations: Sequence[tuple[Document, SigmaCorrelationRule]]) -> None:
        """Take in correlation rules; one may refer to another wherever that stands."""
        for document, _ in correlations:
            self.know(document.title, document)
        waiting = list(correlations)
        while waiting:
            titles = {document.title for document, _ in waiting}
            ready = [each for each in waiting if not titles & {*map(self.names.get, _references(each[1]))}]
            if not ready:
                self.outcome.errors += [document.fault("it refers to itself") for document, _ in waiting]
                return
            for document, read in ready:
                self._add(document, read)
            waiting = [each for each in waiting if each not in ready]

    def _add(self, document: Document, read: SigmaCorrelationRule) -> None:
        references = _references(read)
        unknown = [each for each in references if each not in self.names]
        if unknown or not references:
            self.outcome.errors += [
                document.fault(
                    f"no rule in these files has the name or id '{each}'{suggestion(each, self.names)}",
                    document.place_of("rules", "correlation"),
                )
                for each in unknown
            ] or [document.fault("it names no rules")]
            return
        rules = tuple(self.names[each] for each in references)
        refused = [name for name in rules if name not in self.sources and name not in self.made]
        if refused:
            self._refuse(document, "rules", [f"the rule {name} is not loaded" for name in refused])
            return
        try:
            self._make(document, read, rules)
        except RefusedError as error:
            self._refuse(document, "group-by", [str(error)])

    def _make(self, document: Document, read: SigmaCorrelationRule, rules: tuple[str, ...]) -> None:
        condition = _condition(read)
        counted = condition.fields if isinstance(condition, Threshold) else ()
        made = Correlation(
            name=document.title,
            info=convert.info(read, document.title),
            file=document.place.file,
            line=document.place.line,
            kind=cast("Kind", read.type.name.lower()),
            rules=rules,
            seconds=read.timespan.seconds,
            group_by={name: self._places(read, name, rules) for name in read.group_by or ()},
            counted={name: self._places(read, name, rules) for name in counted},
            condition=condition,
            generate=read.generate,
        )
        self.made[made.name] = made
        self.outcome.correlations.append(made)
        sentence = "the correlation is kept for a later stage of the stream; it does not fire by itself yet"
        self.outcome.warnings.append(document.fault(sentence, kind="notice"))

    def _places(self, read: SigmaCorrelationRule, name: str, rules: Iterable[str]) -> Places:
        """Where a field is in the events of each rule; an alias has another name for it in each."""
        alias = read.aliases.aliases.get(name)
        aliased = (
            {self.names.get(each.reference): there for each, there in alias.mapping.items()} if alias else {}
        )
        return {rule: self._place(rule, aliased.get(rule, name)) for rule in rules}

    def _place(self, rule: str, name: str) -> tuple[str, ...]:
        if rule in self.made:
            known = self.made[rule].group_by
            if name not in known:
                raise RefusedError(f"{name}: the correlation {rule} does not group by it")
            return tuple(dict.fromkeys(place for places in known[name].values() for place in places))
        try:
            return places_of(self.sources[rule], name)
        except RefusedError as error:
            raise RefusedError(f"{name}: in the rule {rule}, {error}") from error

    def _refuse(self, document: Document, key: str, sentences: Iterable[str]) -> None:
        place = document.place_of(key, "correlation")
        faults: list[Fault] = [document.fault(sentence, place) for sentence in sentences]
        self.outcome.refuse(document.title, faults)


def _references(read: SigmaCorrelationRule) -> list[str]:
    if read.rules is None and isinstance(read.condition, SigmaExtendedCorrelationCondition):
        return read.condition.get_referenced_rules()
    return [each.reference for each in read.rules or ()]


def _condition(read: SigmaCorrelationRule) -> Threshold | str:
    condition = read.condition
    if not isinstance(condition, SigmaCorrelationCondition):
        return condition.expression
    fields = condition.fieldref if isinstance(condition.fieldref, list) else [condition.fieldref or ""]
    return Threshold(
        operator=_OPERATORS[condition.op.name],
        number=condition.count,
        fields=tuple(name for name in fields if name),
        percentile=condition.percentile,
    )
