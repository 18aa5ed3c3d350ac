"""What the sinks that speak HTTP have in common: addresses, connections, and what an answer means."""

import base64
import logging
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx
import orjson
from pydantic import SecretStr

from sinks.contract import Delivered, Never, Outcome, Retry

Entry = TypeVar("Entry")

# Not the detection's fault: the credentials, or the server's state.
_NOT_NOW = {401, 403, 407, 408, 425, 429}


def whole(url: SecretStr) -> SecretStr:
    """The address; raises ``ValueError`` if it is none that can be posted to."""
    try:
        address = httpx.URL(url.get_secret_value())
    except httpx.InvalidURL:
        address = httpx.URL()
    if address.scheme not in ("http", "https") or not address.host:
        raise ValueError("no http:// or https:// address")
    return url


def client(headers: Mapping[str, str], timeout: float, ca_certs: Path | None = None) -> httpx.AsyncClient:
    """A client that checks certificates, and does not follow redirects: they would take alerts elsewhere."""
    logging.getLogger("httpx").setLevel(logging.WARNING)  # below that it logs every address whole
    return httpx.AsyncClient(
        headers={"User-Agent": "tracetide", **headers},
        timeout=timeout,
        verify=ssl.create_default_context(cafile=ca_certs) if ca_certs else True,
        follow_redirects=False,
    )


def classify(host: str, answer: httpx.Response) -> Outcome:
    """What the answer to a single detection means for it."""
    status = answer.status_code
    if 200 <= status < 300:
        return Delivered()
    reason = f"{host} answers {status} {answer.reason_phrase}".rstrip()
    if 400 <= status < 500 and status not in _NOT_NOW:
        return Never(reason)
    return Retry(reason, wish(answer))


def told(answer: httpx.Response) -> dict[str, Any]:
    """The answer's JSON object; empty where a proxy answered with something else.

    A server may repeat the credentials that it was given: what is told of its answer must not hold them.
    """
    content = answer.content
    for secret in _given(answer.request.headers.get("authorization", "")):
        content = content.replace(secret, b"***")
    try:
        found = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _given(authorization: str) -> list[bytes]:
    """The secrets of a header: a token, or a user's password and what carries both."""
    kind, _, secret = authorization.partition(" ")
    password = base64.b64decode(secret).partition(b":")[2] if kind == "Basic" else b""
    return [each for each in (secret.encode(), password) if each]


def parts(entries: Sequence[Entry], size: Callable[[Entry], int], largest: int) -> Iterator[Sequence[Entry]]:
    """The entries in order, in parts of at most ``largest`` bytes where one entry is not more than that."""
    start, held = 0, 0
    for end, entry in enumerate(entries):
        if held + size(entry) > largest and end > start:
            yield entries[start:end]
            start, held = end, 0
        held += size(entry)
    if start < len(entries):
        yield entries[start:]


def wish(answer: httpx.Response) -> float | None:
    """When the server wants to be asked again, in seconds."""
    return retry_after(answer.headers.get("retry-after"), datetime.now(UTC))


def retry_after(value: str | None, now: datetime) -> float | None:
    """The seconds that a Retry-After header asks for, in either of its forms (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    except (ValueError, TypeError):
        return None
