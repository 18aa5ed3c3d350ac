"""The Elasticsearch sink against real servers, and a scripted one for what those cannot be made to do."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from elasticsearch import AsyncElasticsearch
from pydantic import SecretStr

from sinks.contract import Delivered, Duplicate, Never, Outcome, Retry, SinkError
from sinks.elastic_setup import Keep, set_up
from sinks.elasticsearch import ElasticsearchSink, Settings, classify, create
from tests.peers.http import Answer, HttpPeer
from tests.peers.server import Server, free_port
from tests.sinks.samples import NOVEMBER, detection, detections

INDEX = "logs-tracetide.alerts"
MONTH = f"{INDEX}.2026.11"
DECEMBER = NOVEMBER + 30 * 86400 * 10**9


@pytest.fixture(params=["elasticsearch", "opensearch"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[AsyncElasticsearch]:
    """An administrator's client of a real server that has our template and no alerts."""
    async with AsyncElasticsearch(request.getfixturevalue(request.param)) as client:
        await clear(client)
        (node,) = client.transport.node_pool.all()
        await set_up(Settings(url=node.base_url), Keep())
        yield client


@pytest.fixture
async def sink(
    server: AsyncElasticsearch, request: pytest.FixtureRequest
) -> AsyncIterator[ElasticsearchSink]:
    """A sink for that server; unlike the administrator's client it needs nothing in front of OpenSearch."""
    (node,) = server.transport.node_pool.all()
    itself = "opensearch_itself" if request.node.callspec.params["server"] == "opensearch" else None
    made = create(Settings(url=request.getfixturevalue(itself) if itself else node.base_url, timeout=10))
    yield made
    await made.close()


async def clear(server: AsyncElasticsearch) -> None:
    """Delete all alerts; servers want every index named for that."""
    for index in await server.indices.get(index=f"{INDEX}.*"):
        await server.indices.delete(index=index)


async def ids(server: AsyncElasticsearch, index: str = f"{INDEX}.*") -> set[str]:
    """The ids of all documents, each counted once."""
    await server.indices.refresh(index=index)
    found = await server.search(index=index, size=10_000, source=False)
    hits = [hit["_id"] for hit in found["hits"]["hits"]]
    assert len(hits) == found["hits"]["total"]["value"]
    return set(hits)


@pytest.mark.elasticsearch
async def test_delivering_twice_changes_nothing(sink: ElasticsearchSink, server: AsyncElasticsearch) -> None:
    """The second time every detection is a duplicate, and there is one document for each."""
    assert await sink.deliver(detections(50)) == [Delivered()] * 50
    assert await sink.deliver(detections(51)) == [Duplicate()] * 50 + [Delivered()]
    assert await ids(server) == {found.id for found in detections(51)}


@pytest.mark.elasticsearch
async def test_bodies_may_be_compressed(sink: ElasticsearchSink, server: AsyncElasticsearch) -> None:
    """The server takes them as it takes others."""
    assert await replace(sink, gzip=True).deliver(detections(3)) == [Delivered()] * 3
    assert await ids(server) == {one.id for one in detections(3)}


@pytest.mark.elasticsearch
async def test_an_alert_is_kept_in_the_month_of_its_event(
    sink: ElasticsearchSink, server: AsyncElasticsearch
) -> None:
    """A replay months later meets what was delivered then."""
    await sink.deliver([detection(1), detection(2, time=DECEMBER)])
    assert await ids(server, MONTH) == {detection(1).id}
    assert await ids(server, f"{INDEX}.2026.12") == {detection(2).id}


@pytest.mark.elasticsearch
async def test_a_document_that_does_not_fit_is_refused_alone(
    sink: ElasticsearchSink, server: AsyncElasticsearch
) -> None:
    """A conflict of types is for good; the neighbours are delivered."""
    await server.indices.create(
        index=MONTH,
        mappings={
            "properties": {
                "tracetide": {
                    "properties": {
                        "fields": {"properties": {"evil": {"properties": {"x": {"type": "keyword"}}}}}
                    }
                }
            }
        },
    )
    outcomes = await sink.deliver([detection(1), detection(2, fields={"evil": "text"}), detection(3)])
    assert [type(outcome) for outcome in outcomes] == [Delivered, Never, Delivered]
    assert isinstance(outcomes[1], Never)
    assert "400" in outcomes[1].reason
    assert "evil" in outcomes[1].reason


@pytest.mark.elasticsearch
async def test_what_no_document_can_be_made_of_is_refused_alone(
    sink: ElasticsearchSink, server: AsyncElasticsearch
) -> None:
    """A time after the year 9999 or an event with wrong types is no reason to hold the others."""
    odd = [detection(1, time=10**30), detection(2, event={"kind": "open", "path": "/x", "flags": "many"})]
    outcomes = await sink.deliver([*odd, detection(3)])
    assert [type(outcome) for outcome in outcomes] == [Never, Never, Delivered]
    assert await ids(server) == {detection(3).id}


@pytest.mark.elasticsearch
async def test_malformed_values_do_not_cost_the_alert(
    sink: ElasticsearchSink, server: AsyncElasticsearch
) -> None:
    """With our template a field that is no address is left out of the index, and the alert is there."""
    event = {"kind": "socket", "type": "connect", "result": 0, "remote_ip": "no address", "remote_port": "x"}
    assert await sink.deliver([detection(event=event)]) == [Delivered()]
    assert await ids(server) == {detection().id}


@pytest.mark.elasticsearch
async def test_the_template_gives_fields_the_types_of_ecs(
    sink: ElasticsearchSink, server: AsyncElasticsearch, ecs_schema: dict[str, dict[str, Any]]
) -> None:
    """Every field that a document brings along is indexed as the schema has it, or as its plain cousin."""
    connect = {"kind": "socket", "type": "connect", "result": 0, "local_ip": "10.0.0.1", "local_port": 1}
    opened = {"kind": "open", "type": "openat", "result": 3, "path": "/etc/x.conf", "flags": 0}
    await sink.deliver([detection(1), detection(2, event=connect), detection(3, event=opened)])
    answer = await server.indices.get_mapping(index=MONTH)
    cousins = {"wildcard": "keyword", "match_only_text": "text"}
    types = dict(flat(answer[MONTH]["mappings"]["properties"]))
    assert len(types) > 50
    for name, kind in types.items():
        if not name.startswith("tracetide."):
            official = ecs_schema[name]["type"]
            assert kind == cousins.get(official, official), name


@pytest.mark.elasticsearch
async def test_no_data_stream_is_made_of_the_alerts(
    sink: ElasticsearchSink, server: AsyncElasticsearch
) -> None:
    """Under the template that Elasticsearch has for ``logs-*-*`` our index stays a plain one."""
    builtin = {"index_patterns": ["logs-*-*"], "data_stream": {}, "priority": 100}
    await server.indices.put_index_template(name="logs", body=builtin)
    try:
        await server.indices.delete_index_template(name="tracetide-alerts")
        assert await sink.deliver([detection()]) == [Delivered()]
        settings = await server.indices.get_settings(index=f"{INDEX}.*")
        assert list(settings) == [MONTH]
        assert await ids(server, "logs-*") == {detection().id}
    finally:
        await server.indices.delete_index_template(name="logs")


@pytest.mark.elasticsearch
async def test_a_server_without_security_lets_everybody(sink: ElasticsearchSink) -> None:
    """The check finds nothing to object to."""
    await sink.check()


@pytest.mark.elasticsearch
async def test_a_server_that_is_down_loses_nothing(search_server: Server) -> None:
    """While it is down everything is to be tried again; back again it has what it had and takes the rest."""
    url = f"http://127.0.0.1:{search_server.port}"
    sink = create(Settings(url=url, timeout=5))
    async with AsyncElasticsearch(url) as client:
        await clear(client)
        await sink.deliver(detections(10))
        search_server.kill()
        try:
            outcomes = await sink.deliver(detections(20))
            assert all(isinstance(outcome, Retry) for outcome in outcomes)
            with pytest.raises(SinkError, match=r"Elasticsearch at 127\.0\.0\.1 cannot be reached"):
                await sink.check()
        finally:
            search_server.start()
        assert await sink.deliver(detections(20)) == [Duplicate()] * 10 + [Delivered()] * 10
        assert await ids(client) == {found.id for found in detections(20)}
    await sink.close()


@pytest.fixture
async def scripted(http_peer: HttpPeer) -> AsyncIterator[ElasticsearchSink]:
    """A sink for a server that answers as the test says."""
    made = create(Settings(url=http_peer.url, api_key=SecretStr("marker-key"), timeout=0.5))
    yield made
    await made.close()


def answer(status: int, body: object = None, **headers: str) -> Answer:
    """An answer that looks like Elasticsearch's."""
    product = {"X-Elastic-Product": "Elasticsearch", "Content-Type": "application/json", **headers}
    return Answer(status, json.dumps({} if body is None else body), product)


def created(count: int) -> Answer:
    """An answer to a bulk request of which everything was taken."""
    return answer(200, {"errors": False, "items": [{"create": {"status": 201}}] * count})


@pytest.mark.parametrize(
    "reply",
    [
        answer(400, {"error": "no handler found"}),
        answer(401, {"error": "unable to authenticate"}),
        answer(403, {"error": "unauthorized"}),
        answer(404, {}),
        answer(429, {}),
        answer(500, {}),
        answer(502, {}),
        answer(503, {}),
        Answer(503, "<html>proxy</html>", {"Content-Type": "text/html"}),
        Answer(200, "<html>log in</html>", {"Content-Type": "text/html"}),
        Answer(200, "{", {"X-Elastic-Product": "Elasticsearch", "Content-Type": "application/json"}),
        Answer(cut=True),
        Answer(delay=2),
    ],
)
async def test_a_request_that_fails_is_tried_again_whole(
    scripted: ElasticsearchSink, http_peer: HttpPeer, reply: Answer
) -> None:
    """Nothing is given up because of what the server says of a request, and the client does not insist."""
    http_peer.script.append(reply)
    outcomes = await scripted.deliver(detections(3))
    assert [type(outcome) for outcome in outcomes] == [Retry] * 3
    assert len(http_peer.requests) == 1
    assert "marker" not in str(outcomes)


async def test_the_server_says_when_to_come_back(scripted: ElasticsearchSink, http_peer: HttpPeer) -> None:
    """Retry-After of a whole request is handed on."""
    http_peer.script.append(answer(429, {}, **{"Retry-After": "9"}))
    (outcome,) = await scripted.deliver([detection()])
    assert isinstance(outcome, Retry)
    assert outcome.after == 9


async def test_a_body_that_is_too_large_is_halved(scripted: ElasticsearchSink, http_peer: HttpPeer) -> None:
    """The outcomes stay in order; a single document that is still too large is refused."""
    http_peer.script.extend([answer(413), created(2), answer(413), answer(413), created(1)])
    outcomes = await scripted.deliver(detections(4))
    assert [type(outcome) for outcome in outcomes] == [Delivered, Delivered, Never, Delivered]


async def test_large_batches_are_sent_in_parts(scripted: ElasticsearchSink, http_peer: HttpPeer) -> None:
    """No body is larger than a megabyte, and none is empty; they are under way at the same time."""
    http_peer.script.extend([created(2), created(2), created(2)])
    large = [detection(number, fields={"x": "y" * (400 << 10)}) for number in range(6)]
    assert await scripted.deliver(large) == [Delivered()] * 6
    assert [len(request.body) // (400 << 10) for request in http_peer.requests] == [2, 2, 2]


ERROR = {
    "type": "mapper_parsing_exception",
    "reason": "failed to parse",
    "caused_by": {"reason": "not a date"},
}


@pytest.mark.parametrize(
    ("item", "outcome"),
    [
        ({"status": 201}, Delivered()),
        ({"status": 409, "error": {"type": "version_conflict_engine_exception"}}, Duplicate()),
        ({"status": 400, "error": ERROR}, Never("400 mapper_parsing_exception: failed to parse: not a date")),
        ({"status": 404, "error": {"type": "x"}}, Never("404 x")),
        ({"status": 404, "error": {"type": "index_not_found_exception"}}, Retry("404 index_not_found_exception")),  # noqa: E501  # a row
        ({"status": 400, "error": {"type": "validation_exception"}}, Retry("400 validation_exception")),
        ({"status": 403, "error": {"type": "cluster_block_exception"}}, Retry("403 cluster_block_exception")),
        ({"status": 403, "error": {"type": "security_exception"}}, Retry("403 security_exception")),
        ({"status": 429, "error": {"type": "es_rejected_execution_exception"}},
         Retry("429 es_rejected_execution_exception")),
        ({"status": 503, "error": {"type": "unavailable_shards_exception"}},
         Retry("503 unavailable_shards_exception")),
        ({"status": 201, "failure_store": "used"},
         Never("the document did not fit and went to the failure store of the data stream")),
        ({"status": 201, "failure_store": "not_enabled"}, Delivered()),
    ],
)  # fmt: skip
def test_every_item_of_an_answer_has_an_outcome(item: dict[str, Any], outcome: Outcome) -> None:
    """The state of the server is waited for, the fault of a document is not."""
    assert classify(item) == outcome


async def test_the_check_asks_for_the_privileges(scripted: ElasticsearchSink, http_peer: HttpPeer) -> None:
    """A user who may not write, or a wrong key, is told in a sentence without the key."""
    http_peer.script.extend(
        [
            answer(200, {"username": "fwd", "has_all_requested": True}),
            answer(200, {"username": "fwd", "has_all_requested": False}),
            answer(401, {"error": "no"}),
        ]
    )
    await scripted.check()
    with pytest.raises(SinkError, match=r"user fwd needs .*auto_configure for logs-tracetide\.alerts\.\*"):
        await scripted.check()
    with pytest.raises(SinkError, match="does not accept the API key") as caught:
        await scripted.check()
    assert "marker" not in str(caught.value)
    (asked,) = json.loads(http_peer.requests[0].body)["index"]
    assert asked == {"names": [f"{INDEX}.*"], "privileges": ["create_doc", "auto_configure"]}


async def test_the_check_names_a_server_that_is_not_there() -> None:
    """Nobody listens: a sentence, not a traceback."""
    made = create(Settings(url=f"http://127.0.0.1:{free_port()}"))
    with pytest.raises(SinkError, match="cannot be reached"):
        await made.check()
    await made.close()


def flat(properties: dict[str, Any], above: str = "") -> list[tuple[str, str]]:
    """Flat names and types of a mapping."""
    found = []
    for name, field in properties.items():
        if "properties" in field:
            found += flat(field["properties"], f"{above}{name}.")
        else:
            found.append((above + name, field["type"]))
    return found
