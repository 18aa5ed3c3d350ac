"""The interfaces of chats and pagers as their makers document them."""

import json
from typing import Any

from aiohttp import web

from tests.peers.vendor import TOKEN, Json, Vendor


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
