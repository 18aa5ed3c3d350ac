"""What a chat message says: less than a mail, in an order that fits a screen."""

from collections.abc import Iterator
from dataclasses import dataclass

from notify.escape import remark, shown, visible
from notify.message import Message
from notify.render.text import tree

_FACTS = ("Program", "User", "File", "Connection", "Image", "Pod", "Workload", "Node", "Time")


@dataclass(frozen=True, slots=True)
class Part:
    """A paragraph: a heading, a text of one line, lines of code, or a link. All are visible and defanged."""

    heading: str = ""
    text: str = ""
    code: tuple[str, ...] = ()
    link: tuple[str, str] | None = None


def headline(message: Message) -> str:
    """The first line."""
    return remark(f"{message.severity.upper()}: {message.title}", 200)


def parts(message: Message) -> Iterator[Part]:
    """The whole of an opening; of what comes later only the news."""
    owner = shown(message.owner.name) or "nobody"
    yield Part(text=f"{message.news}. Owner: {owner} ({shown(message.owner.reason)}).")
    if message.kind == "reminder":
        return
    if len(message.seen) > 1:
        yield Part(
            code=tuple(f"{one.count:>6,} x {shown(one.rule)} ({one.severity})" for one in message.seen)
        )
    if message.kind == "update" and not message.raised:
        yield from _ways(message)
        return
    yield Part("What happened", shown(message.output))
    if message.steps:
        yield Part("What to do now", visible(message.steps))
    if message.unless:
        same = "; ".join(one.rstrip(".") for one in message.unless)
        yield Part("Harmless and looks the same", visible(same))
    if message.tree:
        yield Part("Who started whom", code=tuple(tree(message)))
    facts = [f"{fact.label + ':':<12} {fact.shown}" for fact in message.facts if fact.label in _FACTS]
    yield Part("Details", code=tuple(facts))
    for unseen in message.unseen:
        yield Part("Not seen", remark(unseen))
    yield from _ways(message)
    yield Part("Silence it", code=(visible(message.silence),))


def _ways(message: Message) -> Iterator[Part]:
    for title, url in message.links:
        yield Part(link=(visible(title), url))
    for one in message.attacks:
        yield Part(link=(shown(f"{one.id} {one.name}"), one.url))
