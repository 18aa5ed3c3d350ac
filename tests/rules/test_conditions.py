"""What conditions mean, one finer point of the language after the other."""

from typing import Any

import pytest

import rules

SEEN: dict[str, Any] = {
    "evt.type": "openat",
    "proc.name": "cat",
    "proc.pname": "Bash",
    "proc.cmdline": "cat /etc/shadow é",
    "proc.aname": ["Bash", "sshd", "systemd"],
    "proc.aname[2]": "sshd",
    "proc.pid": 12,
    "user.uid": 0,
    "user.loginuid": -1,
    "fd.name": "/etc/pam.d/sshd",
    "fd.num": 3,
    "fd.sport": 443,
    "fd.port": [40000, 443],
    "fd.ip": ["10.1.2.3", "93.184.216.34"],
    "fd.net": ["10.1.2.3", "93.184.216.34"],
    "fd.snet": "93.184.216.34",
    "fd.sip": "2001:db8::1",
    "evt.is_open_read": True,
    "evt.buffer": "GET / HTTP",
    "fd.types": ["file", "ipv4"],
    "proc.env[PATH]": "/bin",
    "container.mount.dest[/proc*]": "/host/proc",
}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        # a missing value makes every check false
        ("proc.exe = x", False),
        ("proc.exe != x", False),
        ("not proc.exe = x", True),
        ("not proc.exe != x", True),
        ("proc.exe exists", False),
        ("not proc.exe exists", True),
        ("proc.ppid >= 0", False),
        ("fd.cip != 1.2.3.4", False),
        ("proc.exe startswith ''", False),
        ("proc.name startswith ''", True),
        ("proc.exe = val(proc.name)", False),
        ("proc.name != val(proc.exe)", False),
        ("tolower(proc.exe) = x", False),
        ("proc.is_exe_upper_layer = false", False),
        # text
        ("proc.name = cat and proc.name == cat", True),
        ("proc.pname = bash", False),
        ("proc.name in (a, cat)", True),
        ("proc.name in ()", False),
        ("proc.name intersects (cat)", True),
        ("proc.name in cat", True),
        ("proc.cmdline contains shadow", True),
        ("proc.pname icontains BASH", True),
        ("proc.cmdline icontains É", False),
        ("proc.pname contains bash", False),
        ("fd.name endswith sshd", True),
        ("fd.name glob /etc/*", True),
        ("fd.name glob '/etc/???.d/s*'", True),
        ("fd.name glob /ETC/*", False),
        ("fd.name iglob /ETC/*", True),
        ("fd.name glob '/etc/[!q]am.d/ss[a-h]d'", True),
        ("fd.name regex '/etc/[a-z.]+/ssh'", False),
        ("fd.name regex '/etc/[a-z.]+/ssh.'", True),
        ("fd.name pmatch (/var, /etc)", True),
        ("fd.name pmatch (/et)", False),
        ("fd.name pmatch (/etc/p*)", True),
        ("fd.name pmatch (/etc/pam.d/sshd/x)", False),
        ("proc.name < 5", False),
        ("proc.name > 5", True),
        ("proc.name > 0x10", True),
        # numbers
        ("proc.pid > 11 and proc.pid < 13 and proc.pid >= 12 and proc.pid <= 12", True),
        ("proc.pid in (1, 12)", True),
        ("proc.pid = +12", True),
        ("user.loginuid = -1", True),
        ("user.uid != 4294967295", True),
        ("fd.sport = https", True),
        ("len(proc.name) = 3", True),
        ("len(proc.cmdline) = 18", True),
        ("len(fd.types) = 2", True),
        # both ends of a connection
        ("fd.ip = 10.1.2.3", True),
        ("fd.ip = 93.184.216.34", True),
        ("fd.ip != 10.1.2.3", False),
        ("fd.ip != 10.1.2.4", True),
        ("fd.ip in (1.1.1.1, 93.184.216.34)", True),
        ("fd.net = 10.0.0.0/8", True),
        ("fd.net != 10.0.0.0/8", False),
        ("fd.net != 127.0.0.0/8", True),
        ("fd.net in (127.0.0.0/8, 93.0.0.0/8)", True),
        ("fd.snet in (10.0.0.0/8, 93.184.0.0/16)", True),
        ("fd.net = ::/0", False),
        ("fd.net != ::/0", True),
        ("fd.sip = 2001:DB8:0::1", True),
        ("fd.sip = 1.2.3.4", False),
        ("fd.sip != 1.2.3.4", True),
        ("fd.port = 443 and fd.port = 40000", True),
        ("fd.port > 50000", False),
        ("fd.port in (1, 443)", True),
        # ancestors
        ("proc.aname = sshd", True),
        ("proc.aname = cat", False),
        ("proc.aname in (a, systemd)", True),
        ("proc.aname != sshd", True),
        ("proc.aname startswith sys", True),
        ("proc.aname exists", True),
        ("proc.aname[2] = sshd", True),
        ("proc.aname[3] = systemd", False),
        # booleans, data, lists
        ("evt.is_open_read = true", True),
        ("evt.is_open_read != false", True),
        ("evt.is_open_read in (true, false)", True),
        ("evt.buffer contains HTTP", True),
        ("evt.buffer bcontains 48545450", True),
        ("evt.buffer bstartswith 4745", True),
        ("evt.buffer bstartswith 48", False),
        ("fd.types in (file, ipv4, pipe)", True),
        ("fd.types in (file)", False),
        ("fd.types intersects (file, pipe)", True),
        ("fd.types intersects (pipe)", False),
        ("fd.types exists", True),
        # arguments of fields
        ("proc.env[PATH] = /bin", True),
        ("container.mount.dest[/proc*] exists", True),
        ("container.mount.dest[/sys] exists", False),
        # modifiers
        ("proc.name = oneof (cat, dog)", True),
        ("proc.name = oneof (cat, cat)", False),
        ("proc.name = anyof (cat, cat)", True),
        ("proc.name = allof (cat, cat)", True),
        ("proc.name != anyof (cat, dog)", True),
        ("proc.name != oneof (cat, cat, dog)", True),
        ("proc.name != allof (cat, dog)", False),
        ("proc.name != allof (dog, cow)", True),
        ("proc.name startswith oneof (c, ca)", False),
        ("proc.name startswith anyof (x, ca)", True),
        ("proc.name contains allof (a, t)", True),
        ("proc.name regex allof (c.*, .*t)", True),
        ("proc.name glob oneof (c*, *t)", False),
        ("proc.name = anyof ()", False),
        ("proc.name != allof ()", False),
        ("not proc.name != allof ()", True),
        ("fd.ip = anyof (1.1.1.1, 93.184.216.34)", True),
        ("fd.net = oneof (93.0.0.0/8, 127.0.0.0/8)", True),
        ("tolower(proc.pname) = oneof (bash, cat)", True),
        # transformers
        ("tolower(proc.pname) = bash", True),
        ("toupper(proc.name) in (CAT)", True),
        ("basename(fd.name) = sshd", True),
        ("b64(concat('YW', 'Jj')) = abc", True),
        ("b64(proc.cmdline) exists", False),
        ("b64(concat('YWI', '=')) = ab", True),
        ("concat(proc.name, '-', tolower(proc.pname)) = cat-bash", True),
        ("concat(proc.name, proc.exe) exists", False),
        ("join(',', (proc.name, proc.pid, evt.is_open_read)) = 'cat,12,true'", True),
        ("join(',', ()) = ''", True),
        ("join(',', fd.types) = 'file,ipv4'", True),
        ("join(proc.name, ('a', 'b')) = acatb", True),
        ("toupper(join('-', ('a', 'b'))) = A-B", True),
        ("proc.name = tolower(proc.name)", True),
        ("proc.name startswith val(proc.name)", True),
        ("proc.pid = val(proc.pid)", True),
        ("proc.name in val(proc.name)", True),
        # options of a command line
        ("getopt(('-n', '-t', 'x'), 'nt:') intersects (n)", True),
        ("getopt(('-nt', 'x'), 'nt:') intersects (x)", True),
        ("getopt(('-tx'), 't:') in (t, x)", True),
        ("getopt(('-n', '--', '-t'), 'nt') intersects (t)", False),
        ("getopt(('--next', '-n'), 'n') intersects (n)", True),
        ("getopt(('-z'), 'n') intersects ('?')", True),
        ("getopt(('file', '-n'), 'n') intersects (n)", False),
        ("getopt(('-t'), 't:') intersects ('')", True),
        ("getopt(('-t1', '-t', '2'), 't:')[t] = 2", True),
        ("getopt(('-n'), 'nt:')[n] = n", True),
        ("getopt(('-n'), 'nt:')[t] exists", False),
        ("len(getopt(('-abc'), 'abc')) = 3", True),
        # structure
        ("proc.name = x or proc.name = cat and proc.pid = 12", True),
        ("(proc.name = cat or proc.name = x) and proc.pid = 13", False),
        ("not (proc.name = x or proc.exe = y)", True),
        ("evt.type in (open, openat)", True),
        ("evt.num = 0", False),
    ],
)
def test_meaning(condition: str, holds: bool) -> None:
    """A condition holds for these values, or it does not."""
    assert rules.evaluate(condition, SEEN) is holds


@pytest.mark.parametrize(
    ("condition", "sentence", "column"),
    [
        ("proc.nam = x", "no field is named 'proc.nam'; did you mean proc.name?", 1),
        ("proc.name = x and spawned", "no macro is named 'spawned'", 19),
        ("evt.type = opn", "no event type is named 'opn'; did you mean open?", 12),
        ("proc.pid = 0x10", "whole number in decimal", 12),
        ("proc.pid = 1.5", "whole number in decimal", 12),
        ("user.uid = root", "whole number in decimal", 12),
        ("fd.sport = 70000", "expected a port number", 12),
        ("fd.sport = nosuch", "expected a port number", 12),
        ("evt.is_open_read = True", "expected true or false", 20),
        ("fd.sip = 1.2.3", "expected an IP address", 10),
        ("fd.net = 10.0.0.0", "expected an IP network", 10),
        ("fd.net = 10.0.0.0/33", "expected an IP network", 10),
        ("evt.buffer bcontains xy", "hexadecimal", 22),
        ("proc.pid contains 1", "of type int64 and has no operator 'contains'", 1),
        ("proc.name bcontains 41", "has no operator 'bcontains'", 1),
        ("evt.is_open_read > 1", "has no operator '>'", 1),
        ("fd.sip startswith x", "has no operator 'startswith'", 1),
        ("fd.types = file", "is a list of string and has no operator '='", 1),
        ("proc.name regex '('", "missing )", 17),
        (r"proc.name regex '\\d'", "invalid escape sequence", 17),
        ("proc.name regex '(?i)a'", "repetition operator", 17),
        ("proc.name regex val(proc.exe)", "takes constants only", 17),
        ("proc.name pmatch val(proc.exe)", "takes constants only", 18),
        ("proc.name = val(proc.pid)", "cannot be compared with a value that is of type int64", 13),
        ("proc.name = val(fd.types)", "a list of string", 13),
        ("fd.ip = val(fd.sip)", "fd.ip cannot be compared with another field", 1),
        ("fd.sip = val(fd.ip)", "fd.ip cannot be compared with another field", 10),
        ("proc.name = val(proc.aname[2])", "proc.aname[2] cannot be compared with another field", 13),
        ("tolower(proc.aname) = x", "proc.aname cannot be used in a transformer", 9),
        ("tolower(fd.snet) = x", "fd.snet cannot be used in a transformer", 9),
        ("tolower(proc.pid) = x", "takes a value of type string", 1),
        ("tolower(proc.name, proc.exe) = x", "takes one argument, not 2", 1),
        ("len(proc.pid) = 1", "takes a value of type string or bytes", 1),
        ("join('-', proc.name) = x", "takes a separator and a list", 1),
        ("join(fd.types, fd.types) = x", "takes a separator and a list", 1),
        ("concat(proc.name) = x", "takes at least two strings", 1),
        ("concat(proc.name, proc.pid) = x", "takes at least two strings", 1),
        ("getopt(proc.args, 'n') intersects (n)", "takes a list of arguments", 1),
        ("getopt(('a'), 'n')[nt] = n", "takes one letter", 1),
        ("join('-', ('a'))[x] = y", "takes no [x]", 1),
        ("container.mount.dest = x", "needs an argument", 1),
        ("proc.name[1] = x", "takes no argument", 1),
        ("proc.aname[x] = y", "takes a number", 1),
        ("proc.name = x\nand proc.exe > y", "expected a number", 16),
        ('proc.name = "a\\x00b"', "cannot hold a NUL", 13),
    ],
)
def test_errors(condition: str, sentence: str, column: int) -> None:
    """What has no meaning is refused with a sentence and its place."""
    with pytest.raises(rules.RuleErrors) as errors:
        rules.evaluate(condition, {})
    fault = errors.value.errors[0]
    assert sentence in fault.sentence
    assert (fault.place.line, fault.place.column) == (condition.count("\n") + 1, column)


def test_all_errors_at_once() -> None:
    """Every part of a condition that has no meaning is named."""
    with pytest.raises(rules.RuleErrors) as errors:
        rules.evaluate("proc.nam = x and (fd.sport = a or not proc.pid = b)", {})
    assert [fault.place.column for fault in errors.value.errors] == [1, 30, 50]


@pytest.mark.parametrize("depth", [101, 999, 1000, 100_000])
def test_nested_without_end(depth: int) -> None:
    """A condition that is nested too deeply gets an error, not an overflow of the stack."""
    condition = "".join(f"proc.name=a{level} {'or' if level % 2 else 'and'} not (" for level in range(depth))
    with pytest.raises(rules.RuleErrors, match="nested more than"):
        rules.evaluate(f"{condition}proc.name=x{')' * depth}", {})


def test_nested_a_hundred_deep() -> None:
    """Up to the limit nesting works."""
    condition = "".join(f"proc.name=a{level} {'or' if level % 2 else 'and'} (" for level in range(99))
    assert rules.evaluate(f"{condition}proc.pid=1{')' * 99}", {"proc.name": "a1", "proc.pid": 1}) is False
    assert rules.evaluate(f"{condition}proc.pid=1{')' * 99} or proc.pid=1", {"proc.pid": 1}) is True


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("proc.pid", "many"),
        ("proc.pid", 1.5),
        ("proc.pid", True),
        ("evt.is_open_read", "yes"),
        ("fd.sip", "localhost"),
        ("proc.name", ["a"]),
    ],
)
def test_values_that_do_not_fit(field: str, value: object) -> None:
    """A given value that the field cannot have is refused, and the field named."""
    with pytest.raises(rules.GivenError, match=field):
        rules.evaluate("proc.name = x", {field: value})


@pytest.mark.parametrize(
    ("condition", "given"),
    [
        ("proc.pid = 3", {"proc.pid": "3"}),
        ("proc.name = 3", {"proc.name": 3}),
        ("evt.is_open_read = true", {"evt.is_open_read": "true"}),
        ("fd.sip = 10.0.0.1", {"fd.sip": "::ffff:10.0.0.1"}),
        ("fd.ip = 10.0.0.1", {"fd.ip": "10.0.0.1"}),
        ("proc.aname = sh", {"proc.aname": "sh"}),
        ("not proc.name exists", {"proc.name": None, "no.field": 1}),
        ("evt.arg.fd = 3", {"evt.arg.fd": 3}),
    ],
)
def test_values_are_taken_as_meant(condition: str, given: dict[str, object]) -> None:
    """Numbers and texts are taken for each other, one value for a list; unknown names are passed over."""
    assert rules.evaluate(condition, given) is True
