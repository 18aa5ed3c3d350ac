"""``tracetide run --notify``: from events to people in one process, which may be killed at any moment."""

import asyncio
import os
import re
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.notify.test_service import until
from tests.peers.smtp import PASSWORD, SmtpPeer
from tests.peers.trackers import Gitlab
from tests.peers.vendor import TOKEN, Trouble, Vendor, serving
from tests.tracetide.conftest import Call
from tests.tracetide.test_notify import MAIL

pytestmark = pytest.mark.parametrize("smtp_peer", ["tls"], indirect=True)

ROOT = Path(__file__).parent.parent.parent

# What the command does, with a recording in the place of the kernel; like a kernel, it does not end.
PROGRAM = """
import asyncio, sys
from pathlib import Path
from notify.receivers.ticket import TicketSettings
from collectors.recording import RecordingSource
from stream.engine import Engine
from tracetide.commands.run import Outputs, work
from tracetide.live import until_stopped
from tracetide.notices import load_routes
from tracetide.reloading import RuleFiles

class Host:
    async def batches(self):
        for batch in RecordingSource(folder / "r.jsonl.zst").read():
            yield batch
        print("replayed", flush=True)
        await asyncio.Event().wait()

TicketSettings.settles = 3.0  # tests are in a hurry
folder = Path(sys.argv[1])
files = RuleFiles([folder / "rules.yaml"], library=False, matching="all")
people = load_routes(folder / "routes.yaml")
outputs = Outputs(["jsonl"], folder / "queue.sqlite", None, people, folder / "state")
asyncio.run(until_stopped(work(Engine(files.rules), Host(), files, outputs)))
"""


@pytest.fixture
async def gitlab() -> AsyncIterator[Vendor]:
    """Where tickets are."""
    async with serving(Gitlab()) as made:
        yield made


@pytest.fixture
def folder(tmp_path: Path, smtp_peer: SmtpPeer, gitlab: Vendor, rule_file: Path, recording: Path) -> Path:
    """All that a run needs: rules, a recording of two attacks, and routes to a mailbox and to tickets."""
    assert {rule_file.parent, recording.parent} == {tmp_path}
    mail = MAIL.format(port=smtp_peer.port, tls=smtp_peer.tls, ca=smtp_peer.ca)
    tickets = f"""
    gitlab: [{{url: "{gitlab.url}", project: security/incidents, token_env: GITLAB_TOKEN}}]
"""
    (tmp_path / "routes.yaml").write_text(mail + tickets)
    return tmp_path


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """The program, from the moment at which it has read the recording; killed at the end of the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        folder,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ
        | {
            "PYTHONPATH": str(ROOT),
            "MAIL_PASSWORD": PASSWORD,
            "GITLAB_TOKEN": TOKEN,
            "TRACETIDE_JSONL_PATH": str(folder / "alerts.jsonl"),
        },
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"replayed\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def waiting(folder: Path) -> int:
    """How many messages are not told."""
    with sqlite3.connect(folder / "state" / "state.sqlite") as database:
        return int(database.execute("SELECT COUNT(*) FROM outbox").fetchone()[0])


async def test_what_is_detected_is_in_the_file_in_a_mail_and_in_a_ticket(
    folder: Path, smtp_peer: SmtpPeer, gitlab: Vendor
) -> None:
    """A sink gets every detection, people get one message; a stop ends it with exit code 0."""
    async with running(folder) as process:
        await until(lambda: smtp_peer.mails and gitlab.things, 30)
        process.terminate()
        assert await process.wait() == 0
    assert len((folder / "alerts.jsonl").read_text().splitlines()) == 2
    assert [mail["Subject"] for mail in smtp_peer.mails] == ["[CRITICAL] Hashes read on host web-1"]
    assert [thing["title"] for thing in gitlab.things] == ["[CRITICAL] Hashes read on host web-1"]


@pytest.mark.parametrize("trouble", [Trouble(after=2.0), Trouble(before=1.5)])
async def test_a_kill_between_request_and_answer_makes_no_second_ticket(
    folder: Path, smtp_peer: SmtpPeer, gitlab: Vendor, trouble: Trouble
) -> None:
    """The ticket may be there, or the tracker may still be busy with it: there is one in the end."""
    gitlab.troubles.append(trouble)
    async with running(folder):
        await until(lambda: gitlab.asked and (gitlab.things or trouble.before), 30)
    async with running(folder):  # the recording comes again, as events would not
        await until(lambda: gitlab.things and smtp_peer.mails and not waiting(folder), 30)
    assert len(gitlab.things) == 1


async def test_a_run_that_is_killed_before_it_told_tells_later(
    folder: Path, smtp_peer: SmtpPeer, gitlab: Vendor
) -> None:
    """What was taken in is on disk; the next run needs no event to tell it."""
    routes = folder / "routes.yaml"
    text = routes.read_text()
    routes.write_text(re.sub(r"(port: |127\.0\.0\.1:)\d+", r"\g<1>1", text))
    async with running(folder):
        await until(lambda: taken(folder) == 2, 30)
    assert not smtp_peer.mails
    routes.write_text(text)
    (folder / "rules.yaml").write_text("[]")
    async with running(folder):
        await until(lambda: smtp_peer.mails and gitlab.things, 30)
    assert "2 alerts" in str(smtp_peer.mails[0])


def taken(folder: Path) -> int:
    """How many detections are in incidents that are not told."""
    path = folder / "state" / "state.sqlite"
    if not path.exists():
        return 0
    with sqlite3.connect(path) as database:
        row = database.execute("SELECT SUM(json_extract(body, '$.total')) FROM groups").fetchone()
    return int(row[0] or 0)


def test_routes_that_are_wrong_end_the_command(call: Call, folder: Path) -> None:
    """Before anything is watched, with every mistake."""
    (folder / "routes.yaml").write_text("route: {receiver: nobody}\nreceivers: [{name: soc}]")
    code, _, err = call("run", "--notify", folder / "routes.yaml", "--seconds", "1")
    assert code == 1
    assert "there is no receiver 'nobody'" in err
