"""A message as HTML for mail: styles within the tags, as mail readers want it; readable on a telephone."""

from collections.abc import Iterable, Iterator
from html import escape

from notify.escape import remark, shown, visible
from notify.message import Branch, Message, clock
from notify.render.style import BACKGROUND, INK, STYLES
from notify.render.text import closing, command

_HEAD = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width,initial-scale=1">'
    '<meta name="color-scheme" content="light"><title>{}</title></head>'
)


def html(message: Message) -> str:
    """The whole page."""
    preview = _tag("div", "hidden", _(message.output))
    card = _tag("div", "card", "".join(_parts(message)))
    return _HEAD.format(escape(remark(message.title))) + _tag("body", "page", preview + card) + "</html>\n"


def _(text: str) -> str:
    """Text of whatever origin, as text."""
    return escape(shown(text))


def _tag(name: str, style: str, content: str, more: str = "", **attributes: str) -> str:
    """An element; ``content`` is HTML, ``style`` a name in ``STYLES``, ``more`` further style."""
    css = escape(STYLES[style] + more, quote=True)
    given = "".join(f' {key}="{escape(value, quote=True)}"' for key, value in attributes.items())
    return f'<{name} style="{css}"{given}>{content}</{name}>'


def _parts(message: Message) -> Iterator[str]:
    yield _banner(message)
    yield _tag("div", "inside", "".join(_inside(message)))


def _inside(message: Message) -> Iterator[str]:
    yield _heading("What happened")
    if message.output != message.rule:
        yield _tag("p", "strong", _(message.output))
    if message.description:
        yield _tag("p", "text", escape(visible(message.description)))
    yield _todo(message)
    yield from _links(message)
    if message.tree:
        yield _heading("Who started whom")
        yield _tag("div", "box", "".join(_branch(branch, message.severity) for branch in message.tree))
    yield _heading("Details")
    yield _facts((fact.label, fact.shown) for fact in message.facts)
    if message.count > 1:
        yield _heading(f"The {message.count:,} alerts in this message")
        yield _facts((f"{one.count:,} ×", shown(f"{one.rule} ({one.severity})")) for one in message.seen)
    yield from _attacks(message)
    yield _heading("How sure is this?")
    yield _tag("p", "text", escape(visible(message.sureness)))
    for unseen in message.unseen:
        yield _tag("p", "text", f"Not seen: {escape(remark(unseen))}", f";color:{INK['medium']}")
    yield _heading("Harmless, and it will happen again?")
    yield _tag("p", "text", "Silence it for a while; say why, for those who come after you:")
    yield _tag("div", "code", escape(visible(message.silence)))
    yield _tag("div", "foot", "".join(_tag("p", "small", escape(line)) for line in closing(message)))


def _banner(message: Message) -> str:
    owner = f"Owner: <b>{_(message.owner.name)}</b>" if message.owner.name else "<b>No owner is named</b>"
    kicker = f"{message.severity.upper()} SECURITY ALERT &middot; {_(message.news)}"
    lines = [
        _tag("div", "kicker", kicker),
        _tag("h1", "title", _(message.rule)),
        _tag("div", "place", escape(remark(message.place))),
        _tag("div", "owner", escape(clock(message.since))),
        _tag("div", "owner", f"{owner} ({_(message.owner.reason)})"),
    ]
    return _tag("div", "banner", "".join(lines), f";background:{INK[message.severity]}")


def _todo(message: Message) -> str:
    """The first thing a reader looks for."""
    ink = INK[message.severity]
    steps = message.steps or "Find out who ran this and why; if nobody can say, isolate the container."
    lines = [
        _tag("p", "subhead", "What to do now", f";color:{ink}"),
        _tag("p", "text", escape(visible(steps))),
    ]
    if message.unless:
        lines.append(_tag("p", "subhead", "Harmless things that look the same", f";color:{ink}"))
        lines.append(
            _tag("ul", "list", "".join(_tag("li", "item", escape(visible(one))) for one in message.unless))
        )
    look = f";background:{BACKGROUND[message.severity]};border-left:4px solid {ink}"
    return _tag("div", "todo", "".join(lines), look)


def _branch(branch: Branch, severity: str) -> str:
    """One process; the indent is small, so that ten of them fit on a telephone."""
    indent = f";padding-left:{14 * branch.depth}px"
    corner = "&#9492; " if branch.depth else ""
    if branch.skipped:
        return _tag("div", "process", f"{corner}&hellip; {branch.skipped} more", indent)
    name = _tag("b", "name", escape(shown(branch.name)))
    inside = _tag("span", "place_of", " in the container") if branch.inside else ""
    line = corner + name + _tag("span", "pid", f" {branch.pid}") + inside
    called = _tag("div", "command", escape(command(branch))) if branch.command else ""
    if not branch.culprit:
        return _tag("div", "process", line + called, indent)
    mark = _tag("span", "mark", " &#9664; this process", f";color:{INK[severity]}")
    return _tag("div", "process", _tag("div", "culprit", line + mark + called), indent)


def _facts(facts: Iterable[tuple[str, str]]) -> str:
    rows = "".join(
        f"<tr>{_tag('td', 'label', escape(label))}{_tag('td', 'value', escape(value))}</tr>"
        for label, value in facts
    )
    return f'<table role="presentation" cellpadding="0" cellspacing="0">{rows}</table>'


def _attacks(message: Message) -> Iterator[str]:
    if message.attacks:
        yield _heading("Known attack technique (MITRE ATT&CK)")
    for one in message.attacks:
        link = _tag("a", "link", _(one.id), href=one.url)
        yield _tag("p", "text", f"{link} {_(one.name)}" + (f" ({_(one.tactics)})" if one.tactics else ""))


def _links(message: Message) -> Iterator[str]:
    if message.links:
        yield _heading("Look further")
    for title, url in message.links:
        yield _tag("a", "button", escape(visible(title)), href=url)


def _heading(text: str) -> str:
    return _tag("h2", "heading", escape(text))
