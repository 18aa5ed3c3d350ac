"""A Sigma rule that pySigma has read, as a rule like all others."""

from collections.abc import Iterable, Mapping
from typing import Any

from sigma.rule import SigmaLevel, SigmaLogSource, SigmaRule, SigmaRuleBase, SigmaRuleTag

from rules import attack
from rules.assemble import weakened
from rules.compiler.logic import all_of, any_of
from rules.compiler.output import output_parts
from rules.compiler.resolve import field_names
from rules.compiler.simplify import merged
from rules.event_sets import event_types
from rules.faults import Fault
from rules.ruleset import Rule
from rules.sigma.checks import condition
from rules.sigma.condition import Condition
from rules.sigma.document import Document
from rules.sigma.sources import SOURCES, Source
from wire.detection import Priority, RuleInfo, Technique

_PRIORITIES: Mapping[SigmaLevel | None, Priority] = {
    SigmaLevel.CRITICAL: "Critical",
    SigmaLevel.HIGH: "Error",
    SigmaLevel.MEDIUM: "Warning",
    SigmaLevel.LOW: "Notice",
    SigmaLevel.INFORMATIONAL: "Informational",
    None: "Warning",
}

# Fields that are part of what an event of a log source is; an output does not repeat them.
_IMPLIED = frozenset(
    ["evt.type", "evt.rawres", "evt.res", "evt.is_open_write", "evt.arg.flags", "fd.typechar"]
)

_CATEGORIES = frozenset(SOURCES) - {"auditd"}


def source_of(log_source: SigmaLogSource) -> Source | str:
    """The log source of a rule, or why there is none."""
    product, category, service = log_source.product, log_source.category, log_source.service
    if product is not None and product.lower() != "linux":
        return f"it is for the product {product}; events are Linux'"
    if category in _CATEGORIES and service in (None, "sysmon"):
        return SOURCES[str(category)]
    if service == "auditd" and category is None:
        return SOURCES["auditd"]
    named = " and ".join(
        f"{kind} {name}" for kind, name in (("category", category), ("service", service)) if name is not None
    )
    return f"there are no events of {named or 'Linux logs in general'}"


def rule(document: Document, read: SigmaRule, source: Source, name: str) -> Rule | list[Fault]:
    """The rule, or why it cannot be asked.

    Raises:
        SigmaError: its condition cannot be read.
    """
    condition_of = Condition(source)
    logic = any_of([condition_of.logic(each.parsed) for each in read.detection.parsed_condition])
    if condition_of.reasons:
        return [
            document.fault(reason.sentence, document.place_of(reason.field))
            for reason in condition_of.reasons
        ]
    logic = merged(all_of([condition(source.events), logic]))
    types = event_types(logic)
    fields = frozenset(field_names(logic))
    output = _output(source, fields)
    parts, _ = output_parts(output)
    return Rule(
        name=name,
        info=info(read, name),
        condition=" or ".join(read.detection.condition),
        output=f"{name}{output}",
        file=document.place.file,
        line=document.place.line,
        enabled=True,
        event_types=types,
        fields=fields,
        weakened=tuple(weakened(logic, types)),
        cases=(),
        logic=logic,
        macros={},
        parts=(name, *parts),
        log_source=source.name,
    )


def info(read: SigmaRuleBase, name: str) -> RuleInfo:
    """What a rule says of itself, from the keys that all kinds of Sigma documents have."""
    return RuleInfo(
        name=name,
        description=" ".join(_texts(read.description)),
        priority=_PRIORITIES[read.level],
        tags=[str(tag) for tag in read.tags],
        techniques=_techniques(read.tags),
        false_positives=_texts(read.falsepositives),
        id=str(read.id) if read.id is not None else "",
        references=_texts(read.references),
    )


def _texts(value: Any) -> list[str]:  # noqa: ANN401  # authors write a text where a list should be
    """Texts, each on one line."""
    values = value if isinstance(value, list) else [value]
    return [" ".join(str(each).split()) for each in values if each is not None]


def _techniques(tags: Iterable[SigmaRuleTag]) -> list[Technique]:
    """Techniques with the tactics that are tagged beside them, by the words that Falco has for both."""
    names = [tag.name for tag in tags if tag.namespace == "attack"]
    tactics = [f"mitre_{name.replace('-', '_')}" for name in names]
    return attack.of_tags([*(name.upper() for name in names), *tactics])


def _output(source: Source, fields: Iterable[str]) -> str:
    """What is shown behind the title: what is always worth knowing, and what else the rule looks at."""
    more = [name for name in sorted(fields) if name not in _IMPLIED and f"%{name}" not in source.shown]
    shown = [name for name in more if output_parts(f"%{name}")[1] == []]
    return " | " + " ".join([source.shown, *(f"{name}=%{name}" for name in shown)])
