"""``tracetide setup elastic`` against real servers, and a scripted one for the parts that those do not have.

The published core of Elasticsearch has neither lifecycle management nor data streams, but its own classes say
what they make of what is sent. OpenSearch's runner has no ISM: that is compared with its documentation.
"""

import asyncio
import json
import re
from typing import Any

import pytest
from click.testing import CliRunner
from elasticsearch import AsyncElasticsearch

from sinks.contract import Delivered, Duplicate, SinkError
from sinks.elastic_setup import Keep, set_up
from sinks.elasticsearch import Settings, create_for_events
from tests.peers.http import Answer, HttpPeer
from tests.peers.lifecycle import Lifecycle
from tests.peers.server import free_port
from tests.sinks.samples import detection, detections
from tests.sinks.test_ecs import EVENTS
from tracetide.commands.setup import setup


@pytest.mark.elasticsearch
@pytest.mark.parametrize("server", ["elasticsearch", "opensearch"])
async def test_it_may_run_again_and_leaves_what_is_the_users(
    server: str, request: pytest.FixtureRequest
) -> None:
    """Twice the same; a template that the user filled keeps what is in it, and is part of ours."""
    url: str = request.getfixturevalue("opensearch_itself" if server == "opensearch" else server)
    async with AsyncElasticsearch(request.getfixturevalue(server)) as client:
        await _forget(client)
        first = await set_up(Settings(url=url), Keep())
        mine = {"template": {"settings": {"index.number_of_replicas": 0}}}
        await client.cluster.put_component_template(name="tracetide-alerts@custom", body=mine)
        again = await set_up(Settings(url=url), Keep())
        assert [each for each in first if "@custom" not in each] == again
        simulated = await client.indices.simulate_index_template(name="logs-tracetide.alerts.2026.11")
        made = simulated["template"]
        assert made["settings"]["index"]["number_of_replicas"] == "0"
        assert made["mappings"]["properties"]["event"]["properties"]["risk_score"]["type"] == "float"
        assert again[0].lower() == server
        await _forget(client)


async def _forget(client: AsyncElasticsearch) -> None:
    """No templates of ours."""
    for name in ("tracetide-alerts", "tracetide-events"):
        await client.options(ignore_status=404).indices.delete_index_template(name=name)
    for name in ("mappings", "settings", "alerts@custom", "events@custom"):
        await client.options(ignore_status=404).cluster.delete_component_template(name=f"tracetide-{name}")


@pytest.mark.elasticsearch
async def test_raw_events_go_to_a_data_stream(opensearch: str, opensearch_itself: str) -> None:
    """The template makes one; within it an event is stored once, as an event and not as an alert."""
    settings = Settings(url=opensearch_itself, namespace="tests")
    said = await set_up(settings, Keep())
    assert any("logs-tracetide.events-*, a data stream" in each for each in said)
    sink = create_for_events(settings)
    await sink.check()
    stream = "logs-tracetide.events-tests"
    async with AsyncElasticsearch(opensearch) as client:
        try:
            found = [detection(1), detection(2, event=EVENTS["connect"])]
            assert await sink.deliver(found) == [Delivered()] * 2
            assert await sink.deliver(detections(3)) == [Duplicate(), Duplicate(), Delivered()]
            await client.indices.refresh(index=stream)
            hits = (await client.search(index=stream, sort="@timestamp"))["hits"]["hits"]
            assert [hit["_id"] for hit in hits] == [one.id for one in detections(3)]
            assert all(hit["_index"].startswith(".ds-logs-tracetide.events-tests-") for hit in hits)
            source = hits[1]["_source"]
            assert (source["event"]["kind"], source["event"]["category"]) == ("event", ["network"])
            assert "rule" not in source
        finally:
            await client.options(ignore_status=404).indices.delete_data_stream(name=stream)
            await _forget(client)
    await sink.close()


def asked(peer: HttpPeer) -> dict[str, dict[str, Any]]:
    """What was written, by path."""
    return {each.path: json.loads(each.body) for each in peer.requests if each.method == "PUT"}


async def test_elasticsearch_gets_a_policy_and_a_data_stream_lifecycle(http_peer: HttpPeer) -> None:
    """Alerts are deleted by the policy that their template names, events by the stream's own lifecycle."""
    http_peer.otherwise = Answer(200, json.dumps({"version": {"number": "9.2.1"}}))
    said = await set_up(Settings(url=http_peer.url), Keep(alerts=90, events=7))
    written = asked(http_peer)
    phases = written["/_ilm/policy/tracetide-alerts"]["policy"]["phases"]
    assert phases["delete"] == {"min_age": "90d", "actions": {"delete": {}}}
    alerts = written["/_index_template/tracetide-alerts"]
    assert alerts["template"]["settings"]["index.lifecycle.name"] == "tracetide-alerts"
    assert alerts["composed_of"] == ["tracetide-settings", "tracetide-mappings", "tracetide-alerts@custom"]
    events = written["/_index_template/tracetide-events"]
    assert events["template"] == {"lifecycle": {"data_retention": "7d"}}
    assert (events["data_stream"], events["priority"]) == ({}, 500)
    assert any("kept for 90 days" in each for each in said)


@pytest.mark.elasticsearch
async def test_elasticsearch_understands_the_policy(http_peer: HttpPeer, lifecycle: Lifecycle) -> None:
    """Its own classes take it, and delete an index of alerts when it is as old as asked, not earlier."""
    http_peer.otherwise = Answer(200, "{}")
    await set_up(Settings(url=http_peer.url), Keep(alerts=90, events=7))
    written = asked(http_peer)
    steps = await understood(lifecycle, written["/_ilm/policy/tracetide-alerts"], "policy tracetide-alerts")
    assert "90d delete delete delete" in steps
    assert {step.split()[2] for step in steps if not step.startswith("90d")} == {"init", "complete"}
    template = written["/_index_template/tracetide-events"]
    assert await understood(lifecycle, template, "template") == ["data stream 7d"]


@pytest.mark.elasticsearch
@pytest.mark.parametrize(
    ("phases", "reason"),
    [
        ({"delete": {"min_age": "90", "actions": {"delete": {}}}}, "failed to parse"),
        ({"hot": {"actions": {"delete": {}}}}, r"invalid action \[delete\] defined in phase \[hot\]"),
        ({"deleted": {"min_age": "90d", "actions": {"delete": {}}}}, "does not support phase"),
    ],
    ids=["age", "action", "phase"],
)
async def test_the_classes_of_elasticsearch_refuse_what_is_wrong(
    lifecycle: Lifecycle, phases: dict[str, Any], reason: str
) -> None:
    """A policy with a mistake is told from a sound one."""
    (refused,) = await understood(lifecycle, {"policy": {"phases": phases}}, "policy tracetide-alerts")
    assert re.match(f"refused: .*{reason}", refused)


async def understood(lifecycle: Lifecycle, body: dict[str, Any], kind: str) -> list[str]:
    """What Elasticsearch makes of a body that is sent to it."""
    return await asyncio.to_thread(lifecycle, json.dumps(body).encode(), kind)


async def test_opensearch_gets_policies_and_a_change_names_the_version(http_peer: HttpPeer) -> None:
    """Its templates take no lifecycle, and a policy that exists is changed and not refused."""
    version = {"version": {"distribution": "opensearch"}, "_seq_no": 4, "_primary_term": 2}
    http_peer.otherwise = Answer(200, json.dumps(version))
    await set_up(Settings(url=http_peer.url), Keep(alerts=90, events=7))
    written = asked(http_peer)
    for name, days in (("alerts", 90), ("events", 7)):
        policy = written[f"/_plugins/_ism/policies/tracetide-{name}?if_seq_no=4&if_primary_term=2"]["policy"]
        assert policy["states"][0]["transitions"][0]["conditions"] == {"min_index_age": f"{days}d"}
        assert policy["states"][1]["actions"] == [{"delete": {}}]
    assert "lifecycle" not in json.dumps(written["/_index_template/tracetide-events"])
    assert "lifecycle" not in json.dumps(written["/_index_template/tracetide-alerts"])


@pytest.mark.parametrize("status", [401, 403])
async def test_a_user_who_may_not_is_told_what_is_needed(http_peer: HttpPeer, status: int) -> None:
    """A sentence, and nothing half done in silence."""
    http_peer.otherwise = Answer(status, "{}")
    with pytest.raises(SinkError, match=f"answers {status}: set-up needs a user who may manage"):
        await set_up(Settings(url=http_peer.url), Keep())


async def test_what_the_server_does_not_take_is_said(http_peer: HttpPeer) -> None:
    """Its own reason is in the sentence."""
    http_peer.otherwise = Answer(400, json.dumps({"error": {"reason": "no room"}}))
    with pytest.raises(SinkError, match="does not take /_component_template/tracetide-mappings: 400 no room"):
        await set_up(Settings(url=http_peer.url), Keep())


async def test_the_command_says_what_it_did(http_peer: HttpPeer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line for each thing; days are options."""
    http_peer.otherwise = Answer(200, "{}")
    monkeypatch.setenv("TRACETIDE_ELASTICSEARCH_URL", http_peer.url)
    called = await asyncio.to_thread(CliRunner().invoke, setup, ["elastic", "--alerts-days", "5"])
    assert called.exit_code == 0
    assert "alerts are kept for 5 days" in called.stdout


async def test_a_server_that_is_not_there_is_said() -> None:
    """By its host."""
    with pytest.raises(SinkError, match=r"127\.0\.0\.1 cannot be reached"):
        await set_up(Settings(url=f"http://127.0.0.1:{free_port()}"), Keep())
