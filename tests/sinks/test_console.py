"""The console sink: readable blocks whatever a detection holds."""

import io
import os
import pty
import re
import subprocess
import sys
import unicodedata

import msgspec
import pytest
from rich.cells import cell_len
from rich.console import Console

from sinks.console import Block, ConsoleSink, Line, badge, progress, visible
from sinks.contract import Delivered
from tests.events import HOST
from tests.sinks.samples import detection
from wire.detection import PRIORITIES, ContainerInfo, Detection, ProcessInfo, RuleInfo, Technique
from wire.inventory import Mount, Pod

CONTAINER = ContainerInfo(id="ab12" * 16, runtime="docker", name="shop", image="shop:1.2")


def process(pid: int, *args: str, vpid: int | None = None) -> ProcessInfo:
    """A process named after its first argument."""
    return ProcessInfo(entity=str(pid), pid=pid, start=pid, name=args[0], args=list(args), vpid=vpid or pid)


SOME = Detection(
    id="1",
    time=1_764_000_000_123_456_789,
    host=HOST,
    rule=RuleInfo(
        name="A web server started a shell",
        priority="Critical",
        techniques=[
            Technique("T1505.003", "Web Shell", ["Persistence"]),
            Technique("T1059.004", "Unix Shell"),
        ],
        response="Look at the request\n  of that time.",
        false_positives=["applications that call a shell"],
    ),
    output="httpd started sh",
    events=[4],
    event={},
    fields={},
    process=process(40, "sh", "-c", "cd /tmp; id", vpid=9),
    ancestors=[process(30, "httpd", "-f", vpid=1), process(20, "runc", "run"), process(1, "systemd")],
    container=CONTAINER,
)

HOSTILE = [
    "\x1b[2J\x1b[1;1Hall is well",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x9b31mred",
    "two\nlines\r\nand\rmore",
    "tab\tbell\x07back\x08\x7f",
    "[bold red]markup[/] [link=http://evil]here[/link] [/nothing]",
    ":skull: \\[escaped",
    "\u202egnp.exe \u2066\u2069\u200b\u200d\ufeff",
    "\u2028\u2029\u0085",
    "\ud800 lone surrogate",
    "\U000e0041 tag, \ue000 private",
    "wide 漢字 " * 60,
    "e" + "\u0301" * 300,
    "x" * 10_000_000,
]


def shown(renderable: object, width: int = 100) -> str:
    """What is written to a terminal of ``width``, without the colours."""
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system="truecolor")
    console.print(renderable)
    written = console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO, as given above
    return re.sub(r"\x1b\[[0-9;]*m", "", written)


def everywhere(text: str) -> Detection:
    """A detection with ``text`` in every place that an attacker may choose, and some more."""
    hostile = ProcessInfo(entity="e", pid=7, start=7, name=text, args=[text, text], cwd=text, user=text)
    return msgspec.structs.replace(
        SOME,
        host=msgspec.structs.replace(HOST, name=text),
        rule=RuleInfo(
            name=text, priority="Notice", techniques=[Technique(text, text, [text])], response=text
        ),
        output=text,
        process=hostile,
        ancestors=[hostile],
        container=ContainerInfo(
            id=text,
            runtime=text,
            name=text,
            image=text,
            mounts=[Mount(text, text)],
            pod=Pod(name=text, namespace=text, workload=text, workload_kind=text),
        ),
        missing=[text],
    )


def test_a_block_tells_everything_an_analyst_asks() -> None:
    """Severity, rule, sentence, technique, container, host, time, and what to do are all there."""
    text = shown(Block(SOME))
    for fact in (
        "CRITICAL",
        "A web server started a shell",
        "httpd started sh",
        "T1505.003 Web Shell (Persistence)",
        "T1059.004 Unix Shell",
        "container ab12ab12ab12 shop (docker) of shop:1.2, host web-1",
        "2025-11-24 16:00:00.123 UTC",
        "Look at the request of that time.",
        "applications that call a shell",
    ):
        assert fact in text


def test_a_block_tells_the_pod_and_what_the_container_can_reach() -> None:
    """What makes an intrusion worse is on its own line; a harmless container has none."""
    text = re.sub(r"[│\s]", "", shown(Block(detection())))
    assert "podshop/web-7d4b9c-x2x4z(Deploymentweb),hostnode-1" in text
    assert "startedfromoutside(exec);privileged;canwritetothehost's/var/run" in text
    assert "from outside" not in shown(Block(SOME))


def test_the_tree_begins_with_the_oldest_ancestor_and_marks_the_culprit() -> None:
    """Each process is one level below its parent; only the acting one is pointed at."""
    lines = [line.strip("│ ") for line in shown(Block(SOME)).splitlines()]
    names = [line for line in lines if re.match(r"(└─ )?(systemd|runc|httpd|sh) \d", line)]
    assert [re.sub(r"\W*(\w+) (\d+).*", r"\1 \2", name) for name in names] == [
        "systemd 1",
        "runc 20",
        "httpd 30",
        "sh 40",
    ]
    assert [name for name in names if "this process" in name] == names[-1:]
    assert "sh 40  sh -c 'cd /tmp; id'" in names[-1]


def test_the_tree_says_where_the_container_begins() -> None:
    """The first process with another process id of its own is where the container was entered."""
    marked = [line for line in shown(Block(SOME)).splitlines() if "in the container" in line]
    assert len(marked) == 1
    assert "httpd 30" in marked[0]


def test_a_program_run_in_a_container_from_outside_is_marked_too() -> None:
    """What an administrator starts in a container does not descend from its first process."""
    found = msgspec.structs.replace(SOME, ancestors=[process(20, "runc", "exec"), process(1, "systemd")])
    (marked,) = [line for line in shown(Block(found)).splitlines() if "in the container" in line]
    assert "sh 40" in marked


def test_of_a_long_descent_the_middle_is_left_out() -> None:
    """The tree stays readable: the oldest ancestor, how many follow, and those next to the culprit."""
    found = msgspec.structs.replace(SOME, ancestors=[process(pid, f"p{pid}") for pid in range(16, 0, -1)])
    text = shown(Block(found))
    assert [pid for pid in range(1, 17) if f"p{pid} {pid}" in text] == [1, 12, 13, 14, 15, 16]
    assert "10 more" in text


def test_the_facts_of_an_output_stand_apart_from_its_sentence() -> None:
    """The library writes them behind a bar."""
    found = msgspec.structs.replace(SOME, output="A shell started | command=sh -c id | sort parent=httpd")
    lines = [line.strip("│ ") for line in shown(Block(found)).splitlines()]
    assert lines[1:3] == ["A shell started", "command=sh -c id | sort parent=httpd"]


def test_what_is_not_known_and_what_was_lost_is_said() -> None:
    """A reader must not take an incomplete detection for a complete one."""
    text = shown(Block(msgspec.structs.replace(SOME, missing=["parent: not seen"], lost=12)))
    assert "parent: not seen" in text
    assert "12 events" in text


def test_a_detection_without_a_process_or_container_is_shown() -> None:
    """Incomplete beats silent."""
    bare = Detection(
        id="1", time=0, host=HOST, rule=SOME.rule, output="it happened", events=[1], event={}, fields={}
    )
    assert "it happened" in shown(Block(bare))
    assert "container" not in shown(Block(bare))


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:12]))
@pytest.mark.parametrize("shape", [Block, Line])
def test_hostile_text_commands_nothing_and_hides_nothing(shape: type[Block] | type[Line], text: str) -> None:
    """No control or invisible character reaches the terminal but the ends of the block's own lines."""
    written = shown(shape(everywhere(text)))
    bad = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
    assert {c for c in written if unicodedata.category(c) in bad} <= {"\n"}
    assert len(written) < 20_000


@pytest.mark.parametrize("width", [20, 40, 80, 200])
@pytest.mark.parametrize("text", ["short", *HOSTILE], ids=lambda text: ascii(text[:12]))
def test_no_line_is_wider_than_the_terminal(width: int, text: str) -> None:
    """Frames stay whole on any terminal, whatever is in them."""
    written = shown(Block(everywhere(text)), width)
    assert max(cell_len(line) for line in written.splitlines()) <= width


def test_markup_and_emoji_codes_are_just_text() -> None:
    """What looks like Rich's markup is shown as it was."""
    written = shown(Block(everywhere("[bold]a[/] :skull:")), 200)
    assert "[bold]a[/] :skull:" in written


def test_long_commands_are_cut_and_say_so() -> None:
    """An argument of megabytes does not fill the screen."""
    assert visible("x" * 10_000_000).endswith("x…")
    assert len(visible("\x00" * 10_000_000)) < 1000


def test_a_terminal_of_ascii_gets_ascii() -> None:
    """The frame and the tree need no character that the terminal lacks."""
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    console = Console(file=file, width=60)
    console.print(Block(SOME))
    console.print(Line(SOME))
    file.flush()
    assert b"`- sh 40" in file.buffer.getvalue()


@pytest.mark.parametrize("priority", PRIORITIES)
def test_every_severity_has_a_badge(priority: str) -> None:
    """The badge says it in words, for those who see no colours."""
    rule = RuleInfo(name="r", priority=priority)  # type: ignore[arg-type]  # one of them, as given above
    assert priority.upper() in badge(rule.priority).plain
    assert priority.upper() in shown(Line(msgspec.structs.replace(SOME, rule=rule)))


async def test_everything_printed_is_delivered() -> None:
    """One outcome for each detection, in their order."""
    out = io.StringIO()
    sink = ConsoleSink(Console(file=out, width=80))
    await sink.check()
    assert await sink.deliver([SOME, SOME]) == [Delivered(), Delivered()]
    assert await sink.deliver([]) == []
    await sink.close()
    assert out.getvalue().count("httpd started sh") == 2


def test_progress_is_silent_where_nobody_watches() -> None:
    """A file or a pipe gets no moving line."""
    out = io.StringIO()
    with progress(Console(file=out), "waiting") as update:
        update("still waiting")
    assert out.getvalue() == ""


def test_progress_stays_below_what_is_printed_and_disappears() -> None:
    """On a real terminal the line is shown, and gone in the end."""
    code = (
        "import time\n"
        "from sinks.console import progress, terminal\n"
        "console = terminal()\n"
        "with progress(console, 'waiting') as update:\n"
        "    time.sleep(0.2); console.print('printed'); update('[b]5 events'); time.sleep(0.3)\n"
    )
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=theirs, env=os.environ | {"TERM": "xterm"}
    ) as run:
        os.close(theirs)
        written = b""
        while chunk := _read(ours):
            written += chunk
    os.close(ours)
    assert run.returncode == 0
    assert written.index(b"waiting") < written.index(b"printed") < written.index(b"[b]5 events")
    assert written.endswith((b"\x1b[2K", b"\x1b[?25h"))


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # a terminal whose other end is closed
        return b""
