"""Each log source on real events: which events belong to it, and where its fields are."""

import re

import pytest

import rules
from rules import FIELDS
from rules.catalogue.event_types import KINDS
from rules.compiler.output import output_parts
from rules.sigma.checks import condition, place
from rules.sigma.sources import RECORDS, SOURCES, Source
from tests.events import change, connect, execute, fork, open_file
from tests.rules.sigma.writing import (
    AUDIT,
    FILE,
    NETWORK,
    asking,
    holds,
    matched,
    only,
    reasons,
    sigma,
)
from wire.event import AnyEvent

O_RDONLY, O_WRONLY, O_RDWR, O_CREAT = 0, 1, 2, 0o100


@pytest.mark.parametrize("source", SOURCES.values(), ids=lambda source: source.name)
def test_tables(source: Source) -> None:
    """Every place that a table names is a field of the catalogue, and everything else in it has a meaning."""
    for field in (each for whole in source.fields.values() for each in whole.everywhere):
        for name in (*field.places, *([field.networks] if field.networks else [])):
            assert place(name).row.name in FIELDS
        assert condition(field.only)
        assert condition(field.holds)
    assert condition(source.events)
    assert set(source.keywords) <= set(source.fields)
    assert output_parts(source.shown)[1] == []
    assert not set(source.fields) & set(source.absent)


def test_process_creation() -> None:
    """The program is the file that the kernel ran; the command line is what was passed to it."""
    text = asking(
        """
        Image: /usr/bin/wget
        CommandLine: wget -O /tmp/x http://e/
        CurrentDirectory: /srv
        ParentImage: /usr/bin/nginx
        ParentCommandLine: nginx -g x
        User: root
        LogonId: 0
        ProcessId: 12
        ParentProcessId: 10
        """
    )
    events: list[AnyEvent] = [
        execute(1, 10, "nginx", "-g", "x"),
        fork(2, 12, 10),
        execute(3, 12, "wget", "-O", "/tmp/x", "http://e/", cwd="/srv", user="root"),
        open_file(4, 12, "/tmp/x", O_WRONLY),
    ]
    assert matched(text, *events) == [3]


def test_a_program_by_another_name() -> None:
    """A program that is called by another name has its own path all the same."""
    assert matched(asking("Image|endswith: /curl"), execute(1, 1, "kworker", exepath="/usr/bin/curl")) == [1]


@pytest.mark.parametrize(
    ("event", "is_one"),
    [
        (open_file(1, 1, "/etc/cron.d/x", O_WRONLY), True),
        (open_file(1, 1, "/etc/cron.d/x", O_RDWR), True),
        (open_file(1, 1, "/etc/cron.d/x", O_RDONLY | O_CREAT), True),
        (open_file(1, 1, "/etc/cron.d/x", type="creat"), True),
        (open_file(1, 1, "/etc/cron.d/x", type="openat2", flags=O_WRONLY), True),
        (open_file(1, 1, "/etc/cron.d/x", O_RDONLY), False),
        (open_file(1, 1, "/etc/cron.d/x", O_WRONLY, result=-13), False),
        (open_file(1, 1, "/etc/passwd", O_WRONLY), False),
        (execute(1, 1, "/etc/cron.d/x"), False),
    ],
)
def test_file_event(event: AnyEvent, is_one: bool) -> None:
    """A file is created by an open that succeeds and may write or create."""
    text = asking("TargetFilename|startswith: /etc/cron.d/", FILE)
    assert matched(text, event) == ([1] if is_one else [])


@pytest.mark.parametrize(
    ("event", "is_one"),
    [
        (change(1, 1, "/tmp/x", type="rename", other="/etc/cron.d/x"), True),
        (change(1, 1, "/tmp/x", type="renameat2", other="/etc/cron.d/x"), True),
        (change(1, 1, "/tmp/x", type="linkat", other="/etc/cron.d/x"), True),
        (change(1, 1, "/etc/cron.d/x", type="symlink", text="/tmp/x"), True),
        (change(1, 1, "/etc/cron.d/x", type="mknod"), True),
        (change(1, 1, "/etc/cron.d/x", type="rename", other="/tmp/x"), False),
        (change(1, 1, "/tmp/x", type="rename", other="/etc/cron.d/x", result=-1), False),
        (change(1, 1, "/etc/cron.d/x", type="unlink"), False),
        (change(1, 1, "/etc/cron.d/x", type="chmod"), False),
    ],
)
def test_files_that_get_a_name(event: AnyEvent, is_one: bool) -> None:
    """A file is created too where it gets a name: by a rename or a link, or made without an open."""
    assert matched(asking("TargetFilename|startswith: /etc/cron.d/", FILE), event) == ([1] if is_one else [])


def test_file_rename_and_delete() -> None:
    """Renames have both names, and what is removed has its own."""
    moved = change(1, 1, "/a", type="renameat", other="/b")
    removed = change(2, 1, "/a", type="unlinkat")
    failed = change(3, 1, "/a", type="unlinkat", result=-2)
    text = asking("SourceFilename: /a\nTargetFilename: /b", "category: file_rename")
    assert matched(text, moved, removed, failed) == [1]
    text = asking("TargetFilename: /a\nImage: null", "category: file_delete")
    assert matched(text, moved, removed, failed) == [2]
    assert holds(asking("TargetFilename: /a", "category: file_delete"), TargetFilename="/a")


@pytest.mark.parametrize(
    ("event", "is_one"),
    [
        (connect(1, 1, "1.2.3.4", 4444), True),
        (connect(1, 1, "1.2.3.4", 4444, result=-115), True),
        (connect(1, 1, "1.2.3.4", 4444, result=-111), False),
        (connect(1, 1, "1.2.3.4", 80), False),
        (connect(1, 1, "1.2.3.4", 4444, type="accept", local_port=22), False),
        (connect(1, 1, "1.2.3.4", 5, type="listen", local_port=4444), False),
        (connect(1, 1, "1.2.3.4", 4444, family="unix"), False),
    ],
)
def test_network_connection(event: AnyEvent, is_one: bool) -> None:
    """A connection stands, or is on its way; the destination is the end that was asked for it."""
    text = asking("DestinationPort: 4444", NETWORK)
    assert matched(text, event) == ([1] if is_one else [])


def test_ends_of_a_connection() -> None:
    """Of a connection that comes in, the source is the far end."""
    incoming = connect(1, 1, "9.9.9.9", 5555, type="accept", local_ip="10.0.0.1", local_port=22)
    text = asking(
        """
        Initiated: 'false'
        SourceIp: 9.9.9.9
        SourcePort: 5555
        DestinationIp|cidr: 10.0.0.0/8
        DestinationPort: 22
        DestinationIsIpv6: false
        Protocol: tcp
        """,
        NETWORK,
    )
    assert matched(text, incoming) == [1]
    assert matched(asking("Initiated: 'true'", NETWORK), incoming) == []


AUDITED: list[AnyEvent] = [
    execute(1, 1, "dd", "if=/dev/zero", "of=/x", comm="dd", euid=33, loginuid=1000),
    open_file(2, 1, "/etc/passwd"),
    connect(3, 1, "1.2.3.4", 80),
    change(4, 1, "/etc/old", type="rename", other="/etc/new"),
]


@pytest.mark.parametrize(
    ("check", "found"),
    [
        ("type: EXECVE", [1]),
        ("type: execve\na0: dd\na1|startswith: if=", [1]),
        ("a1|contains: /DEV/", [1]),
        ("a9: x", []),
        ("type: PATH\nname: /etc/passwd", [2]),
        ("type: PATH\nname: dd", [1]),
        ("name|contains: '1.2.3.4'", []),
        ("type: SYSCALL\nexe: /usr/bin/dd", [1]),
        ("exe: /usr/bin/dd", [1]),
        ("exe: /usr/bin/dd\nSYSCALL: [openat, connect]", [2, 3]),
        ("exe: /usr/bin/dd\nname: /etc/passwd", [2]),
        ("type: PATH\nname: /etc/new", [4]),
        ("type: PATH\nname: /etc/old", [4]),
        ("name|re: ^/etc/", [2, 4]),
        ("name: null\nSYSCALL: [connect, openat]", [3]),
        ("SYSCALL: rename\nname|exists: true", [4]),
        ("type: SYSCALL\ncomm: dd\nSYSCALL: connect", [3]),
        ("SYSCALL: [execve, execveat]\neuid: 33", [1]),
        ("SYSCALL: openat*", [2]),
        ("type: [PATH, EXECVE]", [1, 2, 4]),
        ("auid: 1000\ntype: EXECVE", [1]),
        ("success: 'yes'\nSYSCALL: openat", [2]),
        ("exit|gte: 3\nSYSCALL: openat", [2]),
        ("type: PROCTITLE\nproctitle|contains: of=", [1]),
    ],
)
def test_auditd(check: str, found: list[int]) -> None:
    """Records of the audit subsystem are the events of the system calls that they tell of."""
    assert matched(asking(check, AUDIT), *AUDITED) == found


def test_alternatives_of_auditd() -> None:
    """Each alternative is about its own events: where none are named, programs that are started."""
    text = sigma("a:\n  exe: /usr/bin/dd\nb:\n  type: PATH\n  name: /etc/passwd\ncondition: 1 of *", AUDIT)
    assert matched(text, *AUDITED) == [1, 2]
    assert matched(sigma("a:\n  exe: /bin/x\ncondition: not a", AUDIT), *AUDITED) == [1]
    text = sigma("a:\n  SYSCALL: connect\nb:\n  exe: /bin/x\ncondition: a and not b", AUDIT)
    assert matched(text, *AUDITED) == [3]


def test_nobody_logged_in() -> None:
    """The audit subsystem's number for nobody is what events have for it."""
    text = asking("auid: 4294967295\ntype: EXECVE", AUDIT)
    assert matched(text, execute(1, 1, "x", loginuid=2**32 - 1)) == [1]
    assert holds(text, auid=4294967295)
    assert matched(text, execute(1, 1, "x", loginuid=1000)) == []


def test_keywords_of_auditd() -> None:
    """Values without a field are looked for in the arguments, but only together with a type of record."""
    text = sigma("exec:\n  type: EXECVE\nwords: [if=]\nnot_words: [of=]\ncondition: exec and words", AUDIT)
    assert matched(text, *AUDITED) == [1]
    assert matched(text.replace("exec and words", "exec and words and not not_words"), *AUDITED) == []
    other = execute(5, 1, "cat", "x", filename="/tmp/if=")
    assert matched(text, other) == []  # the path that was executed is not in that record
    assert matched(text.replace("EXECVE", "PATH"), other) == [5]
    (reason,) = reasons(text.replace("exec and words", "exec or words"))
    assert reason == "a value without a field is looked for in audit records of every type; add a type"


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ("type: TTY", ["type: 'TTY' records: what is typed at terminals is not collected"]),
        ("type: BPRM_FCAPS", ["type: 'BPRM_FCAPS' records: there are no events that stand for it"]),
        ("SYSCALL: sysinfo", ["SYSCALL: there are no events of sysinfo"]),
        ("SYSCALL: [execve, sysinfo]", ["SYSCALL: there are no events of sysinfo"]),
        (
            "SYSCALL: open*",
            ["SYSCALL: there are no events of open_tree_attr"],
        ),
        ("SYSCALL: nothing", ["SYSCALL: there are no events of 'nothing'"]),
        ("key: k", ["key: it is set by the audit rules of a host"]),
        (
            "type: SYSCALL\na0: 5",
            ["a0: the arguments of a SYSCALL record are raw numbers, which events do not carry"],
        ),
        ("success: 'no'", ["success: an exec that fails is not collected"]),
        (
            "auid|gte: 1000",
            ["auid|gte: it cannot be compared by size: one that is not set has another value here"],
        ),
        ("foo: x", ["foo: auditd has no such field here"]),
    ],
)
def test_auditd_refused(check: str, expected: list[str]) -> None:
    """What no event tells is refused with the reason, also if it is one of several possibilities."""
    assert reasons(asking(check, AUDIT)) == expected


def test_excluding_records() -> None:
    """Records cannot be excluded by type, because one event stands for all of a system call."""
    text = sigma("a:\n  a0: dd\nb:\n  type: PATH\ncondition: a and not b", AUDIT)
    assert reasons(text) == [
        "type: records of one system call are one event here, so none can be excluded by type"
    ]


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        ("Hashes|contains: x", "Hashes|contains: events carry no hashes of files"),
        ("Imagee: x", "Imagee: process_creation has no such field here; did you mean Image?"),
        ("proc.vmrss: 1", "proc.vmrss: it needs memory figures, and that is not collected"),
        ("proc.aname: x", "proc.aname: it has no single value that Sigma could compare"),
        ("proc.nam: x", "proc.nam: no field has that name; did you mean proc.name?"),
    ],
)
def test_fields_that_events_do_not_have(check: str, reason: str) -> None:
    """A field that no event has is refused with the reason."""
    assert reasons(asking(check)) == [reason]


def test_original_file_name() -> None:
    """A field of Windows programs is refused, whatever else the rule asks."""
    text = sigma("a:\n  Image: /x\nb:\n  OriginalFileName: x\ncondition: a or b")
    (reason,) = reasons(text)
    assert "version resource of a Windows program" in reason


def test_own_fields() -> None:
    """Fields of the catalogue may be named as they are."""
    text = asking("proc.name: BASH\ncontainer.id|startswith: '0'\nproc.sid|gt: 5")
    assert holds(text, **{"proc.name": "bash", "container.id": "0123", "proc.sid": 6})
    assert not holds(text, **{"proc.name": "bash", "container.id": "host", "proc.sid": 6})


def test_a_destination_has_the_name_that_was_asked_for() -> None:
    """It is what a name server answered with the address, and may also exclude."""
    only(asking("DestinationHostname|endswith: .example", NETWORK))
    text = sigma("a:\n  Initiated: true\nb:\n  DestinationHostname: x\ncondition: a and not b", NETWORK)
    assert only(text).weakened == ()


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("category: registry_set", "there are no events of category registry_set"),
        ("service: sshd", "there are no events of service sshd"),
        ("category: dns\n  service: auditd", "there are no events of category dns and service auditd"),
        ("definition: x", "there are no events of Linux logs in general"),
    ],
)
def test_other_sources(source: str, reason: str) -> None:
    """Rules of other log sources are refused."""
    assert reasons(asking("Image: x", source)) == [reason]


def test_products() -> None:
    """A rule of another product is refused; one that names none is for any."""
    text = asking("Image: x")
    assert reasons(text.replace("product: linux", "product: windows")) == [
        "it is for the product windows; events are Linux'"
    ]
    assert holds(text.replace("  product: linux\n", ""), Image="x")


def test_what_is_shown() -> None:
    """An output begins with the title and shows what else the rule looks at."""
    rule = only(asking("ParentCommandLine: a\nProcessId: 5", title="50% of all"))
    assert rule.output.startswith("50% of all | command=%proc.exeline ")
    assert rule.output.endswith(" proc.pexeline=%proc.pexeline proc.pid=%proc.pid")


def test_given_by_our_names() -> None:
    """A rule can be tried with our fields too; what the log source implies need not be given."""
    rule = only(asking("Image: /x"))
    assert rules.evaluate_rule(rule, {"evt.type": "execve", "proc.exepath": "/x"})
    assert rules.evaluate_rule(rule, {"proc.exepath": "/x"})
    assert not rules.evaluate_rule(rule, {"evt.type": "openat", "proc.exepath": "/x"})
    file = only(asking("TargetFilename: /x", FILE))
    assert rules.evaluate_rule(file, {"evt.type": "open", "fd.name": "/x", "evt.is_open_write": True})
    assert not rules.evaluate_rule(file, {"evt.type": "open", "fd.name": "/x", "evt.is_open_read": True})
    audited = only(asking("a0: dd\na1: x", AUDIT))
    assert rules.evaluate_rule(audited, {"evt.type": "execve", "proc.argv[0]": "dd", "proc.argv[1]": "X"})


def test_every_audit_record_has_an_event() -> None:
    """The types of events that records stand for are collected."""
    for record in RECORDS.values():
        assert set(re.findall(r"\w+", record.events.partition(" in ")[2])) <= set(KINDS)
        assert set(record.keywords) <= set(SOURCES["auditd"].fields)
