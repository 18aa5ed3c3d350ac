"""A message as plain text: for mail readers without HTML, for terminals, for tickets."""

import textwrap
from collections.abc import Iterator

from notify.escape import remark, shown, visible
from notify.message import Branch, Message, clock, many

_WIDTH = 78

# What trackers take as a title.
_SUBJECT = 250


def subject(message: Message) -> str:
    """One line for subjects and titles."""
    return f"[{message.severity.upper()}] {remark(message.title, 180)}"[:_SUBJECT]


def text(message: Message) -> str:
    """The whole message."""
    return "\n".join(_lines(message)) + "\n"


def _lines(message: Message) -> Iterator[str]:
    yield f"{message.severity.upper()}: {remark(message.title)}"
    yield f"{message.news}. Owner: {shown(message.owner.name) or 'nobody'} ({shown(message.owner.reason)})."
    if message.raised:
        yield f"It has become more severe: now {message.severity}."
    yield from _section("What happened", _paragraph(shown(message.output)))
    if message.description:
        yield from _paragraph(visible(message.description))
    if message.steps:
        yield from _section("What to do now", _paragraph(visible(message.steps)))
    if message.unless:
        yield from _section(
            "Harmless things that look the same", (f"- {visible(one)}" for one in message.unless)
        )
    if message.links:
        yield from _section("Look further", (f"{visible(title)}: {url}" for title, url in message.links))
    if message.tree:
        yield from _section("Who started whom", tree(message))
    facts = [(fact.label, fact.shown) for fact in message.facts]
    yield from _section("Details", (f"{label + ':':<12} {value}" for label, value in facts))
    if len(message.seen) > 1 or message.count > 1:
        rows = (f"{one.count:>6,} x {shown(one.rule)} ({one.severity})" for one in message.seen)
        yield from _section("In this message", rows)
    if message.attacks:
        techniques = (
            f"{shown(one.id)} {shown(one.name)} ({shown(one.tactics)})\n  {visible(one.url)}"
            for one in message.attacks
        )
        yield from _section("MITRE ATT&CK", techniques)
    sure = [visible(message.sureness), *(f"Not seen: {remark(one)}" for one in message.unseen)]
    yield from _section("How sure", sure)
    yield from _section("Not interested? Silence it, and say why", [visible(message.silence)])
    yield ""
    yield from closing(message)


def closing(message: Message) -> Iterator[str]:
    """What the message has to do with others."""
    withheld = f", {message.withheld:,} more silenced or inhibited" if message.withheld else ""
    yield (
        f"Incident {message.incident}: {many(message.total)} since {clock(message.since)}{withheld}. "
        "All of them are where your alerts are kept."
    )
    yield "tracetide saw it as it happened, in the kernel of the machine: it is no scan, and not from a log."
    yield f"You get this by {shown(message.why)}. Addresses are written so that nobody opens them by mistake."


def tree(message: Message) -> Iterator[str]:
    """The line of descent, the culprit marked."""
    for branch in message.tree:
        yield _branch(branch)


def _branch(branch: Branch) -> str:
    indent = "   " * max(0, branch.depth - 1) + ("`- " if branch.depth else "")
    if branch.skipped:
        return f"{indent}... {branch.skipped} more"
    inside = " (in the container)" if branch.inside else ""
    mark = "   <-- this process" if branch.culprit else ""
    return f"{indent}{shown(branch.name)} [{branch.pid}]{inside}  {command(branch)}{mark}"


def command(branch: Branch) -> str:
    """What a process was called with; who started the container is long and seldom matters."""
    return shown(branch.command, 80 if branch.outside else 300)


def _paragraph(words: str) -> list[str]:
    return textwrap.wrap(words, _WIDTH, break_long_words=False, break_on_hyphens=False)


def _section(title: str, lines: Iterator[str] | list[str]) -> Iterator[str]:
    yield ""
    yield f"== {title} =="
    yield from lines
