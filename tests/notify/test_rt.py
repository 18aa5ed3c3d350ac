"""A real Request Tracker 5: one ticket for an incident, whatever happens to answers, people and settings."""

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from notify.contract import Delivered, Receiver, ReceiverError, Retry
from notify.message import Message
from notify.receivers.rt import Settings, create
from tests.notify.hostile import FRAGMENTS
from tests.notify.samples import say
from tests.peers.faults import Fault, faulty
from tests.peers.rt import QUEUE, RtServer

_numbers = count(1)


def settings(server: RtServer, **more: Any) -> Settings:
    """What reaches the server."""
    given = {"url": server.url, "token": SecretStr(server.token), "queue": QUEUE}
    return Settings(**{**given, **more})


@pytest.fixture
async def receiver(rt: RtServer) -> AsyncIterator[Receiver]:
    """With the settings that are usual."""
    made = create(settings(rt))
    yield made
    await made.close()


@pytest.fixture
def incident() -> str:
    """The name of an incident that no other test has."""
    return f"{next(_numbers):016x}"


def message(incident: str, number: int = 0, **more: Any) -> Message:
    """One of an incident's messages."""
    return say(number, **{"incident": incident, "id": f"{incident}-{number}", **more})


async def told(receiver: Receiver, message: Message, thread: str = "") -> str:
    """The ticket that has it."""
    outcome = await receiver.deliver(message, thread)
    assert isinstance(outcome, Delivered), outcome
    return outcome.thread


async def test_an_incident_is_a_ticket_with_comments_and_a_priority(
    rt: RtServer, receiver: Receiver, incident: str
) -> None:
    """Opened, commented, raised; the check tells nobody."""
    before = len(rt.tickets())
    await receiver.check()
    ticket = await told(receiver, message(incident, severity="medium"))
    assert await told(receiver, message(incident, 1), ticket) == ticket
    assert await told(receiver, message(incident, 2, severity="critical", raised=True), ticket) == ticket
    (made,) = rt.tickets()[before:]
    assert made["Subject"] == "[MEDIUM] A web server started a shell in container shop on node-1"
    assert (made["id"], made["Status"], made["Priority"]) == (ticket, "new", "100")
    first, *others = rt.said(ticket)
    assert "== What to do now ==" in first
    assert len(others) == 2


async def test_a_ticket_is_found_again_by_its_incident(
    rt: RtServer, receiver: Receiver, incident: str
) -> None:
    """Without its number, with another subject, and after it was merged into another."""
    ticket = await told(receiver, message(incident))
    rt.ask("PUT", f"ticket/{ticket}", {"Subject": "something else"})
    assert await told(receiver, message(incident, 1)) == ticket
    other = await told(receiver, message(f"{incident}0"))
    rt.perl(_merge(rt, ticket, other))
    before = len(rt.tickets())
    assert await told(receiver, message(incident, 2), ticket) == ticket
    assert await told(receiver, message(incident, 3)) == other
    assert len(rt.tickets()) == before
    assert len(rt.said(other)) >= 4


def _merge(rt: RtServer, one: str, into: str) -> Path:
    """A program that does what a person does in the browser."""
    path = rt.folder / "merge.pl"
    path.write_text(
        "use RT -init; my $one = RT::Ticket->new(RT->SystemUser);"
        f"$one->Load({one}); my ($done, $why) = $one->MergeInto({into}); die $why unless $done;"
    )
    return path


@pytest.mark.parametrize("seed", range(3))
async def test_no_ticket_and_no_comment_twice_on_a_bad_network(
    rt: RtServer, incident: str, seed: int
) -> None:
    """Requests cut, answers lost, 429 and 503 between: tried until told, everything is there once."""
    before = len(rt.tickets())
    name = f"{incident}{seed}"
    usual: dict[Fault, int] = {"none": 50, "cut": 15, "lost": 20, "busy": 10, "down": 5}
    async with faulty(rt.server.port, seed, usual) as faults:
        receiver = create(settings(rt, url=f"http://127.0.0.1:{faults.port}"))
        thread = ""
        for number in range(3):
            while not isinstance(outcome := await receiver.deliver(message(name, number), thread), Delivered):
                assert isinstance(outcome, Retry)
            thread = outcome.thread
        await receiver.close()
    assert sum(faults.happened.values()) > faults.happened["none"]
    assert len(rt.tickets()) == before + 1
    assert len(rt.said(thread)) == 3


@pytest.mark.parametrize(
    ("closed", "status", "tickets"),
    [("reopen", "open", 1), ("follow", "resolved", 2), ("comment", "resolved", 1)],
)
async def test_a_closed_ticket_does_what_was_chosen(
    rt: RtServer, incident: str, closed: str, status: str, tickets: int
) -> None:
    """Reopened, followed by one new ticket, or only commented; a reminder changes nothing."""
    before = len(rt.tickets())
    receiver = create(settings(rt, closed=closed))
    ticket = await told(receiver, message(incident))
    rt.ask("PUT", f"ticket/{ticket}", {"Status": "resolved"})
    await told(receiver, message(incident, 1, kind="reminder"), ticket)
    assert [each["Status"] for each in rt.tickets(f"id = {ticket}")] == ["resolved"]
    now = await told(receiver, message(incident, 2), ticket)
    assert await told(receiver, message(incident, 2), ticket) == now  # as after a lost answer
    assert [each["Status"] for each in rt.tickets(f"id = {ticket}")] == [status]
    assert len(rt.tickets()) == before + tickets
    assert await told(receiver, message(incident, 3), now) == now
    await receiver.close()


async def test_a_ticket_that_cannot_be_reopened_is_followed(rt: RtServer, incident: str) -> None:
    """RT answers 200 to a status that it does not have."""
    receiver = create(settings(rt, reopened="no such status"))
    ticket = await told(receiver, message(incident))
    rt.ask("PUT", f"ticket/{ticket}", {"Status": "resolved"})
    assert await told(receiver, message(incident, 1), ticket) != ticket
    await receiver.close()


async def test_a_deleted_ticket_is_opened_anew(rt: RtServer, receiver: Receiver, incident: str) -> None:
    """One that is deleted, one that never was."""
    assert int(await told(receiver, message(incident, 1), "99999")) > 0


async def test_wrong_settings_wait_and_are_said(rt: RtServer, incident: str) -> None:
    """A token that has run out, a queue that is none."""
    for wrong in ({"token": SecretStr("1-1-0000")}, {"queue": "Nobody's"}):
        receiver = create(settings(rt, **wrong))
        assert isinstance(await receiver.deliver(message(incident), ""), Retry)
        with pytest.raises(ReceiverError, match=r"RT answers 40[134]"):
            await receiver.check()
        await receiver.close()


async def test_what_an_attacker_wrote_is_text(rt: RtServer, receiver: Receiver, incident: str) -> None:
    """A subject of one line, a text without HTML that RT would show, and templates that nobody runs."""
    hostile = " ".join([*FRAGMENTS, "{$Ticket->SetStatus('resolved')}", "\r\nRT-Control: resolved"])
    made = message(incident, output=hostile, rule=hostile, title=hostile)
    ticket = await told(receiver, made)
    (shown,) = rt.tickets(f"id = {ticket}")
    assert shown["Status"] == "new"
    assert str(shown["Subject"]).startswith("[CRITICAL] ")
    assert "\n" not in str(shown["Subject"])
    answer = rt.ask("GET", f"ticket/{ticket}/attachments", fields="ContentType,Content")["items"]
    assert isinstance(answer, list)
    assert [each["ContentType"] for each in answer] == ["text/plain"]
    assert "\x1b" not in str(answer[0]["Content"])


async def test_a_server_that_is_slow_is_not_asked_again_at_once(rt: RtServer, incident: str) -> None:
    """It may still do what it was asked: the next try comes when that is settled."""
    receiver = create(settings(rt, timeout=0.001))
    outcome = await receiver.deliver(message(incident), "")
    assert isinstance(outcome, Retry)
    assert outcome.after == 10.0
    await receiver.close()
