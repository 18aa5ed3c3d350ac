"""Request Tracker 5: a ticket for each incident, by its REST2 interface."""

from dataclasses import dataclass
from urllib.parse import quote

from pydantic import Field, SecretStr

from notify.contract import Never, Retry
from notify.message import Message
from notify.receivers.http import Http, HttpError, http
from notify.receivers.ticket import Tickets, TicketSettings, part, rows
from notify.render.text import subject, text

_PRIORITIES = {"critical": 100, "high": 75, "medium": 50, "low": 0}

# Texts of a ticket have the scheme text/plain: RT makes no HTML of them and runs no template.
_PLAIN = "text/plain"


class Settings(TicketSettings):
    """``rt``: a server, a queue, and a token of a user who may see, create, comment and change tickets."""

    url: str = Field(description="the server's address, such as https://rt.example.org")
    token: SecretStr = Field(description="an authentication token of that user")
    queue: str = Field(description="the queue's name", min_length=1)
    priorities: dict[str, int] = Field(
        _PRIORITIES, description="the priorities for critical, high, medium and low; {} for none"
    )
    reopened: str = Field("open", description="the status that a closed ticket gets when it is reopened")
    timeout: float = Field(30, description="seconds to wait for an answer", gt=0)


def create(settings: Settings) -> Tickets:
    """What opens tickets in the queue."""
    headers = {"Authorization": f"token {settings.token.get_secret_value()}"}
    base = settings.url.rstrip("/") + "/REST/2.0/"
    return Tickets(RequestTracker(http("RT", base, settings.timeout, headers), settings), settings)


@dataclass(frozen=True)
class RequestTracker:
    """Tickets by their number.

    A ticket refers to an address of its own, ``tracetide:<label>``: such a link needs no custom field, and
    it stays when people change the subject or merge tickets.
    """

    http: Http
    settings: Settings

    async def find(self, label: str) -> str | None:
        """See ``Tracker``."""
        found = await self._search(f"RefersTo = 'tracetide:{label}'")
        return str(found[0]["id"]) if found else None

    async def open(self, message: Message, label: str) -> str:
        """See ``Tracker``."""
        ticket = {
            "Queue": self.settings.queue,
            "Subject": subject(message),
            "Content": text(message),
            "ContentType": _PLAIN,
            "RefersTo": [f"tracetide:{label}"],
        }
        priority = self.settings.priorities.get(message.severity)
        if priority is not None:
            ticket["Priority"] = str(priority)
        return str((await self.http.json("POST", "ticket", ticket))["id"])

    async def closed(self, key: str) -> bool:
        """Whether its status is one that its lifecycle calls inactive; a merged ticket is what it became."""
        ticket = await self._ticket(key)
        return bool(await self._search(f"id = {part(ticket, 'id')} AND Status = '__Inactive__'"))

    async def reopen(self, key: str) -> None:
        """See ``Tracker``; RT answers 200 to what it refuses."""
        await self.http.json("PUT", f"ticket/{key}", {"Status": self.settings.reopened})
        if await self.closed(key):
            raise HttpError(Never(f"RT does not reopen ticket {key}"), 409)

    async def comments(self, key: str) -> list[str]:
        """The subjects of what was added to it: each mark is one."""
        query = {"fields": "Subject", "per_page": "100", "orderby": "id", "order": "DESC"}
        answer = await self.http.json("GET", f"ticket/{key}/attachments", query=query)
        return [str(each.get("Subject", "")) for each in rows(part(answer, "items"))]

    async def comment(self, key: str, message: Message, mark: str) -> None:
        """See ``Tracker``."""
        said = {"Subject": mark, "Content": text(message), "ContentType": _PLAIN}
        await self.http.json("POST", f"ticket/{key}/comment", said)

    async def raised(self, key: str, message: Message) -> None:
        """See ``Tracker``; who lacks the right hears of it as of any failure, though RT answers 200."""
        wanted = self.settings.priorities.get(message.severity)
        if wanted is None:
            return
        before = part(await self._ticket(key), "Priority")
        await self.http.json("PUT", f"ticket/{key}", {"Priority": str(wanted)})
        after = part(await self._ticket(key), "Priority")
        if after == before != str(wanted):
            raise HttpError(Retry(f"RT does not change the priority of ticket {key}: may its user?"), 403)

    async def ready(self) -> None:
        """See ``Tracker``."""
        await self.http.json("GET", f"queue/{quote(self.settings.queue, safe='')}")

    async def _ticket(self, key: str) -> object:
        """A ticket as it is; one that is deleted is not there."""
        ticket: object = await self.http.json("GET", f"ticket/{key}")
        if part(ticket, "Status") == "deleted":
            raise HttpError(Never(f"RT has deleted ticket {key}"), 410)
        return ticket

    async def _search(self, query: str) -> list[dict[str, object]]:
        given = {"query": query, "orderby": "id", "order": "ASC", "per_page": "1"}
        return rows(part(await self.http.json("GET", "tickets", query=given), "items"))
