"""Every modifier and kind of value: events that must match, and events that must not."""

import base64

import pytest

from tests.rules.sigma.writing import NETWORK, PROCESS, asking, errors, holds, reasons


@pytest.mark.parametrize(
    ("check", "yes", "no"),
    [
        ("CommandLine: Ab", ["Ab", "aB"], ["xab", "abx", ""]),
        ("CommandLine|cased: Ab", ["Ab"], ["ab", "AB"]),
        ("CommandLine|contains: Ab", ["ab", "xABx"], ["a b", ""]),
        ("CommandLine|contains|cased: Ab", ["xAbx"], ["xab"]),
        ("CommandLine|cased|endswith: Ab", ["xAb"], ["xab", "Abx"]),
        ("CommandLine|startswith: Ab", ["ab", "ABx"], ["xab"]),
        ("CommandLine|endswith: Ab", ["ab", "xAB"], ["abx"]),
        ("CommandLine: É", ["é", "É"], ["e"]),
        ("CommandLine|contains: ΦΣ", ["φ\u03c3φ", "xΦΣ", "φς"], ["φ"]),
        ("CommandLine: [a, b]", ["a", "B"], ["c", "ab"]),
        ("CommandLine|contains|all: [a, b]", ["ab", "b-a"], ["a", "b"]),
        ("CommandLine|all|contains: [a, b]", ["ab", "b-a"], ["a", "b"]),
        ("CommandLine: a*b", ["ab", "aXXB", "a\nb"], ["abx", "xab"]),
        ("CommandLine: a?b", ["axb", "a?b", "a\nB"], ["ab", "axxb"]),
        ("CommandLine: '*'", ["", "x"], []),
        ("CommandLine: '?*'", ["x", "xy"], [""]),
        ("CommandLine: 'a*b*c'", ["abc", "axbxc"], ["acb", "abcx"]),
        ("CommandLine|contains: 'a*b'", ["xaYbz"], ["ba"]),
        ("CommandLine|startswith: 'a*b'", ["aYbz"], ["xaYbz"]),
        ("CommandLine|contains: '*'", ["", "x"], []),
        ("CommandLine: ''", [""], ["x"]),
        (r"CommandLine: 'a\*b'", ["a*b"], ["axb", r"a\*b"]),
        (r"CommandLine: 'a\?b'", ["a?b"], ["axb"]),
        (r"CommandLine: 'a\b'", [r"a\b"], ["ab"]),
        (r"CommandLine: 'a\\b'", [r"a\b"], [r"a\\b"]),
        (r"CommandLine: 'a\\*b'", [r"a\b", r"a\xxb"], ["a*b"]),
        (r"CommandLine: 'a\\\*b'", [r"a\*b"], [r"a\xb"]),
        (r"CommandLine|contains: 'x\'", ["ax\\b"], ["axb"]),
        ("CommandLine|contains: '.+'", ["a.+b"], ["aab"]),
        ("CommandLine|contains: '[ab]'", ["x[ab]"], ["a"]),
        ("CommandLine: 4444", ["4444"], ["44444"]),
        ("CommandLine|contains: 4444", ["x 4444 y"], ["444"]),
        ("CommandLine: 0755", ["0755"], ["493", "755"]),
        ("CommandLine: 1.10", ["1.10"], ["1.1"]),
        ("CommandLine: 2024-01-01", ["2024-01-01"], []),
        ("CommandLine: true", ["true", "True"], ["1"]),
        ("CommandLine|neq: a", ["b", ""], ["a", "A"]),
        ("CommandLine|neq: [a, b]", ["c"], ["a", "b"]),
    ],
)
def test_texts(check: str, yes: list[str], no: list[str]) -> None:
    """Texts are compared in any case, with wildcards, as the modifiers say."""
    assert [value for value in yes if not holds(asking(check), CommandLine=value)] == []
    assert [value for value in no if holds(asking(check), CommandLine=value)] == []


@pytest.mark.parametrize(
    ("check", "yes", "no"),
    [
        ("CommandLine|re: a.c", ["xabcx"], ["ac", "ABC", "a\nc"]),
        ("CommandLine|re: ^a.c$", ["abc"], ["xabc", "abcx"]),
        ("CommandLine|re|i: ^a.c$", ["ABC", "abc"], ["xabc"]),
        ("CommandLine|re|ignorecase: ^abc$", ["ABC"], ["x"]),
        ("CommandLine|re|s: a.c", ["a\nc"], ["ac"]),
        ("CommandLine|re|m: ^b$", ["a\nb\nc"], ["ab"]),
        ("CommandLine|re|i|m|s: ^B.C$", ["a\nb\nc"], ["abc"]),
        ("CommandLine|re: ['^a', 'b$']", ["ax", "xb"], ["xax"]),
        ("CommandLine|re|all: ['^a', 'b$']", ["ab", "axb"], ["a", "b"]),
        (r"CommandLine|re: '\s-[FTd]\s'", ["curl -F x"], ["curl -f x", "curl -F"]),
        ("CommandLine|re: 5", ["x5"], ["x"]),
        ("CommandLine|re|contains: a|b", ["xa", "xb"], ["x"]),
        ("CommandLine|re: (.){200,}", ["x" * 200], ["x" * 199]),
    ],
)
def test_regular_expressions(check: str, yes: list[str], no: list[str]) -> None:
    """A regular expression is looked for anywhere, in the case that it has unless a flag says otherwise."""
    assert [value for value in yes if not holds(asking(check), CommandLine=value)] == []
    assert [value for value in no if holds(asking(check), CommandLine=value)] == []


@pytest.mark.parametrize("expression", ["a(?=b)", "(?<!a)b", r"(a)\1", "(?<=x)a", "(?>a)b"])
def test_regular_expressions_of_others(expression: str) -> None:
    """What only engines that go back can read is refused, with what RE2 says."""
    (reason,) = reasons(asking(f"CommandLine|re: '{expression}'"))
    assert reason.startswith(f"RE2 does not read the regular expression '{expression}': ")


def test_broken_regular_expression() -> None:
    """What is no regular expression for anybody is an error of the file."""
    assert errors(asking("CommandLine|re: 'a('")) == [
        "1.yml:1:1: rule T: regular expression 'a(' is invalid: missing ): a("
    ]


def test_windash() -> None:
    """A dash before a word stands for a slash and the longer dashes too; one within a word does not."""
    text = asking("CommandLine|windash|contains: ' -in-file'")
    for dash in "-/–—―":  # noqa: RUF001  # these dashes are meant
        assert holds(text, CommandLine=f"x {dash}in-file")
    assert not holds(text, CommandLine="x -in/file")
    both = asking("CommandLine|windash|contains|all: [' -a', ' -b']")
    assert holds(both, CommandLine="x /a -b")
    assert not holds(both, CommandLine="x /a /a")


@pytest.mark.parametrize(
    ("modifiers", "encoding", "before"),
    [
        ("base64|contains", "utf-8", b""),
        ("wide|base64|contains", "utf-16-le", b""),
        ("utf16le|base64|contains", "utf-16-le", b""),
        ("utf16be|base64|contains", "utf-16-be", b""),
        ("utf16|base64|contains", "utf-16-le", b"\xff\xfe"),
    ],
)
def test_encodings(modifiers: str, encoding: str, before: bytes) -> None:
    """What is encoded stands in the command line as a program would print it."""
    encoded = base64.b64encode(before + "/bin/sh".encode(encoding)).decode()
    text = asking(f"CommandLine|{modifiers}: /bin/sh")
    assert holds(text, CommandLine=f"echo {encoded} | base64 -d")
    assert not holds(text, CommandLine="echo /bin/sh")


@pytest.mark.parametrize("offset", range(3))
@pytest.mark.parametrize(("modifier", "encoding"), [("", "utf-8"), ("wide|", "utf-16-le")])
def test_offsets_of_encodings(offset: int, modifier: str, encoding: str) -> None:
    """Wherever in the encoded bytes a text begins, it is found."""
    encoded = base64.b64encode(b"x" * offset + "/bin/bash -i".encode(encoding) + b"yz").decode()
    text = asking(f"CommandLine|{modifier}base64offset|contains: /bin/bash -i")
    assert holds(text, CommandLine=f"echo {encoded}")
    assert not holds(text, CommandLine="echo " + base64.b64encode(b"/bin/dash -i").decode())


@pytest.mark.parametrize(
    ("check", "missing", "empty", "known"),
    [
        ("ParentImage: null", True, False, False),
        ("ParentImage:", True, False, False),
        ("ParentImage: []", True, False, False),
        ("ParentImage: ''", False, True, False),
        ("ParentImage|exists: true", False, True, True),
        ("ParentImage|exists: false", True, False, False),
        ("ParentImage|exists: 'yes'", False, True, True),
        ("ParentImage: [null, /x]", True, False, True),
        ("ParentImage|neq: /y", True, True, True),
        ("ParentImage: '*'", False, True, True),
    ],
)
def test_missing(check: str, missing: bool, empty: bool, known: bool) -> None:
    """A missing value, an empty one and any other are told apart."""
    text = asking(check)
    assert (
        holds(text, Image="/a"),
        holds(text, ParentImage=""),
        holds(text, ParentImage="/x"),
    ) == (missing, empty, known)


@pytest.mark.parametrize(
    ("check", "yes", "no"),
    [
        ("ProcessId: 80", [80], [8, 800]),
        ("ProcessId: '80'", [80], [8]),
        ("ProcessId: [80, '81']", [80, 81], [82]),
        ("ProcessId: '8*'", [8, 80, 899], [18]),
        ("ProcessId|endswith: 80", [80, 180], [800]),
        ("ProcessId|re: '^8+$'", [8, 88], [80]),
        ("ProcessId|lt: 80", [79], [80, 81]),
        ("ProcessId|lte: 80", [80], [81]),
        ("ProcessId|gt: '80'", [81], [80]),
        ("ProcessId|gte: 80", [80], [79]),
        ("ProcessId|gt: 80.5", [81], [80]),
        ("ProcessId|gte: 80.5", [81], [80]),
        ("ProcessId|lt: 80.5", [80], [81]),
        ("ProcessId: 80.5", [], [80, 81]),
        ("ProcessId|gt: [100, 50]", [60], [50]),
        ("ProcessId: 0x50", [80], [50]),
        ("ProcessId: abc", [], [80]),
    ],
)
def test_numbers(check: str, yes: list[int], no: list[int]) -> None:
    """Numbers are compared as numbers, and with texts as they are printed."""
    assert [value for value in yes if not holds(asking(check), ProcessId=value)] == []
    assert [value for value in no if holds(asking(check), ProcessId=value)] == []
    assert not holds(asking(check), Image="/x")


@pytest.mark.parametrize(
    ("check", "known"),
    [
        ("DestinationPort|lt: 70000", True),
        ("DestinationPort|gt: 70000", False),
        ("DestinationPort: 70000", False),
        ("DestinationPort|gt: -1", True),
        ("DestinationPort|lte: -1", False),
    ],
)
def test_numbers_that_there_are_not(check: str, known: bool) -> None:
    """A port is compared with numbers that no port has."""
    assert holds(asking(check, NETWORK), DestinationPort=443) is known
    assert not holds(asking(check, NETWORK), Image="/x")


@pytest.mark.parametrize(
    ("check", "yes", "no"),
    [
        ("DestinationIp: 10.0.0.1", ["10.0.0.1"], ["10.0.0.11"]),
        ("DestinationIp: 'FE80::0001'", ["fe80::1"], ["fe80::2"]),
        ("DestinationIp|cidr: 10.0.0.0/8", ["10.255.0.1"], ["11.0.0.1", "::1"]),
        ("DestinationIp|cidr: ['fe80::/10', 192.168.0.0/16]", ["fe80::1", "192.168.1.1"], ["192.169.0.1"]),
        ("DestinationIp|startswith: '10.'", ["10.1.1.1"], ["110.1.1.1"]),
        ("DestinationIp: '10.*.1'", ["10.2.3.1"], ["10.2.3.4"]),
        ("DestinationIp|re: '^10[.]'", ["10.1.1.1"], ["1.10.1.1"]),
    ],
)
def test_addresses(check: str, yes: list[str], no: list[str]) -> None:
    """Addresses are compared as addresses, with networks, and with texts as they are printed."""
    text = asking(check, NETWORK)
    assert [value for value in yes if not holds(text, DestinationIp=value)] == []
    assert [value for value in no if holds(text, DestinationIp=value)] == []
    assert not holds(text, Image="/x")


@pytest.mark.parametrize("written", ["true", "'true'", "'True'", "yes"])
def test_truths(written: str) -> None:
    """A truth may be written in quotes, as rules have it, or without."""
    text = asking(f"Initiated: {written}", NETWORK)
    assert holds(text, Initiated=True)
    assert holds(text, Initiated="true")
    assert not holds(text, Initiated="false")
    assert holds(asking("Initiated: 'false'", NETWORK), Initiated=False)


@pytest.mark.parametrize(
    ("check", "yes", "no"),
    [
        ("ParentImage|fieldref: Image", ("/x", "/X"), ("/x", "/y")),
        ("ParentImage|fieldref|startswith: Image", ("/x", "/Xy"), ("/x", "y/x")),
        ("ParentImage|fieldref|endswith: Image", ("/x", "y/X"), ("/x", "/xy")),
        ("ParentImage|fieldref|contains: Image", ("/x", "a/Xb"), ("/x", "/")),
    ],
)
def test_references(check: str, yes: tuple[str, str], no: tuple[str, str]) -> None:
    """A field is compared with another one of the same event; a missing one equals nothing."""
    text = asking(check)
    assert holds(text, Image=yes[0], ParentImage=yes[1])
    assert not holds(text, Image=no[0], ParentImage=no[1])
    assert not holds(text, Image="/x")
    assert not holds(text, ParentImage="/x")


def test_references_between_numbers() -> None:
    """Numbers are compared as numbers, and a number with a text as it is printed."""
    text = asking("ProcessId|fieldref: ParentProcessId")
    assert holds(text, ProcessId=7, ParentProcessId=7)
    assert not holds(text, ProcessId=7, ParentProcessId=8)
    assert holds(asking("ProcessId|fieldref: CommandLine"), ProcessId=7, CommandLine="7")


@pytest.mark.parametrize(
    ("check", "source", "reason"),
    [
        ("Image|expand: '%shells%'", PROCESS, "nothing says what the placeholder %shells% stands for"),
        ("Image|re|expand: 'a%b%'", PROCESS, "nothing says what the placeholder %b% stands for"),
        ("Image|hour: 5", PROCESS, "times are not compared with by rules here"),
        ("Image|gt: 5", PROCESS, "it is a text, and a comparison by size is for other fields"),
        ("Image|cidr: 10.0.0.0/8", PROCESS, "it is a text, and '10.0.0.0/8' is for other fields"),
        ("Initiated: maybe", NETWORK, "it is true or false, and cannot be compared with 'maybe'"),
    ],
)
def test_refused(check: str, source: str, reason: str) -> None:
    """What a field cannot be asked is refused, with the field, the modifiers and the reason."""
    assert reasons(asking(check, source)) == [f"{check.partition(':')[0]}: {reason}"]


@pytest.mark.parametrize(
    ("check", "error"),
    [
        ("Image|contain: x", "unknown modifier 'contain'"),
        ("Image|contains:", "the modifier 'contains' needs a value"),
        ("Image|re: [a, ~]", "the modifier 're' needs a value"),
        ("Image|contains|re: x", "regular expression modifier only applicable to unmodified values"),
        ("DestinationIp|cidr: 10.0.0.1/8", "invalid CIDR expression: 10.0.0.1/8 has host bits set"),
        ("ProcessId|gt: x", "modifier SigmaGreaterThanModifier incompatible to value type of 'x'"),
        ("CommandLine|base64: a*b", "base64 encoding of strings with wildcards is not allowed"),
    ],
)
def test_errors(check: str, error: str) -> None:
    """What has no meaning in Sigma is an error with file and title."""
    (found,) = errors(asking(check))
    assert found.startswith("1.yml:")
    assert found.endswith(f"rule T: {error}")
