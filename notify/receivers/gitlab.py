"""GitLab: an issue for each incident, confidential, with comments."""

from dataclasses import dataclass
from urllib.parse import quote

from pydantic import Field, SecretStr

from notify.message import Message
from notify.receivers.http import Http, http
from notify.receivers.ticket import Tickets, TicketSettings, part, rows
from notify.render.markdown import ticket
from notify.render.text import subject


class Settings(TicketSettings):
    """``gitlab``: a project, and a token with the scope api and at least the role Reporter."""

    url: str = Field("https://gitlab.com", description="the server's address")
    token: SecretStr = Field(description="a token of a project, a group or a user")
    project: str = Field(description="the project's path or number, such as security/incidents", min_length=1)
    labels: list[str] = Field([], description="labels for every issue")
    confidential: bool = Field(True, description="whether only members of the project see it")
    timeout: float = Field(30, description="seconds to wait for an answer", gt=0)


def create(settings: Settings) -> Tickets:
    """What opens issues in the project."""
    base = f"{settings.url.rstrip('/')}/api/v4/projects/{quote(settings.project, safe='')}/"
    headers = {"PRIVATE-TOKEN": settings.token.get_secret_value()}
    return Tickets(Gitlab(http("GitLab", base, settings.timeout, headers), settings), settings)


@dataclass(frozen=True)
class Gitlab:
    """Issues by their number in the project."""

    http: Http
    settings: Settings

    async def find(self, label: str) -> str | None:
        """See ``Tracker``."""
        found = rows(
            await self.http.json("GET", "issues", query={"labels": label, "state": "all", "scope": "all"})
        )
        return str(found[0]["iid"]) if found else None

    async def open(self, message: Message, label: str) -> str:
        """See ``Tracker``."""
        labels = [*self.settings.labels, label, f"severity::{message.severity}"]
        issue = await self.http.json(
            "POST",
            "issues",
            {
                "title": subject(message),
                "description": ticket(message),
                "labels": ",".join(labels),
                "confidential": self.settings.confidential,
            },
        )
        return str(issue["iid"])

    async def closed(self, key: str) -> bool:
        """See ``Tracker``."""
        return part(await self.http.json("GET", f"issues/{key}"), "state") == "closed"

    async def reopen(self, key: str) -> None:
        """See ``Tracker``."""
        await self.http.json("PUT", f"issues/{key}", {"state_event": "reopen"})

    async def comments(self, key: str) -> list[str]:
        """See ``Tracker``."""
        found = rows(
            await self.http.json("GET", f"issues/{key}/notes", query={"per_page": "50", "sort": "desc"})
        )
        return [str(each.get("body", "")) for each in found]

    async def comment(self, key: str, message: Message, mark: str) -> None:
        """See ``Tracker``."""
        await self.http.json("POST", f"issues/{key}/notes", {"body": f"{ticket(message)}\n\n`{mark}`"})

    async def raised(self, key: str, message: Message) -> None:
        """A label of a scope takes the place of the one before it."""
        await self.http.json("PUT", f"issues/{key}", {"add_labels": f"severity::{message.severity}"})

    async def ready(self) -> None:
        """See ``Tracker``."""
        await self.http.json("GET", "issues", query={"per_page": "1"})
