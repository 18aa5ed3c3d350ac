"""Prepares Elasticsearch or OpenSearch: field types, how long documents are kept, and what becomes a stream.

Everything is written anew each time, so it can be run again after an update; only the component templates
that end in ``@custom`` belong to the user and are made once, empty. A server without lifecycle management or
data streams gets the rest, and the answer says what is missing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from sinks import http
from sinks.contract import SinkError
from sinks.elasticsearch import Settings, connected

_MAPPINGS, _SETTINGS = "tracetide-mappings", "tracetide-settings"
_ALERTS, _EVENTS = "tracetide-alerts", "tracetide-events"

# Above the templates that Elasticsearch has for logs-*-* (100), and above those of integrations (200).
_PRIORITY = 500

_KEYWORD = {"type": "keyword", "ignore_above": 1024}
_TEXT = {"type": "text"}
_DATE = {"type": "date"}
_META = {"_meta": {"managed_by": "tracetide setup elastic"}}

FIELD_TYPES: dict[str, Any] = {
    "date_detection": False,
    "dynamic_templates": [
        {"addresses": {"match": "ip", "match_mapping_type": "string", "mapping": {"type": "ip"}}},
        {
            "command_lines": {
                "match": "command_line",
                "match_mapping_type": "string",
                "mapping": {"type": "keyword", "ignore_above": 8000, "fields": {"text": _TEXT}},
            }
        },
        {"strings": {"match_mapping_type": "string", "mapping": _KEYWORD}},
    ],
    "properties": {
        "@timestamp": _DATE,
        "message": _TEXT,
        "event": {"properties": {"ingested": _DATE, "risk_score": {"type": "float"}}},
        "process": {"properties": {"start": _DATE, "parent": {"properties": {"start": _DATE}}}},
        "tracetide": {
            "properties": {
                "output": _TEXT,
                "missing": _TEXT,
                "response": _TEXT,
                "false_positives": _TEXT,
            }
        },
    },
}
INDEX_SETTINGS: dict[str, Any] = {
    "number_of_shards": 1,
    "index.mapping.ignore_malformed": True,
    "index.mapping.total_fields.limit": 2000,
}


@dataclass(frozen=True, slots=True)
class Keep:
    """For how many days alerts and events are kept."""

    alerts: int = 365
    events: int = 30


async def set_up(settings: Settings, keep: Keep) -> list[str]:
    """Do it all, and say what was done in a sentence each.

    Raises:
        SinkError: the server cannot be reached, or does not let this user.
    """
    async with connected(settings) as client:
        server = _Server(client, settings.url)
        opensearch = await server.is_opensearch()
        said = ["OpenSearch" if opensearch else "Elasticsearch"]
        for name, template in _components():
            await server.put(f"/_component_template/{name}", template)
            said.append(f"component template {name}")
        said += [
            f"component template {name}, for your own settings"
            for name in (f"{_ALERTS}@custom", f"{_EVENTS}@custom")
            if await server.tried(f"/_component_template/{name}?create=true", {"template": {}})
        ]
        managed = await (_ism if opensearch else _ilm)(server, settings.index, keep)
        said.append(managed or "no lifecycle: this server has none, documents stay until you remove them")
        await server.put(
            f"/_index_template/{_ALERTS}",
            alerts_template(settings.index, ilm=bool(managed) and not opensearch),
        )
        said.append(f"index template {_ALERTS} for {settings.index}.*")
        said.append(await _events(server, keep, lifecycle=bool(managed) and not opensearch))
        return said


def alerts_template(index: str, *, ilm: bool) -> dict[str, Any]:
    """Plain indices, one for each month: an id is unique only within an index."""
    lifecycle = {"settings": {"index.lifecycle.name": _ALERTS}} if ilm else {}
    return {
        "index_patterns": [f"{index}.*"],
        "priority": _PRIORITY,
        "composed_of": [_SETTINGS, _MAPPINGS, f"{_ALERTS}@custom"],
        "template": lifecycle,
        **_META,
    }


def events_template(keep: Keep, *, lifecycle: bool) -> dict[str, Any]:
    """A data stream; with a lifecycle it rolls over and forgets by itself."""
    return {
        "index_patterns": ["logs-tracetide.events-*"],
        "priority": _PRIORITY,
        "data_stream": {},
        "composed_of": [_SETTINGS, _MAPPINGS, f"{_EVENTS}@custom"],
        "template": {"lifecycle": {"data_retention": f"{keep.events}d"}} if lifecycle else {},
        **_META,
    }


def _components() -> Iterator[tuple[str, dict[str, Any]]]:
    yield _MAPPINGS, {"template": {"mappings": FIELD_TYPES}, **_META}
    yield _SETTINGS, {"template": {"settings": INDEX_SETTINGS}, **_META}


async def _events(server: "_Server", keep: Keep, *, lifecycle: bool) -> str:
    """Older servers know data streams but no lifecycle in their templates; small ones know neither."""
    for with_lifecycle in dict.fromkeys((lifecycle, False)):
        if await server.tried(f"/_index_template/{_EVENTS}", events_template(keep, lifecycle=with_lifecycle)):
            kept = f", kept for {keep.events} days" if with_lifecycle else ""
            return f"index template {_EVENTS} for logs-tracetide.events-*, a data stream{kept}"
    return "no template for raw events: this server has no data streams"


async def _ilm(server: "_Server", _index: str, keep: Keep) -> str | None:
    """Elasticsearch: the policy that the template of the alerts names."""
    phases = {
        "hot": {"actions": {}},
        "delete": {"min_age": f"{keep.alerts}d", "actions": {"delete": {}}},
    }
    if not await server.tried(f"/_ilm/policy/{_ALERTS}", {"policy": {"phases": phases}}):
        return None
    return f"lifecycle policy {_ALERTS}: alerts are kept for {keep.alerts} days"


async def _ism(server: "_Server", index: str, keep: Keep) -> str | None:
    """OpenSearch: policies that find their indices themselves; a change names the version that it changes."""
    for name, pattern, days, roll in (
        (_ALERTS, f"{index}.*", keep.alerts, False),
        (_EVENTS, "logs-tracetide.events-*", keep.events, True),
    ):
        path = f"/_plugins/_ism/policies/{name}"
        known = await server.get(path)
        if known is not None:
            path += f"?if_seq_no={known['_seq_no']}&if_primary_term={known['_primary_term']}"
        if not await server.tried(path, ism_policy(pattern, days, roll=roll)):
            return None
    return f"lifecycle policies: alerts are kept for {keep.alerts} days, events for {keep.events}"


def ism_policy(pattern: str, days: int, *, roll: bool) -> dict[str, Any]:
    """Delete after so many days; what grows for ever is begun anew every day before that."""
    rollover = [{"rollover": {"min_index_age": "1d", "min_primary_shard_size": "30gb"}}]
    old = [{"state_name": "delete", "conditions": {"min_index_age": f"{days}d"}}]
    return {
        "policy": {
            "description": "made by tracetide setup elastic",
            "default_state": "kept",
            "states": [
                {"name": "kept", "actions": rollover if roll else [], "transitions": old},
                {"name": "delete", "actions": [{"delete": {}}], "transitions": []},
            ],
            "ism_template": [{"index_patterns": [pattern], "priority": _PRIORITY}],
        }
    }


@dataclass(frozen=True, slots=True)
class _Server:
    """Asks one server, and makes sentences of its refusals."""

    client: httpx.AsyncClient
    url: str

    async def is_opensearch(self) -> bool:
        """By what it says of itself; a server that says nothing is none."""
        answer = await self._ask("GET", "/")
        version = http.told(answer).get("version")
        return isinstance(version, dict) and version.get("distribution") == "opensearch"

    async def get(self, path: str) -> dict[str, Any] | None:
        """What is there, or nothing."""
        answer = await self._ask("GET", path)
        return http.told(answer) if answer.status_code == 200 else None

    async def put(self, path: str, body: dict[str, Any]) -> None:
        """Write it; raises ``SinkError`` if the server does not."""
        answer = await self._ask("PUT", path, body)
        if not answer.is_success:
            raise SinkError(f"the server at {self._host()} does not take {path}: {_refusal(answer)}")

    async def tried(self, path: str, body: dict[str, Any]) -> bool:
        """Write it if the server knows such a thing, and has none that must stay."""
        return (await self._ask("PUT", path, body)).is_success

    async def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        try:
            answer = await self.client.request(
                method,
                self.url.rstrip("/") + path,
                content=None if body is None else orjson.dumps(body),
                headers={"Content-Type": "application/json"} if body is not None else None,
            )
        except httpx.RequestError as error:
            raise SinkError(f"{self._host()} cannot be reached ({type(error).__name__})") from None
        if answer.status_code in (401, 403):
            raise SinkError(
                f"the server at {self._host()} answers {answer.status_code}: set-up needs a user who may "
                "manage index templates and lifecycle policies (TRACETIDE_ELASTICSEARCH_*)"
            )
        return answer

    def _host(self) -> str:
        return httpx.URL(self.url).host


def _refusal(answer: httpx.Response) -> str:
    error = http.told(answer).get("error")
    reason = error.get("reason") if isinstance(error, dict) else error
    return f"{answer.status_code} {reason or answer.reason_phrase}"[:500]
