"""Links into other tools: addresses with places for what is known of an incident."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote

from notify.document import Value, suggestion

# What an address can have in braces. Times are those of the incident with some minutes around it.
PLACES = (
    "incident",
    "detection",
    "rule",
    "host",
    "container",
    "container_id",
    "namespace",
    "pod",
    "image",
    "entity",
    "from",
    "to",
    "from_s",
    "to_s",
)
_PLACE = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Link:
    """A title and an address such as ``https://kibana.example/…?q={container_id}``."""

    title: str
    url: str

    def __call__(self, values: Mapping[str, str]) -> str:
        """The address with its places filled; values are quoted, so that none can lead elsewhere."""
        return _PLACE.sub(lambda place: quote(values.get(place[1], ""), safe=""), self.url)


def link(value: Value) -> Link:
    """Read one; what is wrong is noted."""
    entries = value.entries(("title", "url"))
    title, url = (entries[name].text() if name in entries else "" for name in ("title", "url"))
    if not title or not url:
        value.fail("a link needs a title and a url")
    if url and not url.startswith(("https://", "http://")):
        entries["url"].fail("must begin with https:// or http://")
    for name in _PLACE.findall(url):
        if name not in PLACES:
            entries["url"].fail(f"nothing is known by the name {{{name}}}{suggestion(name, PLACES)}")
    return Link(title, url)
