"""Jira Cloud: an issue for each incident, with comments and a priority that rises with it."""

import base64
from dataclasses import dataclass
from typing import Any

from pydantic import Field, SecretStr

from notify.contract import Never
from notify.message import Message
from notify.receivers.http import Http, HttpError, http
from notify.receivers.ticket import Tickets, TicketSettings, part, rows
from notify.render.text import subject, text

# Jira takes 32,767 characters in all.
_LONGEST = 30_000
_PRIORITIES = {"critical": "Highest", "high": "High", "medium": "Medium", "low": "Low"}


class Settings(TicketSettings):
    """``jira``: a site, a project in it, and a user's token."""

    url: str = Field(description="the site's address, such as https://example.atlassian.net")
    username: str = Field(description="the user's mail address")
    token: SecretStr = Field(description="a token of that user")
    project: str = Field(description="the project's key, such as SEC", pattern=r"^[A-Z][A-Z0-9_]+$")
    kind: str = Field("Task", description="the type of the issues")
    labels: list[str] = Field([], description="labels for every issue")
    priorities: dict[str, str] = Field(
        _PRIORITIES, description="the names of priorities for critical, high, medium and low; {} for none"
    )
    timeout: float = Field(30, description="seconds to wait for an answer", gt=0)


def create(settings: Settings) -> Tickets:
    """What opens issues in the project."""
    login = f"{settings.username}:{settings.token.get_secret_value()}".encode()
    headers = {"Authorization": f"Basic {base64.b64encode(login).decode()}", "Accept": "application/json"}
    base = settings.url.rstrip("/") + "/rest/api/3/"
    return Tickets(Jira(http("Jira", base, settings.timeout, headers), settings), settings.closed)


@dataclass(frozen=True)
class Jira:
    """Issues by their key. Texts are documents of Jira's own format, in which a text is nothing but text."""

    http: Http
    settings: Settings

    async def find(self, label: str) -> str | None:
        """See ``Tracker``."""
        query = f'project = "{self.settings.project}" AND labels = "{label}" ORDER BY created ASC'
        answer = await self.http.json(
            "GET", "search/jql", query={"jql": query, "fields": "key", "maxResults": "1"}
        )
        found = rows(part(answer, "issues"))
        return str(found[0]["key"]) if found else None

    async def open(self, message: Message, label: str) -> str:
        """See ``Tracker``."""
        fields: dict[str, Any] = {
            "project": {"key": self.settings.project},
            "issuetype": {"name": self.settings.kind},
            "summary": subject(message),
            "labels": [*self.settings.labels, label],
            "description": document(message),
        }
        answer = await self.http.json("POST", "issue", {"fields": fields | self._priority(message)})
        return str(answer["key"])

    async def closed(self, key: str) -> bool:
        """Whether its status is in the category of those that are done, whatever it is called."""
        issue = await self.http.json("GET", f"issue/{key}", query={"fields": "status"})
        return part(issue, "fields", "status", "statusCategory", "key") == "done"

    async def reopen(self, key: str) -> None:
        """By the first transition of its workflow to a status that is not done."""
        answer = await self.http.json("GET", f"issue/{key}/transitions")
        for way in rows(part(answer, "transitions")):
            if part(way, "to", "statusCategory", "key") != "done":
                await self.http.json("POST", f"issue/{key}/transitions", {"transition": {"id": way["id"]}})
                return
        raise HttpError(Never(f"Jira has no transition that reopens {key}"), 409)

    async def comments(self, key: str) -> list[str]:
        """See ``Tracker``."""
        answer = await self.http.json(
            "GET", f"issue/{key}/comment", query={"orderBy": "-created", "maxResults": "50"}
        )
        found = rows(part(answer, "comments"))
        return [str(each.get("body", "")) for each in found]

    async def comment(self, key: str, message: Message, mark: str) -> None:
        """See ``Tracker``."""
        await self.http.json("POST", f"issue/{key}/comment", {"body": document(message, mark)})

    async def raised(self, key: str, message: Message) -> None:
        """See ``Tracker``."""
        if self._priority(message):
            await self.http.json("PUT", f"issue/{key}", {"fields": self._priority(message)})

    async def ready(self) -> None:
        """See ``Tracker``."""
        await self.http.json("GET", f"project/{self.settings.project}")

    def _priority(self, message: Message) -> dict[str, Any]:
        name = self.settings.priorities.get(message.severity)
        return {"priority": {"name": name}} if name else {}


def document(message: Message, mark: str = "") -> dict[str, Any]:
    """The message in the Atlassian Document Format: a block of code, and links."""
    content: list[dict[str, Any]] = [
        {"type": "codeBlock", "attrs": {}, "content": [{"type": "text", "text": text(message)[:_LONGEST]}]}
    ]
    for title, url in message.links:
        link = {"type": "text", "text": title, "marks": [{"type": "link", "attrs": {"href": url}}]}
        content.append({"type": "paragraph", "content": [link]})
    if mark:
        content.append({"type": "paragraph", "content": [{"type": "text", "text": mark}]})
    return {"type": "doc", "version": 1, "content": content}
