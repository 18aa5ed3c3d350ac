"""What every receiver promises, tried on every entry of the registry against the interface of its service."""

import json
import logging
from importlib import import_module
from pathlib import Path

import pytest

import notify.receivers
from notify.config import loads
from notify.contract import Delivered, Never, ReceiverError, Retry
from notify.document import ConfigError
from notify.receivers import RECEIVERS
from notify.receivers.settings import ReceiverSettings, SecretError, with_secrets
from tests.notify.samples import say
from tests.notify.services import TICKETS, Served, opened
from tests.peers.http import Answer, HttpPeer
from tests.peers.vendor import TOKEN, Trouble

NO_RECEIVERS = {"__init__", "http", "settings", "ticket"}


# Services that know an incident or a message, so that none appears twice after an answer was lost.
KNOWS = {"mattermost", "pagerduty", "opsgenie", "webhook", *TICKETS}
INCIDENTS = {"pagerduty": 3, "opsgenie": 2}  # with so many notes or events of three messages
THREADS = {"slack": "thread_ts", "mattermost": "root_id", "discord": "thread_id"}


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
