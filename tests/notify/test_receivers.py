"""What every receiver promises, tried on every entry of the registry against the interface of its service."""

import json
import logging
import re
import unicodedata
from collections.abc import AsyncIterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

import notify.receivers
from notify.config import loads
from notify.contract import Delivered, Never, Receiver, ReceiverError, Retry
from notify.document import ConfigError
from notify.message import Message
from notify.receivers import RECEIVERS
from notify.receivers.jira import document
from notify.receivers.pagerduty import event
from notify.receivers.settings import ReceiverSettings, SecretError, with_secrets
from notify.receivers.thehive import TheHive
from notify.receivers.webhook import NAMES, Settings, alertmanager, body, tracetide, values
from notify.render import markdown, slack, teams
from tests.notify.hostile import messages, patient, said
from tests.notify.samples import say
from tests.peers.http import Answer, HttpPeer
from tests.peers.vendors import TOKEN, JiraDataCenter, Slack, Trouble, Vendor, serving

NO_RECEIVERS = {"__init__", "http", "settings", "ticket"}

TICKETS = {"jira", "gitlab", "github", "servicenow", "thehive"}

# Services that know an incident or a message, so that none appears twice after an answer was lost.
KNOWS = {"mattermost", "pagerduty", "opsgenie", "webhook", *TICKETS}
INCIDENTS = {"pagerduty": 3, "opsgenie": 2}  # with so many notes or events of three messages
THREADS = {"slack": "thread_ts", "mattermost": "root_id", "discord": "thread_id"}


def opened(kind: str, url: str, **more: Any) -> Receiver:
    """The receiver with what it needs to reach a server at ``url``, and the marker in every secret."""
    given: dict[str, dict[str, Any]] = {
        "slack": {"url": url, "channel": "C024BE91L", "token": TOKEN},
        "teams": {"url": f"{url}/workflows/{TOKEN}"},
        "mattermost": {"url": url, "channel": "c" * 26, "token": TOKEN},
        "pagerduty": {"url": url, "routing_key": TOKEN},
        "jira": {"url": url, "username": "bot@example.org", "token": TOKEN, "project": "SEC"},
        "gitlab": {"url": url, "token": TOKEN, "project": "security/incidents"},
        "github": {"url": url, "token": TOKEN, "repository": "acme/incidents"},
        "discord": {"url": f"{url}/webhooks/1/{TOKEN}", "forum": True},
        "servicenow": {"url": url, "username": "tracetide", "password": TOKEN},
        "rt": {"url": url, "token": TOKEN, "queue": "Security"},
        "thehive": {"url": url, "token": TOKEN},
        "opsgenie": {"url": url, "key": TOKEN},
        "apprise": {"url": f"json://{url.removeprefix('http://')}/{TOKEN}"},
        "webhook": {"url": f"{url}/{TOKEN}", "token": TOKEN},
    }
    module = import_module(RECEIVERS[kind])
    receiver: Receiver = module.create(module.Settings(**{**given[kind], **more}))
    return receiver


@pytest.fixture
async def served(vendor: tuple[str, Vendor]) -> AsyncIterator[tuple[str, Vendor, Receiver]]:
    """Each service with the receiver that speaks to it."""
    kind, service = vendor
    receiver = opened(kind, service.url)
    yield kind, service, receiver
    await receiver.close()


Served = tuple[str, Vendor, Receiver]


def test_every_file_is_registered_and_every_line_has_its_file() -> None:
    """A receiver is one file and one line: neither is forgotten."""
    files = {path.stem for path in Path(notify.receivers.__file__).parent.glob("*.py")} - NO_RECEIVERS
    assert {module.removeprefix("notify.receivers.") for module in RECEIVERS.values()} == files
    for module in RECEIVERS.values():
        kind: type[ReceiverSettings] = import_module(module).Settings
        assert all(field.description for field in kind.model_fields.values()), module


async def test_an_incident_is_one_thing_with_what_follows(served: Served) -> None:
    """One message with its thread, or one ticket with comments; the check tells nobody."""
    kind, service, receiver = served
    await receiver.check()
    assert service.things == []
    thread = ""
    for message in (say(), say(1), say(2, raised=True)):
        outcome = await receiver.deliver(message, thread)
        assert isinstance(outcome, Delivered)
        thread = outcome.thread
    if kind in TICKETS:
        assert (len(service.things), len(service.notes)) == (1, 2)
    elif kind in THREADS:
        first, *others = service.things
        assert not first.get(THREADS[kind])
        assert {one[THREADS[kind]] for one in others} == {thread}
    elif kind in INCIDENTS:
        assert (len(service.things), len(service.notes)) == (1, INCIDENTS[kind])
    else:
        assert len(service.things) == 3
    assert "Shell" in json.dumps(service.things) or "shell" in json.dumps(service.things)


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


@pytest.mark.parametrize("vendor", ["opsgenie"], indirect=True)
async def test_an_alert_that_was_closed_is_a_new_one_when_there_is_news(served: Served) -> None:
    """Opsgenie keeps an alias for what is open only; the new one has the note too, and the priority."""
    _, service, receiver = served
    await receiver.deliver(say(severity="low"), "")
    service.things[0]["open"] = False
    await receiver.deliver(say(1, severity="critical", raised=True), "")
    assert [one["priority"] for one in service.things] == ["P4", "P1"]
    assert len(service.notes) == 1


def test_an_address_that_apprise_does_not_know_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """When the file is read, and without the address."""
    monkeypatch.setenv("ADDRESS", f"nonsense:{TOKEN}")
    with pytest.raises(ConfigError, match="no address that Apprise knows") as raised:
        loads("route: {receiver: x}\nreceivers: [{name: x, apprise: [{url_env: ADDRESS}]}]")
    assert TOKEN not in str(raised.value)


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


async def test_nothing_is_there_twice_after_a_lost_answer(served: Served) -> None:
    """The work was done and the answer is gone: asked again, a service that knows it makes no second one."""
    kind, service, receiver = served
    service.troubles.append(Trouble(lost=True))
    assert isinstance(await receiver.deliver(say(), ""), Retry)
    outcome = await receiver.deliver(say(), "")
    assert isinstance(outcome, Delivered)
    assert len(service.things) == (1 if kind in KNOWS else 2)
    if kind in TICKETS:
        service.troubles.append(Trouble(lost=True))
        assert isinstance(await receiver.deliver(say(1), outcome.thread), Retry)
        assert isinstance(await receiver.deliver(say(1), outcome.thread), Delivered)
        assert (len(service.things), len(service.notes)) == (1, 1)


async def test_a_thread_that_somebody_deleted_is_begun_anew(served: Served) -> None:
    """What comes later is not lost with it."""
    kind, service, receiver = served
    outcome = await receiver.deliver(say(), "")
    assert isinstance(outcome, Delivered)
    service.things.clear()
    service.notes.clear()
    again = await receiver.deliver(say(1), outcome.thread)
    assert isinstance(again, Delivered)
    assert len(service.things) == 1
    if kind in TICKETS | THREADS.keys():
        assert again.thread


async def test_a_service_that_is_asked_too_often_says_when(served: Served) -> None:
    """Its wish is passed on."""
    kind, service, receiver = served
    service.troubles.append(Trouble(429, {"Retry-After": "17"}))
    outcome = await receiver.deliver(say(), "")
    assert isinstance(outcome, Retry)
    assert outcome.after == (None if kind == "apprise" else 17.0)  # it says nothing of the answer
    assert isinstance(await receiver.deliver(say(), ""), Delivered)


@pytest.mark.parametrize("kind", [kind for kind in RECEIVERS if kind not in {"mail", "apprise"}])
@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (400, Never),
        (401, Retry),
        (403, Retry),
        (404, Retry),
        (413, Never),
        (422, Never),
        (429, Retry),
        (302, Retry),
        (500, Retry),
        (503, Retry),
    ],
)
async def test_a_status_means_the_same_everywhere(
    http_peer: HttpPeer, kind: str, status: int, outcome: type[Retry | Never]
) -> None:
    """Wrong settings and a server's state pass, and lose nothing meanwhile; a wrong message does not."""
    http_peer.otherwise = Answer(status, "no")
    receiver = opened(kind, http_peer.url)
    assert isinstance(await receiver.deliver(say(), ""), outcome)
    await receiver.close()


@pytest.mark.parametrize("kind", [kind for kind in RECEIVERS if kind != "mail"])
@pytest.mark.parametrize("answer", [Answer(500, "x"), Answer(401, "x"), Answer(400, "x"), Answer(cut=True)])
async def test_no_secret_is_told(
    http_peer: HttpPeer, kind: str, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    """Not in outcomes, errors, logs of any level, nor in what the receiver looks like."""
    http_peer.otherwise = answer
    receiver = opened(kind, http_peer.url)
    told = [repr(receiver), str(receiver)]
    with caplog.at_level(logging.DEBUG):
        told.append(str(await receiver.deliver(say(), "")))
        try:
            await receiver.check()
        except ReceiverError as error:
            told.append(f"{error!r} {error}")
    await receiver.close()
    assert TOKEN not in " ".join([*told, caplog.text])


def test_secrets_come_from_files_and_variables_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is not there and a variable that is not set are said."""
    kind = import_module(RECEIVERS["slack"]).Settings
    assert "token" not in kind.keys()  # noqa: SIM118  # it is no mapping
    (tmp_path / "token").write_text("abc\n")
    monkeypatch.setenv("A_TOKEN", "def")
    assert with_secrets(kind, {"token_file": str(tmp_path / "token")}) == {"token": "abc"}
    assert with_secrets(kind, {"token_env": "A_TOKEN"}) == {"token": "def"}
    with pytest.raises(SecretError, match="cannot be read"):
        with_secrets(kind, {"token_file": str(tmp_path / "none")})
    with pytest.raises(SecretError, match="is not set"):
        with_secrets(kind, {"token_env": "NO_SUCH_TOKEN"})


def strings(value: object) -> list[str]:
    """Every text in a JSON value."""
    if isinstance(value, dict):
        return [text for each in value.values() for text in strings(each)]
    if isinstance(value, list | tuple):
        return [text for each in value for text in strings(each)]
    return [value] if isinstance(value, str) else []


def harmless(texts: list[str]) -> None:
    """Nothing is obeyed or hidden, and no address but ours can be clicked."""
    joined = "\n".join(texts)
    bad = {one for one in joined if unicodedata.category(one) in {"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"}}
    assert bad <= {"\n", "\N{ZERO WIDTH SPACE}"}
    ours = joined.replace("https://attack.mitre.org", "").replace("http://adaptivecards.io", "")
    assert not re.search(r"(?:https?|ftp|ldap)://", ours)


@patient
@given(messages())
def test_slack_takes_nothing_of_it_as_mark_up(made: Message) -> None:
    """Texts are in rich text, which has no mark-up; the fall-back has its three characters escaped."""
    sent = slack.payload(made)
    harmless(strings(sent))
    assert "<" not in sent["text"]
    assert sent["parse"] == "none"
    kinds = {one["type"] for part in sent["blocks"][1]["elements"] for one in part["elements"]}
    assert kinds <= {"text", "link"}
    links = [one["url"] for part in sent["blocks"][1]["elements"] for one in part["elements"] if "url" in one]
    assert set(links) == {"https://attack.mitre.org/techniques/T1505/003"}
    assert all(map(Slack.takes, sent["blocks"]))


@patient
@given(messages())
def test_teams_takes_nothing_of_it_as_mark_up(made: Message) -> None:
    """Texts are text runs, which know no Markdown; the card is within the size that Teams takes."""
    sent = teams.payload(made)
    harmless(strings(sent))
    blocks = sent["attachments"][0]["content"]["body"]
    assert {block["type"] for block in blocks} == {"RichTextBlock"}
    assert {run["type"] for block in blocks for run in block["inlines"]} == {"TextRun"}
    assert len(json.dumps(sent)) < 28_000


@patient
@given(messages())
def test_markdown_has_no_mention_link_or_block_of_others(made: Message) -> None:
    """Outside of code no character acts; code ends where we end it."""
    said = markdown.chat(made)
    harmless([said])
    assert len(said) <= 12_000
    fence, outside = "", []
    for line in said.split("\n"):
        if fence:
            fence = "" if line == fence else fence
        elif re.fullmatch(r"`{3,}", line):
            fence = line
        else:
            outside.append(line)
    assert not fence
    for line in outside:
        ours = re.sub(r"\]\(<https://attack\.mitre\.org[^>]*>\)", "", line)
        assert not re.search(r"(?<!\\)[<>`#~|]", ours)
        assert not re.search(r"@[\w!]", ours)
    issue = markdown.ticket(made)
    first, *inside = issue.split("\n")
    assert inside.count(first) == 1
    assert not any(line.startswith("/") for line in inside)
    harmless([issue])


@patient
@given(messages())
def test_pages_and_tickets_are_plain_text(made: Message) -> None:
    """PagerDuty's fields and Jira's document; titles are one line that is no formula."""
    paged = event(made, "key")
    harmless(strings(paged))
    assert "\n" not in paged["payload"]["summary"]
    assert paged["payload"]["summary"][0] == "["
    written = document(made, "mark")
    harmless(strings(written))
    assert {each["type"] for each in written["content"]} <= {"codeBlock", "paragraph"}


def test_a_form_of_ones_own_is_filled_in_texts_only() -> None:
    """A value cannot add to the JSON; a place that is not known is said with the one that was meant."""
    form = {"text": "{subject} {incident}", "deep": [1, {"who": "{owner}"}], "raw": "{}"}
    own = Settings.model_validate({"url": "http://x.example", "form": "own", "body": form})
    filled = body(say(rule='"},{"x":"'), own)
    assert filled["text"].startswith("[CRITICAL] A web server started a shell")
    assert filled["deep"] == [1, {"who": "team-shop"}]
    assert set(values(say())) == set(NAMES)
    with pytest.raises(ValueError, match="did you mean 'severity'"):
        Settings.model_validate({"url": "http://x.example", "form": "own", "body": "{severty}"})


def test_alertmanagers_form_is_what_its_receivers_expect() -> None:
    """Version 4: group, common labels and annotations, an alert for each detection with its labels."""
    sent = alertmanager(say())
    assert (sent["version"], sent["receiver"]) == ("4", "soc")
    (one,) = sent["alerts"]
    assert one["labels"]["alertname"] == sent["commonLabels"]["alertname"] == "A web server started a shell"
    assert one["labels"]["severity"] == "critical"
    assert json.loads(json.dumps(tracetide(say())))["incident"] == sent["groupKey"]
