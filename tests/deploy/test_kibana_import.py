"""``tracetide setup kibana`` brings the dashboards into a Kibana, and says in a sentence why it cannot."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from sinks.contract import SinkError
from sinks.settings import load
from tests.peers.http import Answer, HttpPeer
from tests.peers.kibana import PASSWORD, USER, KibanaPeer
from tests.peers.server import free_port
from tracetide.cli import main
from tracetide.errors import CommandError
from tracetide.kibana import DASHBOARDS
from tracetide.kibana.importing import Settings, bring
from tracetide.kibana.saved import ndjson

OBJECTS = ndjson(DASHBOARDS)
LINES = OBJECTS.splitlines(keepends=True)


def settings(url: str, **more: Any) -> Settings:  # any setting
    """Settings of the user that the peer knows."""
    return Settings(**{"url": url, "username": USER, "password": PASSWORD, **more})


async def imported(given: Settings, objects: bytes = OBJECTS) -> int:
    """Import beside the server's loop."""
    return await asyncio.to_thread(bring, given, objects)


async def test_importing_again_changes_nothing(kibana_peer: KibanaPeer) -> None:
    """The second time the same objects are there, no more and no others."""
    assert await imported(settings(kibana_peer.url)) == len(LINES)
    first = dict(kibana_peer.stored)
    assert await imported(settings(kibana_peer.url)) == len(LINES)
    assert kibana_peer.stored == first
    assert kibana_peer.imports == 2
    assert {key[1:] for key in first} >= {("dashboard", dashboard.id) for dashboard in DASHBOARDS}


async def test_a_newer_description_replaces_the_older(kibana_peer: KibanaPeer) -> None:
    """After an update the dashboards are the new ones, under the same ids."""
    await imported(settings(kibana_peer.url), OBJECTS.replace(b"Top rules", b"Rules of old"))
    older = dict(kibana_peer.stored)
    await imported(settings(kibana_peer.url))
    assert older.keys() == kibana_peer.stored.keys()
    assert "Rules of old" in str(older)
    assert "Rules of old" not in str(kibana_peer.stored)


async def test_a_space_has_its_own(kibana_peer: KibanaPeer) -> None:
    """``TRACETIDE_KIBANA_SPACE`` leaves the default space alone."""
    await imported(settings(kibana_peer.url, space="soc"))
    assert {space for space, _, _ in kibana_peer.stored} == {"soc"}


async def test_objects_that_refer_to_nothing_are_named(kibana_peer: KibanaPeer) -> None:
    """A Kibana without the data view takes no dashboard, and the error says which object is missing."""
    with pytest.raises(
        CommandError, match=r"dashboard tracetide-overview: missing_references .*index-pattern"
    ):
        await imported(settings(kibana_peer.url), b"".join(LINES[1:]))
    assert not kibana_peer.stored


async def test_an_unknown_user_is_told(kibana_peer: KibanaPeer) -> None:
    """The sentence names Kibana's address and never the password."""
    with pytest.raises(CommandError, match="answers 401: it does not know this user or key") as caught:
        await imported(settings(kibana_peer.url, password="marker-wrong"))  # noqa: S106  # no real one
    assert "marker" not in str(caught.value)
    assert kibana_peer.url in str(caught.value)


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (Answer(403, "{}"), "may not import"),
        (Answer(404, "{}"), "base path"),
        (Answer(503, "Kibana server is not ready yet"), "try again in a minute"),
        (Answer(400, "no good"), "answers 400: no good"),
        (Answer(200, "<html>log in</html>"), "answers what no Kibana does"),
        (Answer(200, "[]"), "answers what no Kibana does"),
        (Answer(200, '{"success": true}'), "answers what no Kibana does"),
        (Answer(200, '{"success": false, "successCount": 0}'), "does not take all"),
        (Answer(302, "", {"Location": "http://elsewhere.example/"}), "answers 302"),
    ],
)
async def test_whatever_kibana_answers_is_a_sentence(
    http_peer: HttpPeer, answer: Answer, sentence: str
) -> None:
    """Nothing but a complete import counts as one."""
    http_peer.otherwise = answer
    with pytest.raises(CommandError, match=sentence):
        await imported(settings(http_peer.url))


async def test_a_key_is_sent_as_kibana_wants_it(http_peer: HttpPeer) -> None:
    """``Authorization: ApiKey`` instead of user and password."""
    http_peer.otherwise = Answer(200, '{"success": true, "successCount": 6}')
    assert await imported(Settings(url=http_peer.url + "/", api_key="marker-key")) == 6
    (request,) = http_peer.requests
    assert request.path == "/api/saved_objects/_import?overwrite=true"
    assert request.headers["authorization"] == "ApiKey marker-key"
    assert request.headers["kbn-xsrf"]


def test_a_kibana_that_is_not_there() -> None:
    """The sentence says where it was looked for."""
    address = f"http://127.0.0.1:{free_port()}"
    with pytest.raises(CommandError, match=f"Kibana at {address} cannot be reached"):
        bring(settings(address), OBJECTS)


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({}, "TRACETIDE_KIBANA_URL is not set"),
        ({"URL": "kibana:5601"}, "no http:// or https:// address"),
        ({"URL": "http://a:b@kibana:5601"}, "no place for a user"),
        ({"URL": "http://kibana:5601", "USERNAME": "u"}, "need each other"),
        ({"URL": "http://kibana:5601", "USERNAME": "u", "PASSWORD": "p", "API_KEY": "k"}, "keep one"),
        ({"URL": "http://kibana:5601", "SPACE": "../x"}, "TRACETIDE_KIBANA_SPACE is wrong"),
        ({"URL": "http://kibana:5601", "CA_CERTS": __file__}, "only with an https:// address"),
    ],
)
def test_wrong_settings_are_named(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], sentence: str
) -> None:
    """At the start, by their variable."""
    for name, value in variables.items():
        monkeypatch.setenv(f"TRACETIDE_KIBANA_{name}", value)
    with pytest.raises(SinkError, match=sentence):
        load(Settings)


def test_a_file_that_holds_no_certificate() -> None:
    """It is said by the name of the variable, before anything is sent."""
    with pytest.raises(CommandError, match="TRACETIDE_KIBANA_CA_CERTS names no usable certificate"):
        bring(settings("https://127.0.0.1:1", ca_certs=__file__), OBJECTS)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of ``tracetide setup kibana``."""
    monkeypatch.setattr("sys.argv", ["tracetide", "setup", "kibana", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    return int(stopped.value.code or 0)


async def test_the_command_takes_the_password_from_a_file(
    kibana_peer: KibanaPeer,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As in Compose: the address and the user in the environment, the password in a secret."""
    (tmp_path / "password").write_text(PASSWORD + "\n")
    monkeypatch.setenv("TRACETIDE_KIBANA_URL", kibana_peer.url)
    monkeypatch.setenv("TRACETIDE_KIBANA_USERNAME", USER)
    monkeypatch.setenv("TRACETIDE_KIBANA_PASSWORD_FILE", str(tmp_path / "password"))
    assert await asyncio.to_thread(run, monkeypatch) == 0
    assert f"{len(LINES)} saved objects are in Kibana" in capsys.readouterr().out
    assert len(kibana_peer.stored) == len(LINES)


def test_the_command_writes_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without any Kibana, for the index that is named."""
    path = tmp_path / "dashboards.ndjson"
    assert run(monkeypatch, "--write", str(path), "--index", "soc-alerts") == 0
    assert path.read_bytes() == ndjson(DASHBOARDS, "soc-alerts")


def test_a_file_that_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The sentence names it."""
    assert run(monkeypatch, "--write", str(tmp_path / "no/such.ndjson")) == 1
    assert f"{tmp_path}/no/such.ndjson cannot be written: No such file" in capsys.readouterr().err


def test_the_command_refuses_what_is_no_index(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A name with a quote or a wildcard would end up in queries."""
    assert run(monkeypatch, "--index", "a'*") == 2
    assert "is no name of an index" in capsys.readouterr().err
