"""What receivers over HTTP share: one client, one reading of statuses, no secret in what is said."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from pydantic import SecretStr

from notify.contract import Never, Retry

# What is wrong with the message itself. Anything else, also a wrong address, is mended in settings or passes.
_REFUSED = {400, 406, 411, 413, 414, 415, 422}


class HttpError(Exception):
    """A request that did not do what it should; ``outcome`` is what that means for the message."""

    def __init__(self, outcome: Retry | Never, status: int = 0) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome
        self.status = status


@dataclass(frozen=True)
class Http:
    """Requests to one service; ``name`` is what errors call it."""

    name: str
    client: httpx.AsyncClient

    async def json(
        self,
        method: str,
        url: str,
        body: object = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:  # noqa: ANN401  # any JSON
        """What the service answers, as JSON; None for an answer without any.

        Raises:
            HttpError: there is no answer, or it is not a 2xx one.
        """
        try:
            answer = await self.client.request(method, url, json=body, params=query, headers=headers)
        except httpx.RequestError as error:
            raise HttpError(Retry(f"{self.name} gives no answer ({type(error).__name__})")) from None
        if not 200 <= answer.status_code < 300:
            raise HttpError(_outcome(self.name, answer), answer.status_code)
        try:
            return answer.json()
        except ValueError:
            return None

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()


def http(name: str, base: SecretStr | str, timeout: float, headers: Mapping[str, str] | None = None) -> Http:
    """A client of the service at ``base``. Redirects are not followed: they would take messages elsewhere."""
    logging.getLogger("httpx").setLevel(logging.WARNING)  # below that it logs every address whole
    address = base.get_secret_value() if isinstance(base, SecretStr) else base
    client = httpx.AsyncClient(
        base_url=address,
        headers={"User-Agent": "tracetide", **(headers or {})},
        timeout=timeout,
        follow_redirects=False,
    )
    return Http(name, client)


def whole(url: SecretStr) -> SecretStr:
    """A validator of addresses."""
    try:
        address = httpx.URL(url.get_secret_value())
    except httpx.InvalidURL:
        address = httpx.URL()
    if address.scheme not in ("http", "https") or not address.host:
        raise ValueError("no http:// or https:// address")
    return url


def _outcome(name: str, answer: httpx.Response) -> Retry | Never:
    """Few statuses are for good; what the server would take later or with other settings waits."""
    reason = f"{name} answers {answer.status_code} {answer.reason_phrase}".rstrip()
    if answer.status_code in _REFUSED:
        return Never(reason)
    return Retry(reason, retry_after(answer.headers.get("retry-after"), datetime.now(UTC)))


def retry_after(value: str | None, now: datetime) -> float | None:
    """The seconds that a Retry-After header asks for, in either of its forms (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    if value.strip().replace(".", "", 1).isdecimal():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    except (ValueError, TypeError):
        return None
