"""``tracetide rules eval``: true or false for given values, one at a time or thousands."""

import json
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.tracetide.conftest import RULE, Call
from tracetide.commands.rules.eval import answers


def test_a_condition_can_be_tried(call: Call, rule_file: Path) -> None:
    """True or false for given values; a mistake is a sentence with its place."""
    fields = json.dumps({"evt.type": "openat", "fd.name": "/etc/shadow"})
    assert call("rules", "eval", "proc.name = sh", "--fields", '{"proc.name": "sh"}')[:2] == (0, "true\n")
    assert call("rules", "eval", "proc.name = sh", "--fields", "{}")[:2] == (0, "false\n")
    assert (
        call("rules", "eval", "--rules", rule_file, "--rule", "Hashes read", "--fields", fields)[1]
        == "true\n"
    )
    code, _, err = call("rules", "eval", "proc.nam = sh")
    assert code == 1
    assert "proc.name" in err


def test_many_conditions_can_be_tried_at_once(call: Call, tmp_path: Path) -> None:
    """One answer a line, also for those that make no sense."""
    cases = tmp_path / "cases"
    lines = [
        {"id": "a", "condition": "proc.name = sh", "fields": {"proc.name": "sh"}},
        {"id": "b", "rules": [RULE], "rule": "Hashes read", "fields": {"evt.type": "openat"}},
        {"id": "c", "condition": "proc.name ="},
        {"id": "d", "rules": [RULE], "rule": "Nonesuch", "fields": {}},
    ]
    cases.write_text("\n".join([*map(json.dumps, lines), "no json"]))
    code, out, _ = call("rules", "eval", "--cases", cases)
    answers = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert [(each["id"], each["result"]) for each in answers] == [
        ("a", True),
        ("b", False),
        ("c", "error"),
        ("d", "error"),
        (5, "error"),
    ]


def answer(line: bytes | dict[str, Any]) -> tuple[Any, Any, str]:
    """The one answer to a line: id, result and message."""
    (found,) = answers([line if isinstance(line, bytes) else json.dumps(line).encode()])
    json.dumps(found, allow_nan=False)
    return found["id"], found["result"], found["message"]


def test_fields_with_several_values() -> None:
    """A list gives both ends of a connection, or the ancestors; a single value is a list of one."""

    def result(condition: str, **fields: object) -> object:
        values = {name.replace("_", ".", 1): value for name, value in fields.items()}
        return answer({"condition": condition, "fields": values})[1]

    assert result("fd.ip = 10.0.0.2", fd_ip=["10.0.0.1", "10.0.0.2"]) is True
    assert result("fd.ip != 10.0.0.2", fd_ip=["10.0.0.1", "10.0.0.2"]) is False
    assert result("fd.net = 10.0.0.0/8", fd_net=["192.0.2.1", "10.1.1.1"]) is True
    assert result("fd.port in (53, 80)", fd_port=[40000, 53]) is True
    assert result("fd.port = 53", fd_port=53) is True
    assert result("proc.aname in (nginx)", proc_aname=["sh", "nginx"]) is True
    assert result("proc.aname = nginx", proc_aname=[]) is False


def test_each_name_stands_for_itself() -> None:
    """Who gives the ancestors says nothing of one with an index, and the reverse: it is missing."""
    ancestors = {"proc.aname": ["sh", "nginx"]}
    assert answer({"condition": "proc.aname[2] = nginx", "fields": ancestors})[1] is False
    assert answer({"condition": "proc.aname[2] exists", "fields": ancestors})[1] is False
    assert answer({"condition": "proc.aname = nginx", "fields": {"proc.aname[2]": "nginx"}})[1] is False
    assert answer({"condition": "proc.aname[2] = nginx", "fields": {"proc.aname[2]": "nginx"}})[1] is True


BAD = [
    b"\xff\xfe{}",
    b"null",
    b"[1]",
    b"{",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b'{"fields": NaN}',
    b'{"id": {"a": 1}}',
    b'{"id": 1e999, "condition": 1}',
    b'{"condition": 5}',
    b'{"condition": "proc.name = x", "rules": ["a"]}',
    b'{"condition": "proc.name = x", "fields": [1]}',
    b'{"condition": "proc.name glob \\"\\ud800*\\""}',
    b'{"condition": "proc.name = \\u0000"}',
    b'{"condition": "proc.name = x", "fields": {"proc.name": "\\ud800"}}',
    b'{"condition": "proc.name = x", "fields": {"proc.name": ["x"]}}',
    b'{"condition": "proc.name = x", "fields": {"proc.name": {"x": 1}}}',
    b'{"condition": "proc.pid = 1", "fields": {"proc.pid": 1e400}}',
    b'{"condition": "proc.pid = 1", "fields": {"proc.pid": "1_0"}}',
    b'{"condition": "proc.pid = 1", "fields": {"proc.pid": true}}',
    b'{"condition": "thread.cpu > 1", "fields": {"thread.cpu": 1' + b"0" * 400 + b"}}",
    b'{"condition": "fd.ip = 10.0.0.1", "fields": {"fd.ip": [["10.0.0.1"]]}}',
    b'{"condition": "' + b"(" * 5000 + b'"}',
    b'{"condition": "' + b"tolower(" * 5000 + b'"}',
    b'{"rules": "x", "rule": "y"}',
    b'{"rules": [1], "rule": "y"}',
    b'{"rules": [], "rule": [1]}',
    b'{"rules": ["- rule: \\ud800"], "rule": "y"}',
    b'{"rules": ["\\u0000"], "rule": "y"}',
    b'{"rules": ["' + b"[" * 5000 + b'"], "rule": "y"}',
]


def test_a_bad_line_does_not_keep_the_others_from_being_answered() -> None:
    """Whatever is in a line, it gets an answer with a sentence, and so does the good one behind it."""
    good = b'{"id": "good", "condition": "proc.name = x", "fields": {"proc.name": "x"}}'
    found = list(answers([line for bad in BAD for line in (bad, good)]))
    assert [each["result"] for each in found] == ["error", True] * len(BAD)
    assert all(each["message"] for each in found[::2])
    assert not [each["message"] for each in found if "cannot be judged" in each["message"]]
    assert [each["id"] for each in found[1::2]] == ["good"] * len(BAD)


_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
_rubbish = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)
_names = st.sampled_from(
    ["proc.name", "proc.pid", "fd.ip", "fd.port", "proc.aname", "evt.is_open_write", "fd.types"]
)
_keys = st.sampled_from(["id", "condition", "fields", "rules", "rule", "x"])
_conditions = st.sampled_from(
    ["proc.name = x", "fd.ip = 10.0.0.1", "proc.aname = x", "proc.pid > 1", "(", ""]
)


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(_keys, _rubbish | _conditions)
    | st.fixed_dictionaries({"condition": _conditions, "fields": st.dictionaries(_names, _rubbish)})
)
def test_any_json_gets_an_answer(case: dict[str, Any]) -> None:
    """True, false, or an error with a sentence of ours; never an exception."""
    _, result, message = answer(json.dumps(case).encode())
    assert result in (True, False, "error")
    assert bool(message) is (result == "error")
    assert "cannot be judged" not in message


def test_unknown_fields_are_told(call: Call) -> None:
    """A name that is no field does not matter to the condition, but a person is told."""
    code, out, err = call("rules", "eval", "proc.name = sh", "--fields", '{"proc.nam": "sh"}')
    assert (code, out) == (0, "false\n")
    assert "proc.nam" in err
