"""What rules see of an event that the kernel delivered."""

from typing import Any

from rules.compiler.output import output_parts, renderer
from stream.process import NOBODY
from wire.event import Event


class _Host:
    id = "host-1"
    name = "web-1"


def rendered(event: Event, *fields: str) -> tuple[Any, ...]:
    """The values of these fields; ``None`` for one that the event does not have."""
    parts, problems = output_parts(" ".join(f"%{field}" for field in fields))
    assert not problems
    _, values = renderer(event.type, parts).call(event, NOBODY, _Host())
    return tuple(values[field] for field in fields)
