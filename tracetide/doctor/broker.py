"""Whether Kafka is there, with the topics and the limits that the pipeline relies on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from tracetide.doctor.contract import Asked, Finding, bad, note

if TYPE_CHECKING:
    from aiokafka.admin import AIOKafkaAdminClient


async def look(asked: Asked) -> AsyncIterator[Finding]:
    """The brokers, the topics, and what each topic is set to."""
    if asked.kafka is None:
        return
    from aiokafka.admin import AIOKafkaAdminClient  # noqa: PLC0415  # only where there is a Kafka
    from aiokafka.errors import KafkaError  # noqa: PLC0415  # the same

    what = f"Kafka at {asked.kafka}"
    client = AIOKafkaAdminClient(bootstrap_servers=asked.kafka)
    try:
        await client.start()
        async for finding in _topics(client, what):
            yield finding
    except KafkaError as error:
        yield bad(what, f"it cannot be reached ({error})", "check the address and the network")
    finally:
        await client.close()


async def _topics(client: AIOKafkaAdminClient, what: str) -> AsyncIterator[Finding]:
    from tracetide.kafka import differences  # noqa: PLC0415  # only where there is a Kafka
    from wire.topics import TOPICS  # noqa: PLC0415  # the same

    brokers = len((await client.describe_cluster())["brokers"])
    there = set(await client.list_topics())
    missing = [topic.name for topic in TOPICS if topic.name not in there]
    if missing:
        yield bad(what, f"no topic {', '.join(missing)}", "run `tracetide setup kafka`")
    else:
        yield Finding(what, f"all {len(TOPICS)} topics; brokers: {brokers}")
    for topic in TOPICS:
        if topic.name in there:
            for name, wanted, found in await differences(client, topic):
                remedy = f"kafka-configs --alter --topic {topic.name} --add-config {name}={wanted}"
                yield note(topic.name, f"{name} is {found} instead of {wanted}", remedy)
