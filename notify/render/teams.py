"""A message as an Adaptive Card for Teams: text runs, which know no Markdown and no mentions."""

import re
from collections.abc import Iterator
from typing import Any

from notify.message import Message
from notify.render.chat import Part, headline, parts

_COLOURS = {"critical": "attention", "high": "attention", "medium": "warning", "low": "accent"}

_COLUMNS = re.compile(r"^ +|  +")

# A message of more than 28 KB is refused.
_LARGEST = 1500


def payload(message: Message) -> dict[str, Any]:
    """What a workflow that posts to a channel takes."""
    body = [
        _block([_run(headline(message), weight="bolder", size="large", color=_COLOURS[message.severity])])
    ]
    body += [block for part in parts(message) for block in _part(part)]
    links = [part.link for part in parts(message) if part.link]
    return {
        "type": "message",
        "attachments": [
            {
                "contentType": "application/vnd.microsoft.card.adaptive",
                "contentUrl": None,
                "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "fallbackText": headline(message),
                    "msteams": {"width": "Full"},
                    "body": body,
                    "actions": [
                        {"type": "Action.OpenUrl", "title": title, "url": url} for title, url in links[:6]
                    ],
                },
            }
        ],
    }


def _part(part: Part) -> Iterator[dict[str, Any]]:
    if part.heading:
        text = [_run(f" {part.text}")] if part.text else []
        yield _block([_run(f"{part.heading}:", weight="bolder"), *text])
    elif part.text:
        yield _block([_run(part.text)])
    for line in part.code:
        yield _block([_run(_spaced(line), fontType="monospace", size="small")], "none")


def _spaced(line: str) -> str:
    """A line whose indent and columns a card keeps; it may still be broken between words."""
    return _COLUMNS.sub(lambda spaces: "\N{NO-BREAK SPACE}" * len(spaces[0]), line)


def _block(runs: list[dict[str, Any]], spacing: str = "default") -> dict[str, Any]:
    return {"type": "RichTextBlock", "inlines": runs, "spacing": spacing}


def _run(text: str, **style: str) -> dict[str, Any]:
    return {"type": "TextRun", "text": text[:_LARGEST], **style}
