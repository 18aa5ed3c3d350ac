"""TheHive 5: an alert for each incident, with comments; once it is imported, comments of the case."""

from dataclasses import dataclass

from pydantic import Field, SecretStr

from notify.message import Message
from notify.receivers.http import Http, HttpError, http
from notify.receivers.ticket import Tickets, TicketSettings, part, rows
from notify.render.markdown import ticket
from notify.render.text import subject

_SEVERITY = {"critical": 4, "high": 3, "medium": 2, "low": 1}


class Settings(TicketSettings):
    """``thehive``: a server, and the key of a user who may manage alerts and comment on cases."""

    url: str = Field(description="the server's address, such as https://thehive.example.org")
    token: SecretStr = Field(description="the user's API key")
    organisation: str = Field("", description="the organisation, for a user who has several")
    kind: str = Field("runtime-security", description="the type of the alerts", min_length=1)
    source: str = Field("tracetide", description="the source of the alerts", min_length=1)
    tags: list[str] = Field([], description="tags for every alert")
    timeout: float = Field(30, description="seconds to wait for an answer", gt=0)


def create(settings: Settings) -> Tickets:
    """What makes alerts in the organisation."""
    headers = {"Authorization": f"Bearer {settings.token.get_secret_value()}"}
    if settings.organisation:
        headers["X-Organisation"] = settings.organisation
    base = settings.url.rstrip("/") + "/api/v1/"
    return Tickets(TheHive(http("TheHive", base, settings.timeout, headers), settings), settings)


@dataclass(frozen=True)
class TheHive:
    """Alerts by their id; type, source and ``sourceRef`` together are there once."""

    http: Http
    settings: Settings

    async def find(self, label: str) -> str | None:
        """See ``Tracker``."""
        same = {"type": self.settings.kind, "source": self.settings.source, "sourceRef": label}
        wanted = [{"_eq": {"_field": name, "_value": value}} for name, value in same.items()]
        found = await self._query({"_name": "listAlert"}, {"_name": "filter", "_and": wanted})
        return str(found[0]["_id"]) if found else None

    async def open(self, message: Message, label: str) -> str:
        """See ``Tracker``; one that is there already is refused with 400."""
        alert = {
            "type": self.settings.kind,
            "source": self.settings.source,
            "sourceRef": label,
            "title": subject(message),
            "description": ticket(message),
            "severity": _SEVERITY[message.severity],
            "date": message.since // 1_000_000,
            "tags": [*self.settings.tags, *(one.id for one in message.attacks)],
        }
        if message.links:
            alert["externalLink"] = message.links[0][1]
        try:
            return str((await self.http.json("POST", "alert", alert))["_id"])
        except HttpError as error:
            there = await self.find(label) if error.status == 400 else None  # HTTP
            if there is None:
                raise
            return there

    async def closed(self, key: str) -> bool:
        """See ``Tracker``."""
        place = await self._place(key)
        return part(await self.http.json("GET", place), "stage") == "Closed"

    async def reopen(self, key: str) -> None:
        """See ``Tracker``."""
        place = await self._place(key)
        status = "InProgress" if place.startswith("case/") else "New"
        await self.http.json("PATCH", place, {"status": status})

    async def comments(self, key: str) -> list[str]:
        """See ``Tracker``."""
        kind, _, name = (await self._place(key)).partition("/")
        found = await self._query({"_name": f"get{kind.title()}", "idOrName": name}, {"_name": "comments"})
        return [str(each.get("message", "")) for each in found]

    async def comment(self, key: str, message: Message, mark: str) -> None:
        """See ``Tracker``."""
        said = {"message": f"{ticket(message)}\n\n`{mark}`"}
        await self.http.json("POST", f"{await self._place(key)}/comment", said)

    async def raised(self, key: str, message: Message) -> None:
        """See ``Tracker``."""
        await self.http.json("PATCH", await self._place(key), {"severity": _SEVERITY[message.severity]})

    async def ready(self) -> None:
        """See ``Tracker``."""
        await self.http.json("GET", "user/current")

    async def _place(self, key: str) -> str:
        """Where people work on it: the alert, or the case that came of it."""
        case = part(await self.http.json("GET", f"alert/{key}"), "caseId")
        return f"case/{case}" if case else f"alert/{key}"

    async def _query(self, *steps: dict[str, object]) -> list[dict[str, object]]:
        return rows(await self.http.json("POST", "query", {"query": list(steps)}))
