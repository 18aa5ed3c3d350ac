"""The interfaces of chats, pagers and trackers as their makers document them, on loopback.

Each checks what the real one checks, keeps what it is given, and can fail: before the work is done, after
it, or with the answer that the real one gives when it is asked too often.
"""

import asyncio
import json
import re
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

TOKEN = "marker-d41d8cd98f"  # noqa: S105  # of servers on loopback

Json = dict[str, Any]


@dataclass(frozen=True)
class Trouble:
    """What goes wrong with a request: an answer instead of the work, or no answer after it (``lost``).

    ``before`` and ``after`` are seconds that pass before the work, and between the work and the answer.
    """

    status: int = 503
    headers: Json = field(default_factory=dict)
    lost: bool = False
    before: float = 0.0
    after: float = 0.0


@dataclass
class Vendor:
    """A service. ``troubles`` are those of the next requests that write; ``asked`` counts slow ones."""

    url: str = ""
    troubles: deque[Trouble] = field(default_factory=deque)
    asked: int = 0
    things: list[Json] = field(default_factory=list)
    notes: list[Json] = field(default_factory=list)

    def writes(self, request: web.Request) -> bool:
        """Whether a request changes anything."""
        return request.method != "GET"

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Do what is asked, unless there is trouble."""
        trouble = self.troubles.popleft() if self.troubles and self.writes(request) else None
        if trouble and (trouble.before or trouble.after):
            return await self._slowly(request, trouble)
        if trouble and not trouble.lost:
            return web.json_response({"message": "no"}, status=trouble.status, headers=trouble.headers)
        body = json.loads(await request.read() or b"null")
        status, answer = self.work(request, body)
        if trouble and request.transport is not None:
            request.transport.abort()
        return web.json_response(answer, status=status) if answer is not None else web.Response(status=status)

    async def _slowly(self, request: web.Request, trouble: Trouble) -> web.StreamResponse:
        """Do what is asked, even if whoever asked is gone by then."""
        body = json.loads(await request.read() or b"null")
        self.asked += 1
        await asyncio.sleep(trouble.before)
        status, answer = self.work(request, body)
        await asyncio.sleep(trouble.after)
        return web.json_response(answer, status=status)

    def work(self, request: web.Request, body: Any) -> tuple[int, Any]:  # noqa: ANN401  # any JSON
        """The service itself."""
        raise NotImplementedError

    def close(self, thing: Json) -> None:
        """Close a ticket, as a person would."""
        thing["state"] = "closed"

    @staticmethod
    def is_closed(thing: Json) -> bool:
        """Whether a ticket is closed."""
        return bool(thing["state"] == "closed")


class Slack(Vendor):
    """https://docs.slack.dev/reference/methods/chat.postMessage."""

    def work(self, request: web.Request, body: Any) -> tuple[int, Any]:  # noqa: ANN401  # any JSON
        """It answers 200 to nearly everything."""
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return 200, {"ok": False, "error": "invalid_auth"}
        if request.path == "/auth.test":
            return 200, {"ok": True, "user": "tracetide"}
        if body["channel"] != "C024BE91L":
            return 200, {"ok": False, "error": "channel_not_found"}
        if "thread_ts" in body and body["thread_ts"] not in [one["ts"] for one in self.things]:
            return 200, {"ok": False, "error": "thread_not_found"}
        if not all(map(self.takes, body["blocks"])) or len(body["blocks"]) > 50:
            return 200, {"ok": False, "error": "invalid_blocks"}
        ts = f"1795600000.{len(self.things):06}"
        self.things.append({**body, "ts": ts})
        return 200, {"ok": True, "channel": body["channel"], "ts": ts}

    @staticmethod
    def takes(block: Json) -> bool:
        """Whether a block is within its rules."""
        if block["type"] == "header":
            return block["text"]["type"] == "plain_text" and 0 < len(block["text"]["text"]) <= 150
        kinds = {"rich_text_section", "rich_text_preformatted"}
        return block["type"] == "rich_text" and all(
            part["type"] in kinds
            and part["elements"]
            and all(one["type"] in ("text", "link") and one["text"] for one in part["elements"])
            for part in block["elements"]
        )


class Teams(Vendor):
    """A workflow that was started by "When a Teams webhook request is received"."""

    def work(self, request: web.Request, body: Any) -> tuple[int, Any]:  # noqa: ANN401  # any JSON
        """Accepted, and nothing more is said."""
        if request.path != f"/workflows/{TOKEN}":
            return 401, {"error": {"code": "DirectApiAuthorizationRequired"}}
        card = body["attachments"][0]
        known = card["contentType"] == "application/vnd.microsoft.card.adaptive"
        if not known or card["content"]["type"] != "AdaptiveCard" or len(json.dumps(body)) > 28_000:
            return 413 if known else 400, None
        self.things.append(card["content"])
        return 202, None


class Mattermost(Vendor):
    """https://developers.mattermost.com/api-documentation/#/operations/CreatePost."""

    def work(self, request: web.Request, body: Any) -> tuple[int, Any]:  # noqa: ANN401  # any JSON
        """A post that comes again is the one that is there."""
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401, {"id": "api.context.session_expired.app_error", "status_code": 401}
        if request.method == "GET":
            return (200, {"id": "x"}) if request.path == f"/api/v4/channels/{'c' * 26}" else (404, {})
        for one in self.things:
            if one["pending_post_id"] == body["pending_post_id"]:
                return 201, one
        if body["root_id"] and body["root_id"] not in [one["id"] for one in self.things]:
            return 400, {"id": "api.post.create_post.root_id.app_error", "status_code": 400}
        if not 0 < len(body["message"]) <= 16383:
            return 400, {"id": "model.post.is_valid.message_length.app_error", "status_code": 400}
        self.things.append({**body, "id": f"{len(self.things):026}"})
        return 201, self.things[-1]


class Pagerduty(Vendor):
    """https://developer.pagerduty.com/docs/send-alert-event."""

    def work(self, request: web.Request, body: Any) -> tuple[int, Any]:  # noqa: ANN401  # any JSON
        """Events with the key of an incident that is open belong to it."""
        told = body["payload"]
        wrong = [
            name
            for name, right in {
                "routing_key": body["routing_key"] == TOKEN,
                "event_action": body["event_action"] in ("trigger", "acknowledge", "resolve"),
                "summary": 0 < len(told["summary"]) <= 1024,
                "severity": told["severity"] in ("critical", "error", "warning", "info"),
                "source": bool(told["source"]),
                "dedup_key": len(body["dedup_key"]) <= 255,
            }.items()
            if not right
        ]
        if wrong or request.path != "/enqueue":
            return 400, {"status": "invalid event", "message": "Event object is invalid", "errors": wrong}
        self.notes.append(body)
        if body["dedup_key"] not in [one["dedup_key"] for one in self.things]:
            self.things.append(body)
        return 202, {"status": "success", "message": "Event processed", "dedup_key": body["dedup_key"]}


class Jira(Vendor):
    """https://developer.atlassian.com/cloud/jira/platform/rest/v3/."""

    def work(self, request: web.Request, body: Any) -> tuple[int, Any]:  # noqa: ANN401  # any JSON
        """Issues with comments, found by their labels."""
        path = request.path.removeprefix("/rest/api/3/")
        if not request.headers.get("Authorization", "").startswith("Basic "):
            return 401, {"errorMessages": ["Client must be authenticated to access this resource."]}
        return self.answer(request, path, body)

    @staticmethod
    def is_text(text: Any) -> bool:  # noqa: ANN401  # any JSON
        """A text is a document."""
        return isinstance(text, dict) and (text["type"], text["version"]) == ("doc", 1)

    def answer(self, request: web.Request, path: str, body: Any) -> tuple[int, Any]:  # noqa: ANN401  # any JSON
        """To somebody who is known."""
        if path == "project/SEC":
            return 200, {"key": "SEC"}
        if path == "search/jql":
            found = re.search(r'labels = "([^"]+)"', request.query["jql"])
            there = [one for one in self.things if found and found[1] in one["labels"]]
            return 200, {"issues": [{"key": one["key"]} for one in there[:1]], "isLast": True}
        if path == "issue":
            return self._open(body["fields"])
        return self._change(request.method, path.split("/")[1:], body)

    def _change(self, method: str, path: list[str], body: Any) -> tuple[int, Any]:  # noqa: ANN401  # any JSON
        key, *rest = path
        issue = next((one for one in self.things if one["key"] == key), None)
        if issue is None:
            return 404, {"errorMessages": ["Issue does not exist or you do not have permission to see it."]}
        if rest == ["comment"] and method == "GET":
            return 200, {"comments": [one for one in reversed(self.notes) if one["key"] == key]}
        if rest == ["comment"]:
            self.notes.append({"key": key, "body": body["body"]})
            return 201, {"id": "1"}
        if rest == ["transitions"]:
            return self._move(issue, method, body)
        if method == "GET":
            return 200, {"key": key, "fields": {"status": {"statusCategory": {"key": issue["category"]}}}}
        issue |= body["fields"]
        return 204, None

    @staticmethod
    def _move(issue: Json, method: str, body: Any) -> tuple[int, Any]:  # noqa: ANN401  # any JSON
        """A workflow that goes from anywhere to done, and back to the beginning."""
        ways = {"31": "done", "11": "new"}
        if method == "GET":
            found = [{"id": name, "to": {"statusCategory": {"key": to}}} for name, to in ways.items()]
            return 200, {"transitions": found}
        issue["category"] = ways[body["transition"]["id"]]
        return 204, None

    def close(self, thing: Json) -> None:
        """See ``Vendor``."""
        thing["category"] = "done"

    @staticmethod
    def is_closed(thing: Json) -> bool:
        """See ``Vendor``."""
        return bool(thing["category"] == "done")

    def _open(self, fields: Json) -> tuple[int, Json]:
        wrong = {}
        if "\n" in fields["summary"] or not 0 < len(fields["summary"]) <= 255:
            wrong["summary"] = "Summary must be less than 255 characters and without line breaks."
        if any(" " in label for label in fields["labels"]):
            wrong["labels"] = "The label contains spaces which is invalid."
        if not self.is_text(fields["description"]):
            wrong["description"] = "Operation value must be an Atlassian Document"
        if wrong:
            return 400, {"errorMessages": [], "errors": wrong}
        key = f"SEC-{len(self.things) + 1}"
        self.things.append({**fields, "key": key, "category": "new"})
        return 201, {"id": "10000", "key": key, "self": "x"}


class JiraDataCenter(Jira):
    """https://docs.atlassian.com/software/jira/docs/api/REST/9.17.0/: texts are wiki mark-up."""

    def work(self, request: web.Request, body: Any) -> tuple[int, Any]:  # noqa: ANN401  # any JSON
        """As in the cloud, at other places."""
        places = {"search": "search/jql"}
        base, _, path = request.path.partition("/rest/api/2/")
        if base or request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401, {"errorMessages": ["You are not authenticated."]}
        if path == "search/jql":
            return 404, {"errorMessages": ["HTTP 404 Not Found"]}
        return self.answer(request, places.get(path, path), body)

    @staticmethod
    def is_text(text: object) -> bool:
        """A text is a string."""
        return isinstance(text, str) and len(text) <= 32_767


class _Issues(Vendor):
    """What GitLab and GitHub have in common. ``number`` is what they call the number of an issue."""

    number = "number"
    base = ""

    def allowed(self, request: web.Request) -> bool:
        """Whether the token is right."""
        raise NotImplementedError

    def work(self, request: web.Request, body: Any) -> tuple[int, Any]:  # noqa: ANN401  # any JSON
        """Issues with notes, found by their labels."""
        if not self.allowed(request):
            return 401, {"message": "401 Unauthorized"}
        _, base, path = request.raw_path.split("?")[0].partition(self.base)
        if not base:
            return 404, {"message": "Not Found"}
        if path == "issues" and request.method == "GET":
            wanted = set(filter(None, request.query.get("labels", "").split(",")))
            return 200, [one for one in self.things if wanted <= set(one["labels"])]
        if path == "issues":
            return self._open(body)
        return self._change(request, path.split("/")[1:], body)

    def _open(self, body: Json) -> tuple[int, Any]:
        labels = body["labels"].split(",") if isinstance(body["labels"], str) else body["labels"]
        if not 0 < len(body["title"]) <= 255 or "\n" in body["title"]:
            return 422, {"message": "Validation Failed"}
        self.things.append({**body, "labels": labels, "state": "open", self.number: len(self.things) + 1})
        return 201, self.things[-1]

    def _change(self, request: web.Request, path: list[str], body: Any) -> tuple[int, Any]:  # noqa: ANN401  # the same
        number, *rest = path
        issue = next((one for one in self.things if str(one[self.number]) == number), None)
        if issue is None:
            return 404, {"message": "Not Found"}
        if request.method == "GET" and not rest:
            return 200, issue
        if request.method == "GET":
            page = int(request.query.get("page", 1))
            return 200, [one for one in self.notes if one["key"] == number] if page == 1 else []
        if rest in (["notes"], ["comments"]):
            self.notes.append({"key": number, "body": body["body"]})
            return 201, {"id": 1}
        issue["labels"] += body.get("labels") or list(filter(None, [body.get("add_labels")]))
        if body.get("state_event") == "reopen" or body.get("state") == "open":
            issue["state"] = "open"
        return 200, issue


class Gitlab(_Issues):
    """https://docs.gitlab.com/api/issues/."""

    number = "iid"
    base = "/api/v4/projects/security%2Fincidents/"

    def allowed(self, request: web.Request) -> bool:
        """By a header of its own."""
        return request.headers.get("PRIVATE-TOKEN") == TOKEN


class Github(_Issues):
    """https://docs.github.com/rest/issues/issues."""

    base = "/repos/acme/incidents/"

    def allowed(self, request: web.Request) -> bool:
        """By a bearer's token."""
        return request.headers.get("Authorization") == f"Bearer {TOKEN}"


class Discord(Vendor):
    """https://discord.com/developers/docs/resources/webhook#execute-webhook, of a forum."""

    def work(self, request: web.Request, body: Any) -> tuple[int, Any]:  # noqa: ANN401  # any JSON
        """A thread for each name; the answer only when it is waited for."""
        if request.path != f"/webhooks/1/{TOKEN}":
            return 401, {"message": "Invalid Webhook Token", "code": 50027}
        if request.method == "GET":
            return 200, {"id": "1", "type": 1}
        thread = request.query.get("thread_id", "")
        if not 0 < len(body["content"]) <= 2000 or body["allowed_mentions"] != {"parse": []}:
            return 400, {"content": ["Must be 2000 or fewer in length."]}
        if bool(thread) is ("thread_name" in body) or len(body.get("thread_name", "x")) > 100:
            return 400, {"message": "Webhooks posted to forum channels must have a thread_name or thread_id"}
        if thread and thread not in [one["channel_id"] for one in self.things]:
            return 404, {"message": "Unknown Channel", "code": 10003}
        place = thread or f"90{len(self.things)}"
        self.things.append({**body, "thread_id": thread, "channel_id": place})
        return (200, {"id": "5", "channel_id": place}) if request.query.get("wait") == "true" else (204, None)


class ServiceNow(Vendor):
    """https://www.servicenow.com/docs/r/api-reference/rest-apis/c_TableAPI.html."""

    def work(self, request: web.Request, body: Any) -> tuple[int, Any]:  # noqa: ANN401  # any JSON
        """Records and their notes."""
        if not request.headers.get("Authorization", "").startswith("Basic "):
            return 401, {"error": {"message": "User Not Authenticated"}, "status": "failure"}
        table, _, key = request.path.removeprefix("/api/now/table/").partition("/")
        if key:
            return self._one(request.method, key, body)
        if request.method == "GET":
            return 200, {"result": self._found(table, dict(self._query(request)))}
        if not 0 < len(body["short_description"]) <= 160:
            return 400, {"error": {"message": "Exception while reading request"}, "status": "failure"}
        self.things.append({**body, "sys_id": f"{len(self.things):032x}", "state": "1"})
        return 201, {"result": self.things[-1]}

    def _one(self, method: str, key: str, body: Any) -> tuple[int, Any]:  # noqa: ANN401  # any JSON
        record = next((one for one in self.things if one["sys_id"] == key), None)
        if record is None:
            return 404, {"error": {"message": "No Record found"}, "status": "failure"}
        if method == "GET":
            return 200, {"result": record}
        if record["state"] == "7" and "state" in body:
            return 403, {"error": {"message": "Operation against file 'incident' was aborted"}}
        if notes := body.pop("work_notes", ""):
            self.notes.append({"element_id": key, "value": notes})
        record |= body
        return 200, {"result": record}

    def close(self, thing: Json) -> None:
        """Resolve it; after some days it would be closed for good."""
        thing["state"] = "6"

    @staticmethod
    def is_closed(thing: Json) -> bool:
        """See ``Vendor``."""
        return thing["state"] in ("6", "7")

    @staticmethod
    def _query(request: web.Request) -> list[tuple[str, str]]:
        words = [each.partition("=") for each in request.query["sysparm_query"].split("^")]
        return [(name, value) for name, equals, value in words if equals and name != "element"]

    def _found(self, table: str, query: Json) -> list[Json]:
        there = self.notes if table == "sys_journal_field" else self.things
        return [one for one in there if query.items() <= one.items()]


class TheHive(Vendor):
    """https://docs.strangebee.com/thehive/api-docs/, version 5: alerts, and the cases that come of them."""

    def writes(self, request: web.Request) -> bool:
        """Questions are posted too."""
        return super().writes(request) and not request.path.endswith("/query")

    def work(self, request: web.Request, body: Any) -> tuple[int, Any]:  # noqa: ANN401  # any JSON
        """An alert is there once for its type, source and reference."""
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401, {"type": "AuthenticationError", "message": "Authentication failure"}
        path = request.path.removeprefix("/api/v1/").split("/")
        if path == ["user", "current"]:
            return 200, {"login": "tracetide@example.org"}
        if path == ["query"]:
            return 200, self._query(*body["query"])
        if path == ["alert"]:
            return self._open(body)
        return self._one(request.method, body, *path)

    def _one(self, method: str, body: Json, kind: str, name: str, *rest: str) -> tuple[int, Any]:
        found = next((one for one in self.things if one[self._key(kind)] == name), None)
        if found is None:
            return 404, {"type": "NotFoundError", "message": f"{kind} {name} not found"}
        if rest == ("comment",):
            self.notes.append({"of": name, "message": body["message"]})
            return 201, {"_id": "~9"}
        if method == "PATCH":
            found |= body
            if "status" in body:
                found["stage"] = {"New": "New", "InProgress": "InProgress"}[body["status"]]
            return 204, None
        return 200, found

    def close(self, thing: Json) -> None:
        """See ``Vendor``."""
        thing["stage"] = "Closed"

    @staticmethod
    def is_closed(thing: Json) -> bool:
        """See ``Vendor``."""
        return bool(thing["stage"] == "Closed")

    def _open(self, body: Json) -> tuple[int, Any]:
        same = [one for one in self.things if all(one[name] == body[name] for name in _IDENTITY)]
        if same or not 0 < len(body["title"]) <= 512 or body["severity"] not in (1, 2, 3, 4):
            return 400, {"type": "CreateError", "message": "Alert already exists" if same else "invalid"}
        self.things.append({**body, "_id": f"~{len(self.things)}", "stage": "New", "caseId": None})
        return 201, self.things[-1]

    def _query(self, first: Json, then: Json) -> list[Json]:
        if then["_name"] == "comments":
            return [one for one in self.notes if one["of"] == first["idOrName"]]
        wanted = {each["_eq"]["_field"]: each["_eq"]["_value"] for each in then["_and"]}
        return [one for one in self.things if wanted.items() <= one.items()]

    @staticmethod
    def _key(kind: str) -> str:
        return "_id" if kind == "alert" else "caseId"


_IDENTITY = ("type", "source", "sourceRef")


class Opsgenie(Vendor):
    """https://docs.opsgenie.com/docs/alert-api."""

    def work(self, request: web.Request, body: Any) -> tuple[int, Any]:  # noqa: ANN401  # any JSON
        """Requests are accepted and done later; of open alerts there is one with an alias."""
        if request.headers.get("Authorization") != f"GenieKey {TOKEN}":
            return 403, {"message": "You are not authorized", "took": 0.0}
        accepted = 202, {"result": "Request will be processed", "requestId": "x"}
        if request.method == "GET":
            return 200, {"data": []}
        if request.path == "/alerts":
            limits = {"message": 130, "alias": 512, "description": 15_000, "entity": 512}
            if not body["message"] or any(len(body[name]) > most for name, most in limits.items()):
                return 422, {"message": "Request body is not processable. Please check the errors."}
            there = [one for one in self.things if one["alias"] == body["alias"] and one["open"]]
            for one in there:
                one["count"] += 1
            if not there:
                self.things.append({**body, "open": True, "count": 1})
            return accepted
        _, _, alias, what = request.path.split("/")
        for one in self.things if request.query.get("identifierType") == "alias" else []:
            if (one["alias"], one["open"], what) == (alias, True, "priority"):
                one["priority"] = body["priority"]
            elif (one["alias"], one["open"], what) == (alias, True, "notes") and len(body["note"]) <= 25_000:
                self.notes.append({"alias": alias, **body})
        return accepted


class AppriseJson(Vendor):
    """https://appriseit.com/services/json/: the service of Apprise that posts to any address."""

    def work(self, request: web.Request, body: Any) -> tuple[int, Any]:  # noqa: ANN401  # any JSON
        """It knows nothing again."""
        if request.path != f"/{TOKEN}":
            return 404, None
        self.things.append(body)
        return 200, None


class Webhook(Vendor):
    """Somebody's own program."""

    def work(self, request: web.Request, body: Any) -> tuple[int, Any]:  # noqa: ANN401  # any JSON
        """It knows a message that comes again by its key."""
        key = request.headers.get("Idempotency-Key", "")
        if key and key not in [one["key"] for one in self.things]:
            self.things.append({"key": key, "body": body})
        return 200, None


VENDORS: dict[str, Callable[[], Vendor]] = {
    "slack": Slack,
    "teams": Teams,
    "mattermost": Mattermost,
    "pagerduty": Pagerduty,
    "jira": Jira,
    "gitlab": Gitlab,
    "github": Github,
    "discord": Discord,
    "servicenow": ServiceNow,
    "thehive": TheHive,
    "opsgenie": Opsgenie,
    "apprise": AppriseJson,
    "webhook": Webhook,
}


@pytest.fixture(params=VENDORS)
async def vendor(request: pytest.FixtureRequest) -> AsyncIterator[tuple[str, Vendor]]:
    """Each service in turn, with its name."""
    async with serving(VENDORS[request.param]()) as made:
        yield request.param, made


@asynccontextmanager
async def serving(made: Vendor) -> AsyncIterator[Vendor]:
    """A service at an address of its own."""
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", made.serve)
    runner = web.AppRunner(application, shutdown_timeout=0, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    made.url = site.name
    try:
        yield made
    finally:
        await runner.cleanup()
        await asyncio.sleep(0)
