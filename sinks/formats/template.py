"""Bodies in a shape of the user's own: a JSON file whose texts name what to put in, as in ``$rule on $host``.

The file is read as JSON before anything is put in, so that no value can end a text or add a key.
"""

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import orjson

from sinks.contract import Never
from sinks.ecs import title
from sinks.formats.times import timestamp
from sinks.formats.values import values
from wire.detection import Detection

# What a template may name beside the texts of ``values``; alone in a text, the first keeps its structure.
_WHOLE = "detection"
_MORE = ("title", "time", "epoch", _WHOLE)
_TEXTS = re.findall(
    r"\w+",
    """
    ancestors boot command_line container container_id description destination_ip destination_port event
    executable host host_id id image lost milliseconds missing output parent parent_command_line parent_pid
    path pid priority process protocol response rule runtime source_ip source_port tactics techniques uid user
    """,
)
NAMES = tuple(sorted([*_TEXTS, *_MORE]))


@dataclass(frozen=True, slots=True)
class Template:
    """Makes bodies of the shape ``shape``, which is JSON as Python has it."""

    shape: Any

    def __call__(self, detection: Detection) -> bytes | Never:
        """The body; names of what is not known become empty texts."""
        try:
            known = dict.fromkeys(NAMES, "") | values(detection)
            known |= {
                "title": title(detection),
                "time": timestamp(detection.time),
                "epoch": str(detection.time // 10**9),
            }
            return orjson.dumps(_filled(self.shape, known, detection))
        except (ArithmeticError, TypeError, ValueError, OSError, RecursionError) as error:
            return Never(f"the template cannot be filled: {error}")


def read_template(path: Path) -> Template:
    """The template in a file; raises ``ValueError`` with what is wrong in it."""
    try:
        shape = orjson.loads(path.read_bytes())
    except orjson.JSONDecodeError as error:
        raise ValueError(f"the template is no JSON: {error}") from None
    for text in _texts(shape):
        template = string.Template(text)
        if not template.is_valid():
            raise ValueError(f"in {text!r} a $ is followed by no name; $$ is a plain one")
        if unknown := set(template.get_identifiers()) - set(NAMES):
            raise ValueError(f"there is no ${min(unknown)}; there are {', '.join(NAMES)}")
    return Template(shape)


def _texts(shape: object) -> Iterator[str]:
    if isinstance(shape, dict):
        for value in shape.values():
            yield from _texts(value)
    elif isinstance(shape, list):
        for value in shape:
            yield from _texts(value)
    elif isinstance(shape, str):
        yield shape


def _filled(shape: Any, known: dict[str, str], detection: Detection) -> Any:  # noqa: ANN401  # JSON
    if isinstance(shape, dict):
        return {name: _filled(value, known, detection) for name, value in shape.items()}
    if isinstance(shape, list):
        return [_filled(value, known, detection) for value in shape]
    if not isinstance(shape, str):
        return shape
    if shape in (f"${_WHOLE}", f"${{{_WHOLE}}}"):
        return msgspec.to_builtins(detection)
    if _WHOLE in string.Template(shape).get_identifiers():
        known = known | {_WHOLE: orjson.dumps(msgspec.to_builtins(detection)).decode()}
    return string.Template(shape).substitute(known)
