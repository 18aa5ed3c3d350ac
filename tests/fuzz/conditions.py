"""Texts as conditions: each is refused or understood, and what is compiled means what the reference says."""

import sys
from typing import Any

import atheris

with atheris.instrument_imports(include=["rules"]):
    import rules
    from rules import GivenError, RuleErrors
    from rules.language.parser import parse
from tests.rules import reference

# Each field has a value in one of these, and is missing in the other.
FIELDS: tuple[dict[str, Any], ...] = (
    {
        "proc.name": "sh",
        "proc.aname": ["bash", "sshd"],
        "fd.name": "/etc/passwd",
        "evt.rawres": -2,
        "fd.sport": 22,
        "fd.net": ["10.0.0.1", "::1"],
        "evt.is_open_write": True,
    },
    {
        "proc.pname": "nginx",
        "proc.cmdline": "sh -c id",
        "fd.ip": ["10.0.0.1", "127.0.0.1"],
        "user.uid": 0,
        "proc.aname[2]": "sh",
        "fd.types": ["file", "ipv4"],
    },
)

# The reference knows these from Python's library, which has other rules for unusual patterns.
_PATTERNS = ("glob", "regex", "pmatch")


def judge(data: bytes) -> None:
    """Raises whatever must not happen."""
    text = data.decode("utf-8", "replace")
    for fields in FIELDS:
        try:
            found = rules.evaluate(text, fields)
        except (RuleErrors, GivenError):
            return
        if any(word in text for word in _PATTERNS):
            continue
        expected = reference.holds(parse(text), fields)
        if found is not expected:
            raise AssertionError(f"{text!r} gives {found} for {fields}")


if __name__ == "__main__":
    atheris.Setup(sys.argv, judge)
    atheris.Fuzz()
