"""10,000 alerts of one incident: one ticket, one thread, a few messages, every alert in the search server."""

import asyncio
import re
import time
import uuid
from pathlib import Path

import pytest
from elasticsearch import AsyncElasticsearch
from elasticsearch.helpers import async_scan

from notify.config import loads
from sinks import open_sink
from sinks.embedded import delivering
from sinks.store import Store
from tests.notify.samples import alert
from tests.notify.test_service import until
from tests.peers.rt import QUEUE, RtServer
from tests.peers.smtp import PASSWORD, SmtpPeer
from tests.sinks.samples import process
from tracetide.notices import notices

COUNT = 10_000
INTERVAL = 3

# A minute is some seconds here, and the usual five minutes between two messages are as many.
ROUTES = """
route: {{receiver: soc, group_wait: 1s, group_interval: {interval}s}}
receivers:
  - name: soc
    mail: [{{host: 127.0.0.1, port: {port}, tls: {tls}, ca: {ca}, sender: a@example.org, to: soc@example.org,
            username: tracetide, password_env: MAIL_PASSWORD}}]
    rt: [{{url: "{rt}", queue: {queue}, token_env: RT_TOKEN}}]
"""


@pytest.mark.elasticsearch
@pytest.mark.parametrize("smtp_peer", ["tls"], indirect=True)
async def test_a_flood_is_one_ticket_and_one_thread(
    smtp_peer: SmtpPeer,
    rt: RtServer,
    elasticsearch: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An attacker who makes noise under ever new names hides nothing and wakes nobody twice."""
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    monkeypatch.setenv("RT_TOKEN", rt.token)
    index = f"logs-flood-{uuid.uuid4().hex[:8]}"
    monkeypatch.setenv("TRACETIDE_ELASTICSEARCH_URL", elasticsearch)
    monkeypatch.setenv("TRACETIDE_ELASTICSEARCH_INDEX", index)
    peer = {"port": smtp_peer.port, "tls": smtp_peer.tls, "ca": smtp_peer.ca}
    routes = ROUTES.format(**peer, rt=rt.url, queue=QUEUE, interval=INTERVAL)
    before, start = len(rt.tickets()), time.time()
    async with (
        Store(tmp_path / "queue.sqlite", ["elasticsearch", "notify"]) as store,
        notices(loads(routes), tmp_path / "state") as people,
    ):
        sinks = [open_sink("elasticsearch"), people]
        async with delivering(sinks, _never, store=store) as deliver:
            for number in range(COUNT):
                noise = process(
                    40, "/bin/sh", "-c", "id", name=f"sh-{number % 5000}", user=f"u{number % 700}"
                )
                await deliver(alert(number, at=start, process=noise))
        await until(lambda: f"{COUNT:,} alerts" in last(smtp_peer), 60)
        # RT here does one thing at a time, and must not wait for this loop while the loop waits for it.
        await asyncio.to_thread(complete, rt)
        await sinks[0].close()
    assert await stored(elasticsearch, index) == sorted(alert(number).id for number in range(COUNT))
    first, *others = smtp_peer.mails
    assert {mail["References"] for mail in others} <= {first["Message-ID"]}
    assert len(smtp_peer.mails) <= 2 + (time.time() - start) / INTERVAL
    assert len(rt.tickets()) == before + 1
    assert len(rt.said(rt.tickets()[-1]["id"])) == len(smtp_peer.mails)
    assert all(len(mail.as_bytes()) < 200_000 for mail in smtp_peer.mails)


def complete(rt: RtServer) -> None:
    """Return when the ticket tells of all."""
    for _ in range(200):
        if f"{COUNT:,} alerts" in rt.said(rt.tickets()[-1]["id"])[-1]:
            return
        time.sleep(0.2)
    raise AssertionError("the ticket does not tell of all")


async def stored(url: str, index: str) -> list[str]:
    """The ids of all alerts in the search server, which then forgets them."""
    async with AsyncElasticsearch(url, request_timeout=60) as client:
        await client.indices.refresh(index=f"{index}.*")
        hits = async_scan(client, index=f"{index}.*", size=5000, _source=False)
        found = [hit["_id"] async for hit in hits]
        for month in await client.indices.get(index=f"{index}.*"):
            await client.indices.delete(index=month)
    return sorted(found)


async def _never(sink: str, *_: object) -> None:
    raise AssertionError(f"{sink} refuses a detection")


def last(peer: SmtpPeer) -> str:
    """The text of the latest mail."""
    body = peer.mails[-1].get_body(("plain",)) if peer.mails else None
    return re.sub(r"\s+", " ", str(body.get_content())) if body else ""
