"""ServiceNow: an incident in its table, with work notes, and an impact that rises with it."""

import base64
from dataclasses import dataclass

from pydantic import Field, SecretStr

from notify.escape import inert
from notify.message import Message
from notify.receivers.http import Http, http
from notify.receivers.ticket import Tickets, TicketSettings, part, rows
from notify.render.text import subject, text

# From impact and urgency ServiceNow makes the priority: 1 and 1 is critical.
_IMPACT = {"critical": "1", "high": "1", "medium": "2", "low": "3"}
_URGENCY = {"critical": "1", "high": "2", "medium": "2", "low": "3"}
_SHORT, _LONGEST = 160, 4000

# States of an incident: 2 is in progress; 6, 7 and 8 are resolved, closed and cancelled.
_IN_PROGRESS, _OVER = "2", ("6", "7", "8")


class Settings(TicketSettings):
    """``servicenow``: an instance, and a user with the role itil."""

    url: str = Field(description="the instance's address, such as https://example.service-now.com")
    username: str = Field(description="the user")
    password: SecretStr = Field(description="the user's password")
    table: str = Field("incident", description="the table", pattern=r"^\w+$")
    assignment_group: str = Field("", description="the group that gets it, if it is always the same")
    timeout: float = Field(30, description="seconds to wait for an answer", gt=0)


def create(settings: Settings) -> Tickets:
    """What makes records in the table."""
    login = f"{settings.username}:{settings.password.get_secret_value()}".encode()
    headers = {"Authorization": f"Basic {base64.b64encode(login).decode()}", "Accept": "application/json"}
    base = settings.url.rstrip("/") + "/api/now/table/"
    return Tickets(ServiceNow(http("ServiceNow", base, settings.timeout, headers), settings), settings)


@dataclass(frozen=True)
class ServiceNow:
    """Records by their sys_id; ``correlation_id`` is for what another system calls them."""

    http: Http
    settings: Settings

    async def find(self, label: str) -> str | None:
        """See ``Tracker``."""
        found = await self._rows(
            self.settings.table, f"correlation_id={label}^ORDERBYsys_created_on", "sys_id", 1
        )
        return str(found[0]["sys_id"]) if found else None

    async def open(self, message: Message, label: str) -> str:
        """See ``Tracker``."""
        record = {
            "short_description": inert(subject(message))[:_SHORT],
            "description": inert(text(message))[:_LONGEST],
            "correlation_id": label,
            "correlation_display": "tracetide",
            **self._weight(message),
        }
        if self.settings.assignment_group:
            record["assignment_group"] = self.settings.assignment_group
        answer = await self.http.json("POST", self.settings.table, record)
        return str(answer["result"]["sys_id"])

    async def closed(self, key: str) -> bool:
        """Resolved ones count as closed."""
        answer = await self.http.json(
            "GET", f"{self.settings.table}/{key}", query={"sysparm_fields": "state,active"}
        )
        return part(answer, "result", "state") in _OVER or part(answer, "result", "active") == "false"

    async def reopen(self, key: str) -> None:
        """See ``Tracker``; what is closed and not only resolved, few may reopen."""
        await self.http.json("PATCH", f"{self.settings.table}/{key}", {"state": _IN_PROGRESS})

    async def comments(self, key: str) -> list[str]:
        """See ``Tracker``; notes are rows of a table of their own."""
        query = f"element_id={key}^element=work_notes^ORDERBYDESCsys_created_on"
        found = await self._rows("sys_journal_field", query, "value", 50)
        return [str(each.get("value", "")) for each in found]

    async def comment(self, key: str, message: Message, mark: str) -> None:
        """See ``Tracker``."""
        # Notes have mark-up: what is between [code] and [/code] is HTML.
        notes = f"{mark}\n{inert(text(message))}"[:_LONGEST]
        await self.http.json("PATCH", f"{self.settings.table}/{key}", {"work_notes": notes})

    async def raised(self, key: str, message: Message) -> None:
        """See ``Tracker``."""
        await self.http.json("PATCH", f"{self.settings.table}/{key}", self._weight(message))

    async def ready(self) -> None:
        """See ``Tracker``."""
        await self._rows(self.settings.table, "", "sys_id", 1)

    async def _rows(self, table: str, query: str, field: str, most: int) -> list[dict[str, object]]:
        given = {"sysparm_query": query, "sysparm_fields": field, "sysparm_limit": str(most)}
        answer = await self.http.json("GET", table, query=given)
        return rows(part(answer, "result"))

    @staticmethod
    def _weight(message: Message) -> dict[str, str]:
        return {"impact": _IMPACT[message.severity], "urgency": _URGENCY[message.severity]}
