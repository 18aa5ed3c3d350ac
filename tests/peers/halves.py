"""What a server answers that takes the first half of a request and is busy then, in its own words."""

import gzip
import json
import re
from collections.abc import Callable
from http.client import HTTPResponse
from io import BytesIO
from typing import Any

Asked = tuple[bytes, bytes]
Finish = Callable[[bytes], bytes]

_BUSY = {
    "create": {"status": 429, "error": {"type": "es_rejected_execution_exception", "reason": "queue full"}}
}


def halves(head: bytes, body: bytes) -> tuple[Asked, Finish]:
    """The request for the first half, and what makes the whole answer of the answer to that."""
    return _bulk(head, body) if b"/_bulk" in head else _events(head, body)


def _bulk(head: bytes, body: bytes) -> tuple[Asked, Finish]:
    """Elasticsearch says for each document of a bulk request whether it was taken."""
    lines = body.splitlines(keepends=True)
    count = len(lines) // 2
    kept = (count + 1) // 2

    def finish(answer: bytes) -> bytes:
        status, told = _read(answer)
        if status != 200:
            return answer
        rest = [_BUSY] * (count - kept)
        return _answer("200 OK", {**told, "errors": bool(rest), "items": [*told["items"], *rest]})

    return _request(head, b"".join(lines[: 2 * kept])), finish


def _events(head: bytes, body: bytes) -> tuple[Asked, Finish]:
    """Splunk says at which event it became busy, and what to ask after for those before it."""
    lines = gzip.decompress(body).splitlines(keepends=True)
    kept = (len(lines) + 1) // 2

    def finish(answer: bytes) -> bytes:
        status, told = _read(answer)
        if status != 200 or kept == len(lines):
            return answer
        said = {"text": "Server is busy", "code": 9, "invalid-event-number": kept, "ackId": told["ackId"]}
        return _answer("503 Service Unavailable", said)

    return _request(head, gzip.compress(b"".join(lines[:kept]), 1)), finish


def _request(head: bytes, body: bytes) -> Asked:
    """The same with another body, and with an answer that can be read as it is."""
    plain = re.sub(rb"(?i)\r\naccept-encoding:[^\r]*", b"", head)
    return re.sub(rb"(?i)(\r\ncontent-length: *)\d+", rb"\g<1>%d" % len(body), plain), body


def _answer(status: str, told: dict[str, Any]) -> bytes:
    content = json.dumps(told).encode()
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content


def _read(answer: bytes) -> tuple[int, dict[str, Any]]:
    response = HTTPResponse(_Received(answer))  # type: ignore[arg-type]  # all that it needs of a socket
    response.begin()
    content = response.read()
    return response.status, json.loads(content) if response.status == 200 else {}


class _Received:
    """Bytes that a standard library wants to read from a socket."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def makefile(self, _mode: str) -> BytesIO:
        """What was received."""
        return BytesIO(self.content)
