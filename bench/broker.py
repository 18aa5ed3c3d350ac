"""A Kafka broker for a bench: the tests' own, with an empty log."""

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.peers import kafka
from tests.peers.java import libraries
from tracetide.kafka import create_topics


@contextmanager
def broker() -> Iterator[str]:
    """Its address; the topics are there, with one partition each."""
    with tempfile.TemporaryDirectory() as folder:
        server = kafka.prepare(libraries("kafka"), Path(folder))
        server.start()
        try:
            bootstrap = f"127.0.0.1:{server.port}"
            asyncio.run(create_topics(bootstrap, partitions=1))
            yield bootstrap
        finally:
            server.kill()
