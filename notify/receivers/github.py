"""GitHub: an issue for each incident, with comments. The repository should be a private one."""

from dataclasses import dataclass

from pydantic import Field, SecretStr

from notify.message import Message
from notify.receivers.http import Http, http
from notify.receivers.ticket import Tickets, TicketSettings, part, rows
from notify.render.markdown import ticket
from notify.render.text import subject


class Settings(TicketSettings):
    """``github``: a repository, and a token that may write its issues."""

    url: str = Field("https://api.github.com", description="the interface's address")
    token: SecretStr = Field(description="a token with the right to write issues")
    repository: str = Field(description="owner/name", pattern=r"^[\w.-]+/[\w.-]+$")
    labels: list[str] = Field([], description="labels for every issue")
    timeout: float = Field(30, description="seconds to wait for an answer", gt=0)


def create(settings: Settings) -> Tickets:
    """What opens issues in the repository."""
    headers = {
        "Authorization": f"Bearer {settings.token.get_secret_value()}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    base = f"{settings.url.rstrip('/')}/repos/{settings.repository}/"
    return Tickets(Github(http("GitHub", base, settings.timeout, headers), settings), settings)


@dataclass(frozen=True)
class Github:
    """Issues by their number. A list by label is of the moment; the search would be behind."""

    http: Http
    settings: Settings

    async def find(self, label: str) -> str | None:
        """See ``Tracker``."""
        found = rows(await self.http.json("GET", "issues", query={"labels": label, "state": "all"}))
        return str(found[0]["number"]) if found else None

    async def open(self, message: Message, label: str) -> str:
        """See ``Tracker``."""
        labels = [*self.settings.labels, label, f"severity:{message.severity}"]
        body = {"title": subject(message), "body": ticket(message), "labels": labels}
        return str((await self.http.json("POST", "issues", body))["number"])

    async def closed(self, key: str) -> bool:
        """See ``Tracker``."""
        return part(await self.http.json("GET", f"issues/{key}"), "state") == "closed"

    async def reopen(self, key: str) -> None:
        """See ``Tracker``."""
        await self.http.json("PATCH", f"issues/{key}", {"state": "open"})

    async def comments(self, key: str) -> list[str]:
        """See ``Tracker``; the oldest come first, so all pages are read."""
        found: list[str] = []
        for page in range(1, 100):
            given = rows(
                await self.http.json(
                    "GET", f"issues/{key}/comments", query={"per_page": "100", "page": str(page)}
                )
            )
            found += [str(each.get("body", "")) for each in given]
            if len(given) < 100:
                break
        return found

    async def comment(self, key: str, message: Message, mark: str) -> None:
        """See ``Tracker``."""
        await self.http.json("POST", f"issues/{key}/comments", {"body": f"{ticket(message)}\n\n`{mark}`"})

    async def raised(self, key: str, message: Message) -> None:
        """See ``Tracker``."""
        await self.http.json("POST", f"issues/{key}/labels", {"labels": [f"severity:{message.severity}"]})

    async def ready(self) -> None:
        """See ``Tracker``."""
        await self.http.json("GET", "issues", query={"per_page": "1"})
