"""A message as Markdown, for chats and trackers that read it: everything of others is code or escaped."""

from collections.abc import Iterator

from notify.escape import fenced, markdown
from notify.message import Message
from notify.render.chat import Part, headline, parts
from notify.render.text import text

# GitHub takes 65,536 characters in all.
_LONGEST = 60_000


def chat(message: Message, longest: int = 12_000) -> str:
    """For Mattermost and Discord, at most ``longest`` characters."""
    lines = [f"**{markdown(headline(message))}**"]
    for part in parts(message):
        added = list(_part(part))
        if sum(map(len, lines)) + len(lines) + sum(map(len, added)) + len(added) > longest:
            break
        lines += added
    return "\n".join(lines)


def ticket(message: Message) -> str:
    """For issues of GitLab and GitHub: the whole message as one block, which nothing in it can end.

    No line begins with a slash: GitLab takes such lines for commands.
    """
    lines = text(message)[:_LONGEST].splitlines()
    lines = [f" {line}" if line.startswith("/") else line for line in lines]
    links = [f"- [{markdown(title)}](<{url.replace('>', '%3E')}>)" for title, url in message.links]
    return "\n".join([*fenced(lines), "", *links])


def _part(part: Part) -> Iterator[str]:
    if part.link:
        title, url = part.link
        yield f"[{markdown(title)}](<{url.replace('>', '%3E')}>)"
    if part.heading:
        yield f"**{markdown(part.heading)}:** {markdown(part.text)}".rstrip()
    elif part.text:
        yield markdown(part.text)
    if part.code:
        yield from fenced(list(part.code))
