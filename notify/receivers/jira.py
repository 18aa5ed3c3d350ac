"""Jira, in Atlassian's cloud or a Data Center: an issue for each incident, with comments and a priority."""

import base64
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import Field, SecretStr, model_validator

from notify.contract import Never
from notify.escape import visible, wiki
from notify.message import Message
from notify.receivers.http import Http, HttpError, http
from notify.receivers.ticket import Tickets, TicketSettings, part, rows
from notify.render.text import subject, text

# Jira takes 32,767 characters in all.
_LONGEST = 30_000
_PRIORITIES = {"critical": "Highest", "high": "High", "medium": "Medium", "low": "Low"}


class Settings(TicketSettings):
    """``jira``: a site, a project in it, and a user's token."""

    # The cloud's search finds a new issue after seconds, sometimes minutes:
    # https://developer.atlassian.com/cloud/jira/platform/search-and-reconcile
    settles: ClassVar[float] = 120.0
    url: str = Field(description="the site's address, such as https://example.atlassian.net")
    edition: Literal["cloud", "datacenter"] = Field("cloud", description="cloud or datacenter")
    username: str = Field("", description="the user's mail address; only for the cloud, and needed there")
    token: SecretStr = Field(description="an API token of that user; in a Data Center a personal one")
    project: str = Field(description="the project's key, such as SEC", pattern=r"^[A-Z][A-Z0-9_]+$")
    kind: str = Field("Task", description="the type of the issues")
    labels: list[str] = Field([], description="labels for every issue")
    priorities: dict[str, str] = Field(
        _PRIORITIES, description="the names of priorities for critical, high, medium and low; {} for none"
    )
    timeout: float = Field(30, description="seconds to wait for an answer", gt=0)

    @model_validator(mode="after")
    def _login(self) -> "Settings":
        if (self.edition == "cloud") is not bool(self.username):
            raise ValueError("the cloud needs a username, a Data Center's token has its user in it")
        return self


def create(settings: Settings) -> Tickets:
    """What opens issues in the project."""
    token = settings.token.get_secret_value()
    basic = base64.b64encode(f"{settings.username}:{token}".encode()).decode()
    cloud = settings.edition == "cloud"
    headers = {
        "Authorization": f"Basic {basic}" if cloud else f"Bearer {token}",
        "Accept": "application/json",
    }
    base = f"{settings.url.rstrip('/')}/rest/api/{3 if cloud else 2}/"
    return Tickets(Jira(http("Jira", base, settings.timeout, headers), settings), settings)


@dataclass(frozen=True)
class Jira:
    """Issues by their key. Texts are documents of the cloud's own format, or blocks of wiki mark-up."""

    http: Http
    settings: Settings

    async def find(self, label: str) -> str | None:
        """See ``Tracker``."""
        query = f'project = "{self.settings.project}" AND labels = "{label}" ORDER BY created ASC'
        search = "search/jql" if self.settings.edition == "cloud" else "search"
        answer = await self.http.json("GET", search, query={"jql": query, "fields": "key", "maxResults": "1"})
        found = rows(part(answer, "issues"))
        return str(found[0]["key"]) if found else None

    async def open(self, message: Message, label: str) -> str:
        """See ``Tracker``."""
        fields: dict[str, Any] = {
            "project": {"key": self.settings.project},
            "issuetype": {"name": self.settings.kind},
            "summary": subject(message),
            "labels": [*self.settings.labels, label],
            "description": self._said(message),
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
        await self.http.json("POST", f"issue/{key}/comment", {"body": self._said(message, mark)})

    async def raised(self, key: str, message: Message) -> None:
        """See ``Tracker``."""
        if self._priority(message):
            await self.http.json("PUT", f"issue/{key}", {"fields": self._priority(message)})

    async def ready(self) -> None:
        """See ``Tracker``."""
        await self.http.json("GET", f"project/{self.settings.project}")

    def _said(self, message: Message, mark: str = "") -> object:
        return document(message, mark) if self.settings.edition == "cloud" else noformat(message, mark)

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


def noformat(message: Message, mark: str = "") -> str:
    """The message in wiki mark-up: a block that shows what is in it, and links."""
    links = [f"[{visible(title)}|{url}]" for title, url in message.links]
    return "\n".join(["{noformat}", wiki(text(message))[:_LONGEST], mark, "{noformat}", *links])
