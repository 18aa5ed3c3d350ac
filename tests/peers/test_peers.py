"""The servers that other tests rely on are what they claim to be."""

import uuid

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from elasticsearch import AsyncElasticsearch

from tests.peers.header_shim import plain
from tests.peers.http import Answer, HttpPeer
from tests.peers.kafka import create_topic
from tests.peers.server import Server


async def _send(bootstrap: str, topic: str, values: list[bytes]) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
    await producer.start()
    try:
        for value in values:
            await producer.send_and_wait(topic, value)
    finally:
        await producer.stop()


async def _receive(bootstrap: str, topic: str, count: int) -> list[bytes]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        return [(await consumer.getone()).value or b"" for _ in range(count)]
    finally:
        await consumer.stop()


@pytest.mark.kafka
async def test_the_broker_keeps_what_it_is_sent(kafka: str) -> None:
    """Records come back in the order in which they were sent."""
    topic = f"peers-{uuid.uuid4()}"
    await create_topic(kafka, topic)
    await _send(kafka, topic, [b"one", b"two"])
    assert await _receive(kafka, topic, 2) == [b"one", b"two"]


@pytest.mark.kafka
async def test_the_broker_keeps_its_data_over_a_stop_and_a_kill(broker: Server) -> None:
    """A stopped or killed broker comes back with its records."""
    bootstrap, topic = f"127.0.0.1:{broker.port}", f"peers-{uuid.uuid4()}"
    await create_topic(bootstrap, topic)
    await _send(bootstrap, topic, [b"one"])
    broker.stop()
    broker.start()
    await _send(bootstrap, topic, [b"two"])
    broker.kill()
    broker.start()
    assert await _receive(bootstrap, topic, 2) == [b"one", b"two"]


@pytest.mark.elasticsearch
@pytest.mark.parametrize("server", ["elasticsearch", "opensearch"])
async def test_the_search_servers_serve_the_python_client(
    server: str, request: pytest.FixtureRequest
) -> None:
    """Elasticsearch's own client accepts both servers, and both find what they were given."""
    url: str = request.getfixturevalue(server)
    index = f"peers-{uuid.uuid4()}"
    async with AsyncElasticsearch(url) as client:
        await client.bulk(operations=[{"create": {"_id": "1"}}, {"x": 1}], index=index, refresh=True)
        found = await client.search(index=index, query={"term": {"x": 1}})
        await client.indices.delete(index=index)
    assert [hit["_id"] for hit in found["hits"]["hits"]] == ["1"]


def test_the_shim_removes_the_compatibility_media_type() -> None:
    """Only Elasticsearch's own media types are rewritten."""
    assert plain("application/vnd.elasticsearch+x-ndjson; compatible-with=8") == "application/x-ndjson"
    assert plain("text/plain") == "text/plain"


async def test_the_http_peer_follows_its_script(http_peer: HttpPeer) -> None:
    """Answers come in the order of the script, a cut one as a broken connection."""
    http_peer.script.extend([Answer(429, headers={"Retry-After": "7"}), Answer(cut=True)])
    async with httpx.AsyncClient() as client:
        first = await client.post(http_peer.url, content=b"one")
        with pytest.raises(httpx.TransportError):
            await client.post(http_peer.url, content=b"two")
        third = await client.get(http_peer.url)
    assert (first.status_code, first.headers["retry-after"], third.status_code) == (429, "7", 200)
    assert [request.body for request in http_peer.requests] == [b"one", b"two", b""]
