"""Commands about who is told: ``route``, ``silence`` and ``notify``."""

import asyncio
import json
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from notify.config import loads
from notify.labels import labels_of
from notify.service import Notifier, Patience
from notify.silences import Silences
from notify.store import open_store
from sinks.contract import Delivered, SinkError
from tests.notify.samples import START, alert, silence
from tests.notify.test_service import until
from tests.peers.smtp import PASSWORD, SmtpPeer
from tests.sinks.test_forwarder import prepare, send
from tracetide.cli import main
from tracetide.notices import load_routes, notices
from wire import detection as wire_detection

DOCS = Path(__file__).parent.parent.parent / "docs"
Result = tuple[int, str, str]
Call = Callable[..., Result]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Call:
    """Run ``tracetide`` with arguments; its exit code, output and errors."""
    monkeypatch.setenv("TRACETIDE_NOTIFY_STATE", str(tmp_path / "state"))

    def run(*arguments: str | Path) -> Result:
        monkeypatch.setattr("sys.argv", ["tracetide", *map(str, arguments)])
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


@pytest.fixture
def routes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file that the documentation shows, with what it needs beside it."""
    blocks = re.findall(r"```(?:yaml)?\n(# .*?)```", (DOCS / "notify.md").read_text(), re.DOTALL)
    example, owners = blocks
    (tmp_path / "secret").write_text("pass\n")
    (tmp_path / "routes.yaml").write_text(re.sub(r"/run/secrets/\w+", str(tmp_path / "secret"), example))
    (tmp_path / "OWNERS").write_text(owners)
    monkeypatch.setenv("SLACK_TOKEN", "pass")
    return tmp_path / "routes.yaml"


def test_the_documented_file_is_right_and_passes_its_own_tests(call: Call, routes: Path) -> None:
    """As a reader copies it."""
    said = "3 receivers, 5 ways to people\n2 tests, 0 failed\n"
    assert call("route", "check", routes) == (0, said, "")


def test_a_test_that_fails_says_where_it_is_and_what_happens(call: Call, routes: Path) -> None:
    """With line, name and both lists of receivers."""
    routes.write_text(routes.read_text().replace("receivers: [on-call, shop]", "receivers: [shop]"))
    code, out, _ = call("route", "check", routes)
    assert code == 1
    assert re.search(
        r"routes.yaml:\d+: what is critical in the shop .*: goes to on-call, shop, not shop\n", out
    )


def test_a_file_that_is_wrong_is_said_whole(call: Call, routes: Path) -> None:
    """Every mistake, one a line, and exit code 1."""
    routes.write_text(
        routes.read_text().replace("group_wait: 0s", "group_wait: now").replace("equal:", "equl:")
    )
    code, _, err = call("route", "check", routes)
    assert code == 1
    assert "cannot be used, 2 errors:\n" in err
    assert "'now' is no duration" in err
    assert "did you mean 'equal'?" in err


def test_a_receiver_that_cannot_be_reached_is_said(call: Call, routes: Path) -> None:
    """``--reach`` tries them all and tells nobody anything."""
    reachable = routes.read_text().replace("smtp.example.org", "127.0.0.1\n        port: 1")
    reachable = reachable.replace("channel: C", "url: http://127.0.0.1:1\n        channel: C")
    routes.write_text(reachable.replace("project: shop", "url: http://127.0.0.1:1\n        project: shop"))
    code, out, _ = call("route", "check", routes, "--reach")
    assert code == 1
    assert "✗ security/mail/0: mail: 127.0.0.1 gives no good connection" in out
    assert "✗ shop/slack/0: Slack gives no answer (ConnectError)" in out
    assert "✗ shop/gitlab/0: GitLab gives no answer (ConnectError)" in out


def test_a_detection_is_explained_from_owner_to_message(call: Call, routes: Path, tmp_path: Path) -> None:
    """Every step: whose, which labels, which routes, to whom, when, silenced or not, and the text."""
    found = alert(image="registry.example.org/shop/web:1")
    (tmp_path / "d.json").write_bytes(wire_detection.encode(found))
    code, out, _ = call("route", "explain", routes, tmp_path / "d.json", "--text")
    assert code == 0
    for words in (
        "owner: shop, from OWNERS:2: image:registry.example.org/shop/*",
        "  technique: T1505.003, T1505, T1190",
        "  everything: matches",
        '    severity="critical": takes it',
        '    owner=~"shop|payments": takes it',
        "receiver on-call: on-call/mail/0, on-call/pagerduty/0\n",
        "  one incident for host=node-1, container=shop\n  told after 0s",
        "[CRITICAL] A web server started a shell in container shop on node-1",
        "Alerts in Kibana: https://kibana.example.org/app/security/alerts?query=",
        "container.id:" + "f" * 64,
    ):
        assert words in out
    (tmp_path / "d.json").write_text("{}")
    assert "holds no detection" in call("route", "explain", routes, tmp_path / "d.json")[2]


def test_a_silence_is_made_shown_and_ended(call: Call, routes: Path, tmp_path: Path) -> None:
    """And explained where a detection is."""
    code, name, _ = call(
        "silence", "add", 'host="node-1"', "--for", "2h", "--comment", "drill", "--author", "ana"
    )
    assert code == 0
    (tmp_path / "d.json").write_bytes(wire_detection.encode(alert()))
    explained = call("route", "explain", routes, tmp_path / "d.json")[1]
    assert f"but it is silenced: {name.strip()} of ana, drill" in explained
    listed = call("silence", "list")[1]
    assert "(2h more)  ana: drill" in listed or "(1h59m" in listed
    assert json.loads(call("silence", "list", "--json")[1])[0]["matchers"] == ['host="node-1"']
    assert call("silence", "expire", name.strip())[0] == 0
    assert call("silence", "list")[1] == "nothing is silenced\n"
    assert "over since" in call("silence", "list", "--all")[1]
    assert call("silence", "expire", "nobody") == (1, "", "tracetide: there is no silence nobody\n")


@pytest.mark.parametrize(
    ("arguments", "sentence", "code"),
    [
        (["host=~.*", "--for", "2h", "--comment", "x"], "for everything", 1),
        (["host=a", "--for", "soon", "--comment", "x"], "'soon' is no duration", 2),
        (["host=a", "--for", "2h"], "Missing option '--comment'", 2),
    ],
)
def test_a_silence_that_should_not_be_is_refused(
    call: Call, arguments: list[str], sentence: str, code: int
) -> None:
    """With the reason."""
    done, _, err = call("silence", "add", *arguments)
    assert done == code
    assert sentence in err


MAIL = """
route: {{receiver: soc, group_by: [host], group_wait: 0s, group_interval: 1s}}
receivers:
  - name: soc
    mail: [{{host: 127.0.0.1, port: {port}, tls: {tls}, ca: {ca}, sender: a@example.org, to: soc@example.org,
            username: tracetide, password_env: MAIL_PASSWORD}}]
"""


def mail_routes(peer: SmtpPeer) -> str:
    """A file that sends everything by mail."""
    return MAIL.format(port=peer.port, tls=peer.tls, ca=peer.ca)


async def test_the_sink_delivers_to_the_disk_and_people_are_told(
    smtp_peer: SmtpPeer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What one process gives to any other sink can be told to people too."""
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    async with notices(loads(mail_routes(smtp_peer)), tmp_path) as sink:
        await sink.check()
        assert await sink.deliver([alert(1), alert(2)]) == [Delivered(), Delivered()]
        for _ in range(200):
            if smtp_peer.mails:
                break
            await asyncio.sleep(0.02)
    assert len(smtp_peer.mails) == 1
    monkeypatch.setenv("MAIL_PASSWORD", "wrong")
    async with notices(loads(mail_routes(smtp_peer)), tmp_path) as sink:
        with pytest.raises(SinkError, match="does not take the user and the password"):
            await sink.check()
    assert labels_of(alert())["severity"] == ("critical",)


async def test_changed_routes_are_taken_over_and_wrong_ones_refused(
    smtp_peer: SmtpPeer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """While an incident goes on: it stays the same, and nothing is lost or told twice."""
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    path = tmp_path / "routes.yaml"
    path.write_text(mail_routes(smtp_peer))
    async with notices(load_routes(path), tmp_path / "state") as sink:
        await sink.deliver([alert(1)])
        await until(lambda: len(smtp_peer.mails) == 1)
        path.write_text("route: {receiver: nobody}")
        await until(lambda: "the new routes cannot be used, those before stay in use" in caplog.text)
        path.write_text(mail_routes(smtp_peer).replace("soc@example.org", "night@example.org"))
        await until(lambda: "routes were loaded again: 1 receivers, 1 ways" in caplog.text)
        await sink.deliver([alert(1), alert(2)])
        await until(lambda: len(smtp_peer.mails) == 2)
    assert smtp_peer.recipients == [["soc@example.org"], ["night@example.org"]]
    assert "1 more, 2 in all" in str(smtp_peer.mails[1])


async def test_secrets_are_read_again_when_somebody_asks(
    smtp_peer: SmtpPeer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password that was changed needs no restart."""
    path, secret = tmp_path / "routes.yaml", tmp_path / "secret"
    secret.write_text("the old one")
    path.write_text(mail_routes(smtp_peer).replace("password_env: MAIL_PASSWORD", f"password_file: {secret}"))
    monkeypatch.setattr("notify.service.Patience", partial(Patience, first=0.05, longest=0.1))
    async with notices(load_routes(path), tmp_path / "state") as sink:
        await sink.deliver([alert(1)])
        await until(lambda: smtp_peer.logins)
        assert not smtp_peer.mails
        secret.write_text(PASSWORD)
        sink.following.ask()
        await until(lambda: smtp_peer.mails)


async def test_a_marked_test_reaches_every_way_and_says_which_it_does_not(
    smtp_peer: SmtpPeer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """People see that it is none of the real ones."""
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    monkeypatch.setenv("ADDRESS", "http://127.0.0.1:1/")
    path = tmp_path / "routes.yaml"
    path.write_text(mail_routes(smtp_peer) + "  - name: chat\n    webhook: [{url_env: ADDRESS}]\n")
    assert await sent(path, "soc") == (0, ["✓ soc/mail/0: has taken it"])
    code, lines = await sent(path)
    assert (code, lines[1]) == (1, "✗ chat/webhook/0: the webhook gives no answer (ConnectError)")
    assert await sent(path, "nobody") == (2, [])
    first, second = smtp_peer.mails
    assert str(first["Subject"]).startswith("[LOW] TEST of notifications, nothing happened on host ")
    assert first["Message-ID"] != second["Message-ID"]


async def sent(*arguments: str | Path) -> tuple[int | None, list[str]]:
    """The exit code and the lines of ``tracetide route test``, in a process of its own."""
    command = [sys.executable, "-m", "tracetide", "route", "test", *arguments]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    return process.returncode, out.decode().splitlines()


def test_what_was_told_and_what_waits_is_shown(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a person and for a program; while nobody has told anything it is said."""
    code, _, err = call("route", "status")
    assert (code, "there is no state in" in err) == (1, True)
    monkeypatch.setenv("ADDRESS", "http://127.0.0.1:1/")
    routes = loads(
        "route: {receiver: soc, group_by: [host], group_wait: 0s,"
        " routes: [{matchers: [host=quiet], receiver: none}]}\n"
        "receivers: [{name: soc, webhook: [{url_env: ADDRESS}]}, {name: none}]"
    )
    one = Notifier(routes, open_store(tmp_path / "state"), Silences(tmp_path / "silences"), lambda: START)
    one.silences.add(silence("host=silent"))
    one.take([alert(1), alert(2), alert(3), alert(4, host="quiet"), alert(5, host="silent")])
    one.look()
    one.take([alert(6)])
    waiting = one.store.waiting("soc/webhook/0")
    assert waiting is not None
    one.store.failed("soc/webhook/0", waiting)
    code, out, _ = call("route", "status", "--json")
    found = json.loads(out)
    (way,) = found.pop("ways")
    counts = {"open": 3, "pending": 1, "throttled": 2, "silenced": 1, "inhibited": 0, "unaddressed": 1}
    assert (code, found) == (0, counts)
    assert (way["sent"], way["failed"], way["waiting"], way["attempts"]) == (0, 1, 1, 1)
    one.store.delivered("soc/webhook/0", waiting, "", START)
    one.store.close()
    assert call("route", "status")[1] == (
        "3 incidents go on; alerts: 1 wait for their message, 2 were told within another's,"
        " 1 silenced, 0 inhibited, 1 for nobody\n"
        "soc/webhook/0: 1 sent, 1 failed, 0 refused, none waits\n"
    )


@pytest.mark.kafka
async def test_detections_in_kafka_are_told_whatever_is_killed(
    kafka: str, smtp_peer: SmtpPeer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in the middle, started again: every detection is in a mail, and every host has one thread."""
    monkeypatch.setenv("MAIL_PASSWORD", PASSWORD)
    (tmp_path / "routes.yaml").write_text(mail_routes(smtp_peer))
    await prepare(kafka, "notify")
    sent = [alert(number, host=f"node-{number % 3}") for number in range(600)]
    await send(kafka, sent)
    command = [sys.executable, "-m", "tracetide", "notify", "--routes", str(tmp_path / "routes.yaml")]
    command += ["--kafka", kafka, "--state", str(tmp_path / "state")]
    for last in (False, True):
        process = await asyncio.create_subprocess_exec(*command)
        try:
            for _ in range(600):
                if counted(smtp_peer) >= (600 if last else 1):
                    break
                await asyncio.sleep(0.05)
        finally:
            process.kill()
            await process.wait()
    assert counted(smtp_peer) >= 600
    threads = {mail["references"] or mail["message-id"] for mail in smtp_peer.mails}
    assert len(threads) == 3


def counted(peer: SmtpPeer) -> int:
    """How many alerts the threads say they have in all."""
    totals: dict[str, int] = {}
    for mail in peer.mails:
        body = mail.get_body(("plain",))
        found = re.search(r"Incident (\w+): ([\d,]+) alert", body.get_content() if body else "")
        if found:
            totals[found[1]] = max(totals.get(found[1], 0), int(found[2].replace(",", "")))
    return sum(totals.values())
