"""The interfaces of trackers as their makers document them."""

import re
from typing import Any

from aiohttp import web

from tests.peers.vendor import TOKEN, Json, Vendor


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


_IDENTITY = ("type", "source", "sourceRef")


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
