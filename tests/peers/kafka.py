"""A real Kafka broker for the tests: the one named by ``KAFKA_BOOTSTRAP``, or one started here."""

import os
import shutil
import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic, RecordsToDelete

from tests.peers.java import HEAP, libraries
from tests.peers.server import Server, accepts, free_port

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={data}
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
log.index.size.max.bytes=65536
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
"""


@pytest.fixture(scope="session")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A broker of our own, at ``127.0.0.1:port``, that a test may stop and start; its data survives that."""
    jars = libraries("kafka")
    folder = tmp_path_factory.mktemp("kafka")
    server = prepare(jars, folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def kafka(request: pytest.FixtureRequest) -> str:
    """A running broker's ``host:port``. For tests only: they use tracetide's topics and groups."""
    named = os.environ.get("KAFKA_BOOTSTRAP")
    if named:
        return named
    server: Server = request.getfixturevalue("broker")
    return f"127.0.0.1:{server.port}"


async def create_topic(bootstrap: str, name: str, partitions: int = 1, **settings: str) -> None:
    """Create a topic; ``settings`` are the broker's names with ``_`` for ``.``, e.g. ``cleanup_policy``."""
    config = {key.replace("_", "."): value for key, value in settings.items()}
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=config)])
    finally:
        await admin.close()


async def empty_topic(bootstrap: str, name: str, partitions: int) -> None:
    """Delete the records that are in a topic, which other tests may have left."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        everything = RecordsToDelete(-1)
        await admin.delete_records({TopicPartition(name, each): everything for each in range(partitions)})
    finally:
        await admin.close()


def prepare(jars: Path, folder: Path, proxied: tuple[int, int] | None = None) -> Server:
    """A broker with an empty log in ``folder``, not started yet; ``jars`` are those of ``libraries``.

    With ``proxied`` it listens at the first of those ports too, and sends who comes there to the second.
    """
    port, controller = free_port(), free_port()
    properties = folder / "server.properties"
    text = PROPERTIES.format(port=port, controller=controller, data=folder / "data")
    if proxied:
        listeners, second = f"PLAINTEXT://127.0.0.1:{port}", "PROXIED://127.0.0.1:{}"
        text = text.replace(listeners, f"{listeners},{second.format(proxied[0])}")
        text += f"advertised.listeners={listeners},{second.format(proxied[1])}\n"
        text += "listener.security.protocol.map="
        text += "PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT\n"
    properties.write_text(text)
    java = ["java", *HEAP, "-cp", f"{jars}/*"]
    cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    # In one word, as the number may begin with a hyphen.
    formatted = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", str(properties)]
    subprocess.run([*java, *formatted], check=True, capture_output=True)
    return Server([*java, "kafka.Kafka", str(properties)], folder / "broker.log", port, accepts)
