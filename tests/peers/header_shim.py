"""Passes OpenSearch off as Elasticsearch: the Python client insists on its headers and media types."""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMPATIBLE = "application/vnd.elasticsearch+"
HOP_BY_HOP = {"accept-encoding", "connection", "content-length", "host", "keep-alive", "transfer-encoding"}


@contextmanager
def shim(upstream: int) -> Iterator[int]:
    """Serve the server at the loopback port ``upstream`` on another one, and yield that."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(upstream))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def plain(value: str) -> str:
    """``application/vnd.elasticsearch+x-ndjson; compatible-with=8`` as ``application/x-ndjson``."""
    if not value.startswith(COMPATIBLE):
        return value
    return "application/" + value.removeprefix(COMPATIBLE).partition(";")[0]


def _handler(upstream: int) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            headers = {k: plain(v) for k, v in self.headers.items() if k.lower() not in HOP_BY_HOP}
            connection = http.client.HTTPConnection("127.0.0.1", upstream, timeout=60)
            try:
                connection.request(self.command, self.path, body, headers)
                answer = connection.getresponse()
                self.hand_back(answer, answer.read())
            except OSError:
                self.close_connection = True  # a server that is down answers nothing
            finally:
                connection.close()

        def hand_back(self, answer: http.client.HTTPResponse, body: bytes) -> None:
            self.send_response(answer.status)
            kind = answer.headers.get("content-type", "text/plain")
            if "vnd.elasticsearch" in self.headers.get("accept", ""):
                kind = kind.replace("application/", COMPATIBLE, 1).partition(";")[0] + ";compatible-with=8"
            self.send_header("content-type", kind)
            self.send_header("x-elastic-product", "Elasticsearch")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Say nothing: the server has a log of its own."""

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = pass_on  # noqa: N815  # named by http.server

    return Handler
