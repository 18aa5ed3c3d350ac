"""A message as Slack's blocks: rich text, which Slack takes as it is, without mark-up or mentions."""

from collections.abc import Iterator
from typing import Any

from notify.escape import slack
from notify.message import Message
from notify.render.chat import Part, headline, parts

# Slack's limits are 150 characters for a header, 3000 for a text, 50 blocks.
_HEADER, _TEXT = 150, 2900


def payload(message: Message) -> dict[str, Any]:
    """What chat.postMessage takes, without channel and thread. ``text`` is for notifications."""
    first = headline(message)
    return {
        "text": slack(first),
        "mrkdwn": False,
        "unfurl_links": False,
        "unfurl_media": False,
        "parse": "none",
        "link_names": False,
        "blocks": [
            {"type": "header", "text": {"type": "plain_text", "text": first[:_HEADER], "emoji": False}},
            {"type": "rich_text", "elements": [each for part in parts(message) for each in _part(part)]},
        ],
    }


def _part(part: Part) -> Iterator[dict[str, Any]]:
    if part.link:
        title, url = part.link
        yield {"type": "rich_text_section", "elements": [{"type": "link", "url": url, "text": title}]}
    if part.heading or part.text:
        heading = [_text(f"{part.heading}: ", bold=True)] if part.heading else []
        said = [_text(f"{part.text}\n")] if part.text else []
        yield {"type": "rich_text_section", "elements": [*heading, *said]}
    if part.code:
        code = "\n".join(part.code)[:_TEXT]
        yield {"type": "rich_text_preformatted", "elements": [_text(code)]}


def _text(text: str, *, bold: bool = False) -> dict[str, Any]:
    element: dict[str, Any] = {"type": "text", "text": text[:_TEXT]}
    return element | {"style": {"bold": True}} if bold else element
