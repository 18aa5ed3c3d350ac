"""Brings saved objects into a Kibana, through its import API; doing it again changes nothing."""

import ssl
from typing import Any, Self

import httpx
from pydantic import Field, FilePath, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from tracetide.errors import CommandError


class Settings(BaseSettings):
    """``TRACETIDE_KIBANA_*``."""

    model_config = SettingsConfigDict(env_prefix="TRACETIDE_KIBANA_")

    url: str = Field(description="Kibana's address, such as https://kibana.example:5601")
    api_key: SecretStr | None = Field(None, description="an API key, encoded as Kibana shows it")
    username: str | None = Field(None, description="a user, if there is no API key")
    password: SecretStr | None = Field(None, description="the user's password")
    ca_certs: FilePath | None = Field(None, description="a file with the certificate authority of the server")
    space: str | None = Field(
        None, description="the space to import into, if not the default one", pattern=r"^[a-z0-9_-]+$"
    )
    timeout: float = Field(60, description="seconds to wait for an answer", gt=0)

    @field_validator("url")
    @classmethod
    def _whole(cls, url: str) -> str:
        try:
            address = httpx.URL(url)
        except httpx.InvalidURL:
            address = httpx.URL()
        if address.scheme not in ("http", "https") or not address.host:
            raise ValueError("no http:// or https:// address")
        if address.userinfo:
            raise ValueError("no place for a user and a password, they have variables of their own")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.ca_certs and not self.url.startswith("https:"):
            raise ValueError("TRACETIDE_KIBANA_CA_CERTS is of use only with an https:// address")
        if self.api_key and self.username:
            raise ValueError("TRACETIDE_KIBANA_API_KEY and TRACETIDE_KIBANA_USERNAME are both set: keep one")
        if (self.username is None) != (self.password is None):
            raise ValueError("TRACETIDE_KIBANA_USERNAME and TRACETIDE_KIBANA_PASSWORD need each other")
        return self


def bring(settings: Settings, objects: bytes) -> int:
    """Import the lines of ``objects`` over what is there under the same ids, and say how many they were.

    Raises:
        CommandError: Kibana cannot be reached, or does not take all of them; the message says why.
    """
    space = f"/s/{settings.space}" if settings.space else ""
    with _client(settings) as client:
        try:
            answer = client.post(
                f"{settings.url}{space}/api/saved_objects/_import",
                params={"overwrite": "true"},
                files={"file": ("tracetide.ndjson", objects, "application/ndjson")},
            )
        except httpx.RequestError as error:
            raise CommandError(f"Kibana at {settings.url} cannot be reached: {error}") from error
    return _read(answer, settings)


def _client(settings: Settings) -> httpx.Client:
    # Kibana takes no request that another site's page could make a browser send: those lack this header.
    headers = {"kbn-xsrf": "tracetide"}
    if settings.api_key:
        headers["Authorization"] = f"ApiKey {settings.api_key.get_secret_value()}"
    login = None
    if settings.username and settings.password:
        login = httpx.BasicAuth(settings.username, settings.password.get_secret_value())
    try:
        trusted = ssl.create_default_context(cafile=settings.ca_certs)
    except (OSError, ssl.SSLError) as error:
        raise CommandError(f"TRACETIDE_KIBANA_CA_CERTS names no usable certificate: {error}") from error
    return httpx.Client(headers=headers, auth=login, timeout=settings.timeout, verify=trusted)


_MEANINGS = {
    401: "it does not know this user or key",
    403: "this user or key may not import saved objects: it needs the rights of a space's editor",
    404: "there is no import API: is the address Kibana's, with its base path?",
    503: "it is starting; try again in a minute",
}


def _read(answer: httpx.Response, settings: Settings) -> int:
    """How many objects were imported. Kibana answers 200 even if it refuses some of them."""
    where = f"Kibana at {settings.url}"
    if answer.status_code != httpx.codes.OK:
        meaning = _MEANINGS.get(answer.status_code, answer.text[:300])
        raise CommandError(f"{where} answers {answer.status_code}: {meaning}")
    try:
        result: dict[str, Any] = answer.json()
        refused = [_refusal(each) for each in result.get("errors", [])]
        count = int(result["successCount"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CommandError(f"{where} answers what no Kibana does: {answer.text[:300]!r}") from None
    if refused or not result.get("success"):
        raise CommandError(f"{where} does not take all: {'; '.join(refused) or answer.text[:300]}")
    return count


def _refusal(each: dict[str, Any]) -> str:
    error = each["error"]
    missing = ", ".join(f"{one['type']} {one['id']}" for one in error.get("references", []))
    reason = error.get("message") or error["type"]
    return f"{each['type']} {each['id']}: {reason}{f' ({missing})' if missing else ''}"
