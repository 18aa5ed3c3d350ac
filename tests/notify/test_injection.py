"""What attackers choose reaches every destination as text, and what is secret reaches none."""

import json
import logging
import re
from pathlib import Path

import pytest

from notify.config import loads
from notify.contract import Delivered
from notify.receivers import RECEIVERS
from tests.notify.hostile import FRAGMENTS, said
from tests.notify.samples import START, alert
from tests.notify.services import opened
from tests.notify.test_forms import harmless, strings
from tests.notify.test_service import notifier, running, until
from tests.peers.http import Answer, HttpPeer
from tests.peers.vendor import TOKEN, Vendor

# What a destination would obey, in what it is sent; texts that it takes as they are may hold anything.
OBEYED = {
    "servicenow": r"\[/?code\]",
    "opsgenie": r"<\w|</|@\w|\]\(",
    "apprise": r"<\w|<[!@#]|@\w|\]\(",
    "webhook": r"<\w|<[!@#]|@\w|\]\(",
    "gitlab": r"^/\w",
}


@pytest.mark.parametrize("vendor", [kind for kind in RECEIVERS if kind not in {"mail", "rt"}], indirect=True)
async def test_every_destination_gets_text(vendor: tuple[str, Vendor]) -> None:
    """Each fragment in every place at once, as an opening, to the service itself."""
    kind, service = vendor
    more = {"form": "own", "body": {"text": "{subject} {text} {output} {rule} {place} {owner}"}}
    receiver = opened(kind, service.url, **(more if kind == "webhook" else {}))
    for number, fragment in enumerate(FRAGMENTS):
        made = said([fragment] * 10, "what a rule says")
        service.things.clear()
        outcome = await receiver.deliver(made, "")
        assert isinstance(outcome, Delivered), (number, fragment)
        texts = strings([{**thing, "key": ""} for thing in service.things])
        harmless([text for text in texts if text != service.url])
        obeyed = re.compile(OBEYED.get(kind, r"(?!)"), re.MULTILINE | re.IGNORECASE)
        assert [text for text in texts if obeyed.search(text)] == []
    await receiver.close()


@pytest.mark.parametrize("answer", [Answer(500, "x"), Answer(400, "x"), Answer(403, "x"), Answer(cut=True)])
async def test_a_secret_is_in_no_log_and_in_no_file(
    http_peer: HttpPeer,
    tmp_path: Path,
    answer: Answer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whatever goes wrong with every receiver at once, on the way from a detection to people."""
    url = http_peer.url
    settings = {
        "slack": {"url": url, "channel": "C024BE91L", "token_env": "SECRET"},
        "teams": {"url_env": "ADDRESS"},
        "mattermost": {"url": url, "channel": "c" * 26, "token_env": "SECRET"},
        "discord": {"url_env": "ADDRESS"},
        "pagerduty": {"url": url, "routing_key_env": "SECRET"},
        "opsgenie": {"url": url, "key_env": "SECRET"},
        "apprise": {"url_env": "APPRISE"},
        "webhook": {"url_env": "ADDRESS", "token_env": "SECRET"},
        "jira": {"url": url, "username": "u", "token_env": "SECRET", "project": "SEC"},
        "servicenow": {"url": url, "username": "u", "password_env": "SECRET"},
        "rt": {"url": url, "token_env": "SECRET", "queue": "Security"},
        "thehive": {"url": url, "token_env": "SECRET"},
        "gitlab": {"url": url, "token_env": "SECRET", "project": "security/incidents"},
        "github": {"url": url, "token_env": "SECRET", "repository": "acme/incidents"},
    }
    assert settings.keys() == RECEIVERS.keys() - {"mail"}
    monkeypatch.setenv("SECRET", TOKEN)
    monkeypatch.setenv("ADDRESS", f"{url}/{TOKEN}")
    monkeypatch.setenv("APPRISE", f"json://u:{TOKEN}@{url.removeprefix('http://')}/{TOKEN}")
    http_peer.otherwise = answer
    ways = {"name": "all", **{kind: [each] for kind, each in settings.items()}}
    config = loads(json.dumps({"route": {"receiver": "all", "group_wait": "0s"}, "receivers": [ways]}))
    with caplog.at_level(logging.DEBUG):
        async with running(notifier(config, tmp_path, lambda: START)) as one:
            one.take([alert(1)])
            await until(lambda: len(set(re.findall(r"all/(\w+)/0", caplog.text))) == len(settings), 30)
    kept = written(tmp_path)
    assert alert(1).id.encode() in kept
    assert TOKEN.encode() not in kept
    assert TOKEN not in caplog.text


def written(folder: Path) -> bytes:
    """All files of a folder."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
