"""Health check of a container: does the consumer group named as argument have a living member?

A worker that hangs stops sending heartbeats and is no member any more, though its process is there.
"""

import asyncio
import os
import sys

from aiokafka.admin import AIOKafkaAdminClient


async def members(bootstrap: str, group: str) -> int:
    """How many members the coordinator knows."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        (response,) = await admin.describe_consumer_groups([group])
    finally:
        await admin.close()
    ((_error, _group, _state, _type, _protocol, living, *_rest),) = response.groups
    return len(living)


if __name__ == "__main__":
    sys.exit(0 if asyncio.run(members(os.environ["TRACETIDE_KAFKA"], sys.argv[1])) else 1)
