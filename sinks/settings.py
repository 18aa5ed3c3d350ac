"""Reads a sink's settings from the environment, secrets also from files; says in a sentence what is wrong."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import SecretStr, ValidationError
from pydantic_settings import BaseSettings

from sinks.contract import SinkError

Settings = TypeVar("Settings", bound=BaseSettings)


def load(kind: type[Settings]) -> Settings:
    """The settings of ``kind``. For a secret ``NAME``, ``NAME_FILE`` may name a file that holds it.

    Raises:
        SinkError: a setting is missing or wrong; the message names its variable and never shows its value.
    """
    try:
        return kind(**_from_files(kind))
    except ValidationError as error:
        raise SinkError("; ".join(_sentences(kind, error))) from None


def variable(kind: type[BaseSettings], field: str) -> str:
    """The environment variable of a field."""
    return (kind.model_config.get("env_prefix", "") + field).upper()


def is_secret(kind: type[BaseSettings], field: str) -> bool:
    """Whether the field holds a secret."""
    return "SecretStr" in str(kind.model_fields[field].annotation)


def _from_files(kind: type[BaseSettings]) -> dict[str, Any]:
    found = {}
    for field in kind.model_fields:
        named = os.environ.get(f"{variable(kind, field)}_FILE") if is_secret(kind, field) else None
        if named:
            try:
                found[field] = SecretStr(Path(named).read_text().strip())
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "it is no text"
                raise SinkError(f"{variable(kind, field)}_FILE names {named}: {reason}") from None
    return found


def _sentences(kind: type[BaseSettings], error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_input=False, include_url=False, include_context=False):
        field = str(problem["loc"][0]) if problem["loc"] else ""
        if not field:
            yield problem["msg"].removeprefix("Value error, ")
            continue
        meaning = kind.model_fields[field].description
        if problem["type"] == "missing":
            yield f"{variable(kind, field)} is not set: {meaning}"
        else:
            yield f"{variable(kind, field)} is wrong ({problem['msg']}): {meaning}"
