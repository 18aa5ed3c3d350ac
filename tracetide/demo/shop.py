"""The victim: a web shop in a container, a real web server with a hole such as real ones have."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tracetide.demo.container import Container, Workshop, running
from tracetide.demo.errors import ContainerError
from tracetide.demo.image import File
from tracetide.demo.network import connect

PORT = 80
STATUS = "/cgi-bin/status.cgi"

_PATIENCE = 10.0

_PAGE = "<!doctype html>\n<title>Shop</title>\n<h1>Everything for the seaside</h1>\n"

# Everybody may ask how long the shop has been up. Whoever names a host in the request is also told
# whether it can be resolved, and the name goes into a shell just as it came: that is the hole.
_STATUS = """\
#!/usr/bin/awk -f
BEGIN {
    printf "Content-Type: text/plain\\r\\n\\r\\n"
    getline uptime < "/proc/uptime"
    print "up " uptime
    print "status asked" >> "/var/log/shop.log"
    close("/var/log/shop.log")
    fflush()
    if (ENVIRON["REQUEST_METHOD"] == "POST") {
        getline host
        system("nslookup " host " 2>&1")
    }
}
"""

FILES = {
    "var/www/index.html": File(_PAGE),
    f"var/www{STATUS}": File(_STATUS, 0o755),
}


@contextmanager
def shop(place: Workshop) -> Iterator[Container]:
    """The shop, open for business: what this gives answers requests on ``PORT`` of its own loopback."""
    with running(place, "/usr/sbin/httpd", "-f", "-p", f"127.0.0.1:{PORT}", "-h", "/var/www") as container:
        _wait_until_open(container)
        yield container


def _wait_until_open(container: Container) -> None:
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            connect(container.pid, PORT).close()
        except OSError as error:
            if time.monotonic() > deadline:
                raise ContainerError(
                    f"the web server in the container does not answer: {error.strerror}"
                ) from error
            time.sleep(0.01)
        else:
            return
