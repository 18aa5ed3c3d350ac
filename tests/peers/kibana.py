"""A server that does what Kibana's documentation says of its API for importing saved objects.

No Kibana can be had from a package registry: npm's ``kibana`` is 5.1, from before Lens. What is not
documented, such as how Kibana converts objects of older versions, this does not do.
"""

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

Saved = dict[str, Any]
Key = tuple[str, str, str]

USER, PASSWORD = "editor", "marker-password"  # of a server that a test makes for itself
_LOGIN = f"Basic {b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"

# Of other types Kibana imports objects whatever they refer to.
_CHECKED = ("index-pattern", "search")


@dataclass
class KibanaPeer:
    """``stored`` are the objects by space, type and id."""

    url: str = ""
    stored: dict[Key, Saved] = field(default_factory=dict)
    imports: int = 0

    async def take(self, request: web.Request) -> web.Response:
        """``POST [/s/<space>]/api/saved_objects/_import``."""
        if "kbn-xsrf" not in request.headers:
            return _error(400, "Request must contain a kbn-xsrf header.")
        if request.headers.get("Authorization") != _LOGIN:
            return _error(401, "Unauthorized")
        part = (await request.post()).get("file")
        if not isinstance(part, web.FileField):
            return _error(400, "[request body.file]: expected value of type [Stream] but got [undefined]")
        if not part.filename.endswith(".ndjson"):
            return _error(400, f"Invalid file extension {part.filename}")
        text = part.file.read().decode()
        overwrite = request.query.get("overwrite") == "true"
        self.imports += 1
        return self._import(request.match_info.get("space", "default"), text, overwrite=overwrite)

    def _import(self, space: str, text: str, *, overwrite: bool) -> web.Response:
        objects: list[Saved] = [json.loads(line) for line in text.splitlines() if line]
        keys = [(space, each["type"], each["id"]) for each in objects]
        if len(set(keys)) < len(keys):
            return _error(400, "Non-unique import objects detected")
        errors: list[Saved] = []
        for key, each in zip(keys, objects, strict=True):
            error = self._problem(key, each, {*keys, *self.stored}, overwrite=overwrite)
            if error:
                errors.append({"id": each["id"], "type": each["type"], "meta": {}, "error": error})
        refused = {(space, each["type"], each["id"]) for each in errors}
        # Kibana imports nothing of a file in which a reference leads nowhere.
        if not any(each["error"]["type"] == "missing_references" for each in errors):
            for key, each in zip(keys, objects, strict=True):
                if key not in refused:
                    self.stored[key] = each
        count = len(objects) - len(errors)
        result: Saved = {"success": not errors, "successCount": count, "warnings": []}
        return web.json_response({**result, "errors": errors} if errors else result)

    def _problem(self, key: Key, each: Saved, known: set[Key], *, overwrite: bool) -> Saved | None:
        missing = [
            {"type": one["type"], "id": one["id"]}
            for one in each.get("references", [])
            if one["type"] in _CHECKED and (key[0], one["type"], one["id"]) not in known
        ]
        if missing:
            return {"type": "missing_references", "references": missing}
        if key in self.stored and not overwrite:
            return {"type": "conflict"}
        return None


def _error(status: int, message: str) -> web.Response:
    return web.json_response({"statusCode": status, "message": message}, status=status)


@pytest.fixture
async def kibana_peer() -> AsyncIterator[KibanaPeer]:
    """A Kibana without saved objects, for the user ``USER``."""
    peer = KibanaPeer()
    application = web.Application()
    for space in ("", "/s/{space}"):
        application.router.add_post(f"{space}/api/saved_objects/_import", peer.take)
    runner = web.AppRunner(application, shutdown_timeout=0, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    peer.url = site.name
    try:
        yield peer
    finally:
        await runner.cleanup()
