"""The community's rules for Linux: what of them runs here, and why the others do not."""

from functools import cache
from pathlib import Path

import pytest

import rules
from rules.load import Loaded, compiled, read
from tests.rules.files import corpus

# How many there are, and how many of them are refused.
FOLDERS = {
    "process_creation": (122, 0),
    "file_event": (8, 0),
    "network_connection": (5, 0),
    "auditd": (53, 9),
    "builtin": (22, 22),
}


def folder(name: str) -> Path:
    """A folder of rules for Sigma; skips the test where there is none."""
    found = corpus() / "sigma-linux" / name
    if not found.is_dir():
        pytest.skip("no corpus: set TRACETIDE_CORPUS to a folder that holds sigma-linux/")
    return found


@cache
def loaded(path: Path) -> Loaded:
    """All rules of a folder."""
    return read([path], library=False)


@pytest.mark.parametrize(("name", "expected"), FOLDERS.items())
def test_counts(name: str, expected: tuple[int, int]) -> None:
    """Nothing is wrong with any of them, and what is refused has reasons."""
    found = loaded(folder(name))
    refused = expected[1]
    if name == "auditd":  # a new kind of event lets more of them in
        assert 0 < len(found.refused) <= refused
        refused = len(found.refused)
    assert found.errors == ()
    assert (len(found.rules) + len(found.refused), len(found.refused)) == (expected[0], refused)
    assert all(each.reasons and each.name and each.line for each in found.refused)
    assert len({rule.name for rule in found.rules}) == len(found.rules)


def test_every_rule_is_asked_of_events() -> None:
    """Each rule that loads is part of a function, unless it needs what is not collected yet."""
    found = loaded(folder(""))
    ruleset = compiled(found)
    asked = {rule.name for event_type in ruleset.each for rule, _ in ruleset.each[event_type]}
    missing = [rule for rule in ruleset.rules if rule.name not in asked]
    assert all("fd.sip.name" in rule.fields for rule in missing)
    assert len(missing) <= 3


def test_every_rule_has_what_a_reader_needs() -> None:
    """Title, description and id come along, and techniques of rules that name one."""
    for rule in loaded(folder("")).rules:
        assert rule.info.id
        assert rule.info.description
        assert rule.output.startswith(rule.name)
        tagged = any(tag.startswith("attack.t") and tag[8:9].isdigit() for tag in rule.tags)
        assert bool(rule.info.techniques) == tagged


@pytest.mark.parametrize(
    ("name", "fields", "expected"),
    [
        ("Copy Passwd Or Shadow From TMP Path",
         {"Image": "/bin/cp", "CommandLine": "cp /tmp/passwd /x"}, True),
        ("Copy Passwd Or Shadow From TMP Path",
         {"Image": "/bin/cp", "CommandLine": "cp /x/passwd /y"}, False),
        ("Suspicious Commands Linux", {"type": "EXECVE", "a0": "chmod", "a1": "777"}, True),
        ("Suspicious Commands Linux", {"type": "EXECVE", "a0": "chmod", "a1": "644"}, False),
        ("Linux Doas Conf File Creation", {"TargetFilename": "/etc/doas.conf"}, True),
        ("Linux Reverse Shell Indicator", {"Image": "/bin/bash", "DestinationIp": "1.2.3.4"}, True),
        ("Linux Reverse Shell Indicator", {"Image": "/bin/bash", "DestinationIp": "127.0.0.1"}, False),
        ("Webshell Remote Command Execution", {"SYSCALL": "execve", "euid": 33}, True),
        ("Webshell Remote Command Execution", {"SYSCALL": "execve", "euid": 0}, False),
        ("Potentially Suspicious Malware Callback Communication - Linux",
         {"Initiated": "true", "DestinationPort": 4444, "DestinationIp": "8.8.8.8"}, True),
        ("Potentially Suspicious Malware Callback Communication - Linux",
         {"Initiated": "true", "DestinationPort": 4444, "DestinationIp": "fd00::1"}, False),
    ],
)  # fmt: skip
def test_some(name: str, fields: dict[str, object], expected: bool) -> None:
    """Well-known rules find what they are about."""
    (rule,) = [rule for rule in loaded(folder("")).rules if rule.name == name]
    assert rules.evaluate_rule(rule, fields) is expected
