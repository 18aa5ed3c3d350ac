"""Settings of receivers: typed, from the file of routes; secrets from files or the environment only."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict


class SecretError(ValueError):
    """A secret cannot be had; ``key`` is the setting that names it. The secret is not in the message."""

    def __init__(self, key: str, sentence: str) -> None:
        super().__init__(sentence)
        self.key = key


class ReceiverSettings(BaseModel):
    """What all settings share. A field ``x`` of the type ``SecretStr`` is set by ``x_file`` or ``x_env``.

    ``settles`` is how many seconds to wait before a service is asked again whose answer was lost: what it
    was asked it has done by then, or never will. None for those that know a message when it comes again.
    """

    settles: ClassVar[float] = 0.0
    model_config = ConfigDict(extra="forbid", frozen=True)

    @classmethod
    def secrets(cls) -> list[str]:
        """The fields that hold secrets."""
        return [name for name, field in cls.model_fields.items() if "SecretStr" in str(field.annotation)]

    @classmethod
    def keys(cls) -> list[str]:
        """What can be written in the file."""
        secrets = cls.secrets()
        plain = [name for name in cls.model_fields if name not in secrets]
        return plain + [f"{name}_{source}" for name in secrets for source in ("file", "env")]

    @classmethod
    def written(cls, field: str) -> str:
        """How a field is called in the file."""
        return f"{field}_file or {field}_env" if field in cls.secrets() else field


def with_secrets(kind: type[ReceiverSettings], given: Mapping[str, Any]) -> dict[str, Any]:
    """``given`` with the secrets in place of what names them.

    Raises:
        SecretError: a file or variable that is named has none.
    """
    found = dict(given)
    for name in kind.secrets():
        if f"{name}_file" in found:
            path = Path(str(found.pop(f"{name}_file")))
            try:
                found[name] = path.read_text().strip()
            except (OSError, UnicodeDecodeError) as error:
                reason = error.strerror if isinstance(error, OSError) else "it is no text"
                raise SecretError(f"{name}_file", f"{path} cannot be read: {reason}") from None
        if f"{name}_env" in found:
            variable = str(found.pop(f"{name}_env"))
            if not os.environ.get(variable):
                raise SecretError(f"{name}_env", f"the variable {variable} is not set")
            found[name] = os.environ[variable]
    return found
