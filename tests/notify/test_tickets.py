"""Tickets: raised, closed by people, found again, on every tracker."""

import json

import pytest

from notify.contract import Delivered, Retry
from notify.receivers.thehive import TheHive
from tests.notify.hostile import said
from tests.notify.samples import say
from tests.notify.services import TICKETS, Served, opened
from tests.peers.trackers import JiraDataCenter
from tests.peers.vendor import Trouble, Vendor, serving

RAISED = {
    "jira": "Highest",
    "servicenow": '"impact": "1", "urgency": "1"',
    "gitlab": "severity::critical",
    "github": "severity:critical",
    "thehive": '"severity": 4',
}


@pytest.mark.parametrize("vendor", sorted(TICKETS), indirect=True)
async def test_a_ticket_is_raised_with_its_incident(served: Served) -> None:
    """By what the tracker calls it; not before."""
    kind, service, receiver = served
    outcome = await receiver.deliver(say(severity="low"), "")
    assert isinstance(outcome, Delivered)
    assert RAISED[kind] not in json.dumps(service.things)
    worse = say(1, severity="critical", raised=True)
    assert isinstance(await receiver.deliver(worse, outcome.thread), Delivered)
    assert RAISED[kind] in json.dumps(service.things)


@pytest.mark.parametrize("vendor", sorted(TICKETS), indirect=True)
@pytest.mark.parametrize(("closed", "tickets"), [("reopen", 1), ("follow", 2), ("comment", 1)])
async def test_a_closed_ticket_does_what_was_chosen(
    vendor: tuple[str, Vendor], closed: str, tickets: int
) -> None:
    """Reopened, followed by one new ticket, or only commented; a reminder changes nothing."""
    kind, service = vendor
    receiver = opened(kind, service.url, closed=closed)
    outcome = await receiver.deliver(say(), "")
    assert isinstance(outcome, Delivered)
    service.close(service.things[0])
    assert await receiver.deliver(say(1, kind="reminder"), outcome.thread) == outcome
    assert service.is_closed(service.things[0])
    news = await receiver.deliver(say(2), outcome.thread)
    assert isinstance(news, Delivered)
    assert service.is_closed(service.things[0]) is (closed != "reopen")
    assert await receiver.deliver(say(2), outcome.thread) == news  # as after a lost answer
    assert await receiver.deliver(say(3), news.thread) == news
    assert len(service.things) == tickets
    await receiver.close()


@pytest.mark.parametrize("vendor", ["servicenow"], indirect=True)
async def test_a_ticket_that_cannot_be_reopened_is_followed(served: Served) -> None:
    """What was closed for good in ServiceNow, only an administrator may change."""
    _, service, receiver = served
    outcome = await receiver.deliver(say(), "")
    assert isinstance(outcome, Delivered)
    service.things[0]["state"] = "7"
    news = await receiver.deliver(say(1), outcome.thread)
    assert isinstance(news, Delivered)
    assert news.thread != outcome.thread
    assert len(service.things) == 2


@pytest.mark.parametrize("vendor", ["thehive"], indirect=True)
async def test_an_alert_that_became_a_case_is_told_there(served: Served) -> None:
    """Nobody looks at an imported alert any more."""
    _, service, receiver = served
    outcome = await receiver.deliver(say(), "")
    assert isinstance(outcome, Delivered)
    service.things[0] |= {"stage": "Imported", "caseId": "~case"}
    assert await receiver.deliver(say(1), outcome.thread) == outcome
    assert await receiver.deliver(say(1), outcome.thread) == outcome
    assert [note["of"] for note in service.notes] == ["~case"]


@pytest.mark.parametrize("vendor", ["thehive"], indirect=True)
async def test_an_alert_that_is_refused_as_known_is_found(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its search may be behind; the reference cannot be there twice."""
    _, service, receiver = served
    outcome = await receiver.deliver(say(), "")
    find, blind = TheHive.find, [True]

    async def behind(self: TheHive, label: str) -> str | None:
        return None if blind.pop() else await find(self, label)

    blind.insert(0, False)
    monkeypatch.setattr(TheHive, "find", behind)
    assert await receiver.deliver(say(), "") == outcome
    assert len(service.things) == 1


async def test_jira_in_a_data_center_has_texts_that_nothing_can_end() -> None:
    """Version 2 of its interface: another search, a token that is a bearer's, wiki mark-up."""
    async with serving(JiraDataCenter()) as service:
        receiver = opened("jira", service.url, edition="datacenter", username="")
        await receiver.check()
        hostile = said(["{noformat}{html}<b>x</b>{html}"] * 10)
        outcome = await receiver.deliver(hostile, "")
        assert isinstance(outcome, Delivered)
        assert await receiver.deliver(say(0, incident=hostile.incident), "") == outcome
        assert await receiver.deliver(say(1), outcome.thread) == outcome
        assert await receiver.deliver(say(1), outcome.thread) == outcome
        service.close(service.things[0])
        assert await receiver.deliver(say(2), outcome.thread) == outcome
        await receiver.close()
    (issue,) = service.things
    assert not service.is_closed(issue)
    assert len(service.notes) == 2
    assert issue["description"].count("{noformat}") == 2
    assert "{html}" not in issue["description"]


@pytest.mark.parametrize("vendor", sorted(TICKETS), indirect=True)
@pytest.mark.parametrize("trouble", [Trouble(lost=True), Trouble(504)])
async def test_a_tracker_that_may_be_busy_yet_is_asked_when_it_has_settled(
    served: Served, trouble: Trouble
) -> None:
    """No answer, or a proxy's: the ticket may be there soon, in Jira's search after minutes."""
    kind, service, receiver = served
    service.troubles.append(trouble)
    outcome = await receiver.deliver(say(), "")
    assert isinstance(outcome, Retry)
    assert outcome.after == (120.0 if kind == "jira" else 10.0)
