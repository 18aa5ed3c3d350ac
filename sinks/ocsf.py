"""Writes detections as findings of the Open Cybersecurity Schema Framework, to a file or an HTTP address."""

from pathlib import Path
from typing import Self

from pydantic import Field, FilePath, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from sinks import http
from sinks.formats.ocsf import encoded
from sinks.jsonl import JsonLinesSink
from sinks.webhook import WebhookSink


class Settings(BaseSettings):
    """``TRACETIDE_OCSF_*``."""

    model_config = SettingsConfigDict(env_prefix="TRACETIDE_OCSF_")

    path: str | None = Field(
        None, description="the file to append to, or - for standard output", min_length=1
    )
    url: SecretStr | None = Field(None, description="or the address to post each finding to")
    token: SecretStr | None = Field(None, description="what to send there as Authorization: Bearer")
    ca_certs: FilePath | None = Field(None, description="a file with the certificate authority of the server")
    timeout: float = Field(30, description="seconds to wait for an answer", gt=0)

    @field_validator("url")
    @classmethod
    def _whole(cls, url: SecretStr | None) -> SecretStr | None:
        return None if url is None else http.whole(url)

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.path is None) == (self.url is None):
            raise ValueError("set TRACETIDE_OCSF_PATH or TRACETIDE_OCSF_URL, and one of them only")
        return self


def create(settings: Settings) -> JsonLinesSink | WebhookSink:
    """The sink for these settings; ``metadata.uid`` of a finding is the detection's id."""
    if settings.url is None:
        path = None if settings.path == "-" else Path(settings.path or "")
        return JsonLinesSink(path, encoded, "ocsf")
    headers = {"Content-Type": "application/json"}
    if settings.token:
        headers["Authorization"] = f"Bearer {settings.token.get_secret_value()}"
    client = http.client(headers, settings.timeout, settings.ca_certs)
    return WebhookSink(client, settings.url, encode=encoded, name="ocsf")
