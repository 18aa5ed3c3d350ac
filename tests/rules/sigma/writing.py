"""Short ways to write Sigma rules in tests."""

import textwrap

import rules
from rules.load import Loaded, compiled, understood
from rules.ruleset import Rule
from stream.engine import Engine
from tests.events import batch
from wire.event import AnyEvent

PROCESS = "category: process_creation"
FILE = "category: file_event"
NETWORK = "category: network_connection"
AUDIT = "service: auditd"


def sigma(detection: str, source: str = PROCESS, title: str = "T", extra: str = "level: high") -> str:
    """A document; ``detection`` are the lines below that key."""
    lines = textwrap.indent(textwrap.dedent(detection).strip("\n"), "  ")
    return f"title: {title}\n{extra}\nlogsource:\n  product: linux\n  {source}\ndetection:\n{lines}\n"


def asking(check: str, source: str = PROCESS, **more: str) -> str:
    """A document with one selection; ``check`` are its lines."""
    lines = textwrap.indent(textwrap.dedent(check).strip("\n"), "  ")
    return sigma(f"selection:\n{lines}\ncondition: selection", source, **more)


def loaded(*texts: str) -> Loaded:
    """What texts amount to; messages call them ``1.yml``, ``2.yml`` and so on."""
    return understood([(f"{number}.yml", text) for number, text in enumerate(texts, 1)], [])


def only(text: str) -> Rule:
    """The one rule of a text, of which nothing is wrong."""
    found = loaded(text)
    assert found.errors == ()
    assert found.refused == ()
    (rule,) = found.rules
    return rule


def holds(text: str, **fields: object) -> bool:
    """Whether the rule of a text holds for fields by Sigma's names."""
    return rules.evaluate_rule(only(text), fields)


def reasons(text: str) -> list[str]:
    """Why the rule of a text is refused."""
    found = loaded(text)
    assert found.errors == ()
    assert found.rules == ()
    (refused,) = found.refused
    return list(refused.reasons)


def errors(*texts: str) -> list[str]:
    """What is wrong with texts."""
    return [str(fault) for fault in loaded(*texts).errors]


def matched(text: str, *events: AnyEvent) -> list[int]:
    """The numbers of the events in which the engine finds what a text describes."""
    ruleset = compiled(loaded(text))
    return [detection.events[0] for detection in Engine(ruleset).process(batch(*events))]
