"""Gives Elasticsearch the users that the Compose file counts on; may run again.

Reads ``ELASTICSEARCH_URL`` and the passwords as files below ``/run/secrets``.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from elasticsearch import ApiError, Elasticsearch, TransportError

ALERTS = "logs-tracetide.alerts.*"
FORWARDER = "tracetide_forward"


def set_up(client: Elasticsearch, secret: Callable[[str], str]) -> None:
    """Kibana's password, and the forwarder with the right to add alerts and no other."""
    client.security.change_password(username="kibana_system", password=secret("kibana_password"))
    client.security.put_role(
        name=FORWARDER, indices=[{"names": [ALERTS], "privileges": ["create_doc", "auto_configure"]}]
    )
    client.security.put_user(username=FORWARDER, password=secret("forward_password"), roles=[FORWARDER])


def read_secret(name: str) -> str:
    """The secret that Compose put into the container."""
    return Path("/run/secrets", name).read_text().strip()


def main() -> None:
    """Exit code 1 with a sentence if the server does not do it."""
    url = os.environ["ELASTICSEARCH_URL"]
    with Elasticsearch(url, basic_auth=("elastic", read_secret("elastic_password"))) as client:
        try:
            set_up(client, read_secret)
        except (ApiError, TransportError) as error:
            sys.exit(f"Elasticsearch at {url} cannot be set up: {error.message}")


if __name__ == "__main__":
    main()
