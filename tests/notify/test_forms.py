"""What a message becomes for each destination: nothing of an attacker's text is obeyed there."""

import json
import re
import unicodedata

import pytest
from hypothesis import given

from notify.message import Message
from notify.receivers.jira import document
from notify.receivers.pagerduty import event
from notify.receivers.webhook import NAMES, Settings, alertmanager, body, tracetide, values
from notify.render import markdown, slack, teams
from tests.notify.hostile import messages, patient
from tests.notify.samples import say
from tests.peers.chats import Slack


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
