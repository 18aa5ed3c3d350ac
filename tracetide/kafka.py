"""The topics in Kafka: made if they are missing, checked if they are there."""

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from tracetide.errors import CommandError
from wire.topics import TOPICS, Topic


async def create_topics(bootstrap: str, *, partitions: int = 6, replication: int = 1) -> list[str]:
    """Make the topics that are missing, and return their names. Those that exist are left as they are."""
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await client.start()
    except KafkaError as error:
        raise CommandError(f"Kafka at {bootstrap} cannot be reached: {error}") from error
    try:
        return [topic.name for topic in TOPICS if await _create(client, topic, partitions, replication)]
    finally:
        await client.close()


async def _create(client: AIOKafkaAdminClient, topic: Topic, partitions: int, replication: int) -> bool:
    new = NewTopic(topic.name, partitions, replication, topic_configs=topic.config)
    response = await client.create_topics([new])
    ((_, code, *_rest),) = response.topic_errors
    if code == TopicAlreadyExistsError.errno:
        return False
    if code:
        raise CommandError(f"Kafka does not make the topic {topic.name}: {for_code(code).description}")
    return True


async def differences(client: AIOKafkaAdminClient, topic: Topic) -> list[tuple[str, str, str]]:
    """Name, wanted and found value of each setting in which the topic is not as tracetide makes it."""
    (answer,) = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name)])
    ((_error, _message, _kind, _name, entries),) = answer.resources
    found = {name: value for name, value, *_ in entries}
    return [
        (name, wanted, found[name])
        for name, wanted in topic.config.items()
        if found.get(name) not in (wanted, None)
    ]
