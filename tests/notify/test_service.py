"""From a detection to people: nothing is lost by a stop, a crash or a receiver that is away."""

import asyncio
import itertools
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from notify.config import Config, loads
from notify.service import Notifier, Patience
from notify.silences import Silences
from notify.store import StoreError, open_store
from tests.notify.samples import START, alert, config, silence
from tests.peers.server import free_port
from tests.peers.smtp import PASSWORD, SmtpPeer

QUICK = Patience(first=0.01, longest=0.05, timeout=5, grace=2)


def routes(peer: SmtpPeer, more: str = "") -> Config:
    """Everything goes by mail."""
    return loads(f"""
route: {{receiver: soc, group_by: [host], group_wait: 0s, group_interval: 1s}}
receivers:
  - name: soc
    mail:
      - host: 127.0.0.1
        port: {peer.port}
        tls: {peer.tls}
        ca: {peer.ca}
        username: tracetide
        password_env: MAIL_PASSWORD
        sender: alerts@example.org
        to: soc@example.org
{more}""")


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)


def notifier(given: Config, folder: Path, clock: Callable[[], float]) -> Notifier:
    """With its state in a folder, and a time that the test decides."""
    return Notifier(given, open_store(folder), Silences(folder / "silences.json"), clock, QUICK)


@asynccontextmanager
async def running(one: Notifier) -> AsyncIterator[Notifier]:
    """Until the end of the block, or its breaking off."""
    task = asyncio.create_task(one.run())
    try:
        yield one
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        one.store.close()


async def until(true: Callable[[], Any], seconds: float = 10.0) -> None:
    """Wait until something holds."""
    for _ in range(int(seconds * 50)):
        if true():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never became true")


async def test_an_alert_becomes_a_mail_and_its_followers_answers(smtp_peer: SmtpPeer, tmp_path: Path) -> None:
    """Opening, update; the second in the thread of the first."""
    clock = itertools.count(START, 0.5)
    async with running(notifier(routes(smtp_peer), tmp_path, lambda: next(clock))) as one:
        one.take([alert(1)])
        await until(lambda: len(smtp_peer.mails) == 1)
        one.take([alert(2), alert(3)])
        await until(lambda: len(smtp_peer.mails) == 2)
    first, second = smtp_peer.mails
    assert second["references"] == first["message-id"]
    assert one.store.database is not None


async def test_what_was_taken_is_told_after_a_crash(smtp_peer: SmtpPeer, tmp_path: Path) -> None:
    """A process that ends between taking and telling has it on disk; nothing is told twice."""
    first = notifier(routes(smtp_peer), tmp_path, lambda: START)
    first.take([alert(1), alert(2)])
    first.store.close()
    second = notifier(routes(smtp_peer), tmp_path, lambda: START + 1)
    second.look()
    second.store.close()
    async with running(notifier(routes(smtp_peer), tmp_path, lambda: START + 2)) as third:
        third.take([alert(2)])
        await until(lambda: smtp_peer.mails)
        await asyncio.sleep(0.2)
    assert len(smtp_peer.mails) == 1
    assert "2 alerts" in str(smtp_peer.mails[0])


async def test_a_receiver_that_was_away_gets_one_message_of_an_incident(
    smtp_peer: SmtpPeer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What came meanwhile is put together; the log says once that nothing is told, and once that it is."""
    smtp_peer.data = ["451 4.3.0 later"] * 3
    now = [START]
    one = notifier(routes(smtp_peer), tmp_path, lambda: now[0])
    for number in range(5):
        now[0] = START + 10 * number
        one.take([alert(number, at=now[0])])
        one.look()
    async with running(one):
        await until(lambda: len(smtp_peer.mails) == 1)
    assert "5 alerts" in str(smtp_peer.mails[0])
    assert caplog.text.count("not told, trying until it is: 127.0.0.1 answers 451") == 1
    assert caplog.text.count("told again after 3 failures") == 1


async def test_a_message_that_was_tried_stays_as_it_was(smtp_peer: SmtpPeer, tmp_path: Path) -> None:
    """It may have arrived: what comes later is a message of its own, and is not taken for the same."""
    smtp_peer.data = ["451 4.3.0 after all"]
    now = [START]
    one = notifier(routes(smtp_peer), tmp_path, lambda: now[0])
    one.take([alert(1)])
    one.look()
    waiting = one.store.waiting("soc/mail/0")
    assert waiting is not None
    one.store.failed("soc/mail/0", waiting)
    now[0] += 10
    one.take([alert(2, at=now[0])])
    one.look()
    async with running(one):
        await until(lambda: len(smtp_peer.mails) == 3)
    ids = [mail["message-id"] for mail in smtp_peer.mails]
    assert ids[0] == ids[1] != ids[2]


async def test_what_is_refused_for_good_is_kept_and_holds_up_nothing(
    smtp_peer: SmtpPeer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The next message is told."""
    smtp_peer.data = ["554 5.7.1 spam"]
    async with running(notifier(routes(smtp_peer), tmp_path, lambda: START)) as one:
        one.take([alert(1), alert(2, host="node-2")])
        await until(lambda: smtp_peer.mails)
        rows = one.store.database.execute("SELECT target, reason FROM refused").fetchall()
    assert rows == [("soc/mail/0", "127.0.0.1 answers 554: it refuses the mail")]
    assert "refuses a message for good" in caplog.text


async def test_a_dead_receiver_does_not_hold_up_another(smtp_peer: SmtpPeer, tmp_path: Path) -> None:
    """Each way has its own line."""
    dead = (
        f"      - {{host: 127.0.0.1, port: {free_port()}, tls: none, sender: a@b.example, to: c@b.example}}\n"
    )
    async with running(notifier(routes(smtp_peer, dead), tmp_path, lambda: START)) as one:
        one.take([alert(1)])
        await until(lambda: smtp_peer.mails and one.store.waiting("soc/mail/0") is None)
        assert one.store.waiting("soc/mail/1") is not None


async def test_messages_for_a_way_that_is_gone_go_to_the_first(
    smtp_peer: SmtpPeer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A changed file does not strand what was waiting."""
    before = loads(
        "route: {receiver: old, group_wait: 0s}\nreceivers: [{name: old, mail: "
        "[{host: gone.example, sender: a@example.org, to: b@example.org}]}]"
    )
    first = notifier(before, tmp_path, lambda: START)
    first.take([alert(1)])
    first.look()
    first.store.close()
    async with running(notifier(routes(smtp_peer), tmp_path, lambda: START)):
        await until(lambda: smtp_peer.mails)
    assert "1 messages are for receivers that are no more; they go to soc/mail/0" in caplog.text


def test_what_nobody_is_told_has_a_reason(tmp_path: Path) -> None:
    """A silence with who and why, a receiver without a way."""
    one = notifier(
        config("route: {receiver: shop, group_by: [host], group_wait: 0s}"), tmp_path, lambda: START
    )
    one.silences.add(silence('host="node-1"'))
    one.take([alert(1), alert(2, host="node-2")])
    one.look()
    assert one.store.withheld() == [
        (alert(2).id, "receiver shop has no way to anybody"),
        (alert(1).id, "silence 51lence0 of ana: a drill"),
    ]
    one.store.close()


def test_silences_that_cannot_be_read_silence_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Better told too often than not at all; the log says so once."""
    one = notifier(
        config("route: {receiver: soc, group_by: [host], group_wait: 0s}"), tmp_path, lambda: START
    )
    (tmp_path / "silences.json").write_text('[{"id": 7}]')
    one.take([alert(1), alert(2, host="node-2")])
    one.look()
    assert one.store.withheld() == []
    assert caplog.text.count("nothing is silenced") == 1
    one.store.close()


def test_a_full_disk_loses_no_message(tmp_path: Path) -> None:
    """What could not be written is written with the next."""
    one = notifier(
        config("route: {receiver: soc, group_by: [host], group_wait: 0s}"), tmp_path, lambda: START
    )
    one.take([alert(1)])
    pages = one.store.database.execute("PRAGMA page_count").fetchone()[0]
    one.store.database.execute(f"PRAGMA max_page_count = {pages}")
    number = 1
    with pytest.raises(sqlite3.OperationalError, match="full"):  # noqa: PT012  # some still find room
        while True:
            number += 1
            one.take([alert(number, host=f"node-{number}")])
            one.look()
    one.store.database.execute("PRAGMA max_page_count = 100000")
    one.look()
    count = one.store.database.execute("SELECT COUNT(*) FROM outbox").fetchone()[0]
    assert count == number
    one.store.close()


def test_a_folder_is_for_one_process(tmp_path: Path) -> None:
    """Two would tell everything twice."""
    first = open_store(tmp_path)
    with pytest.raises(StoreError, match="in use by another process"):
        open_store(tmp_path)
    first.close()
    open_store(tmp_path).close()


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    """A file in its place, a database that is none."""
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written to"):
        open_store(tmp_path / "file" / "state")
    (tmp_path / "state.sqlite").write_text("this is no database at all" * 100)
    with pytest.raises(StoreError, match="cannot be used"):
        open_store(tmp_path)
