"""Constants of the language by the type of what they are compared with, and the operators each type has."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any

from rules.catalogue.row import Type

_EQUALITY = frozenset(["=", "!=", "in", "intersects", "exists"])
_ORDER = _EQUALITY | {"<", "<=", ">", ">="}
_TEXT = _ORDER | {"contains", "icontains", "startswith", "endswith", "glob", "iglob", "regex", "pmatch"}
_DATA = _EQUALITY | {"contains", "startswith", "endswith", "bcontains", "bstartswith"}
OF_LISTS = frozenset(["in", "intersects", "exists"])

_BITS = {"int16": 16, "int32": 32, "int64": 64, "uint32": 32, "uint64": 64, "reltime": 64, "abstime": 64}
_INTEGER = re.compile(r"[+-]?[0-9]+")

# The names that fields with ports accept besides numbers: the well-known ones of services(5).
_PORTS = {
    "ftp": 21,
    "ssh": 22,
    "telnet": 23,
    "smtp": 25,
    "domain": 53,
    "http": 80,
    "pop3": 110,
    "ntp": 123,
    "imap2": 143,
    "snmp": 161,
    "ldap": 389,
    "https": 443,
    "submission": 587,
    "ldaps": 636,
    "imaps": 993,
    "pop3s": 995,
    "mysql": 3306,
    "postgresql": 5432,
    "http-alt": 8080,
}


def operators(kind: Type) -> frozenset[str]:
    """The operators that a single value of a type has."""
    return _OPERATORS[kind]


def constant(kind: Type, operator: str, text: str) -> Any:  # noqa: ANN401  # depends on the type
    """The value that ``text`` stands for.

    Raises:
        ValueError: it is none of that type; with a sentence.
    """
    if operator in ("bcontains", "bstartswith"):
        return _hex(text)
    return _PARSERS.get(kind, _integer(kind))(text)


def _integer(kind: Type) -> Callable[[str], int]:
    bits = _BITS.get(kind, 64)

    def parse(text: str) -> int:
        if not _INTEGER.fullmatch(text):
            raise ValueError(f"expected a whole number in decimal, not '{text}'")
        number = int(text)
        if kind.startswith("int"):
            if not -(1 << bits - 1) <= number < 1 << bits - 1:
                raise ValueError(f"{text} does not fit into {bits} bits")
            return number
        if abs(number) >= 1 << bits:
            raise ValueError(f"{text} does not fit into {bits} bits")
        return number % (1 << bits)  # as sscanf(3) reads a negative number where it expects none

    return parse


def _port(text: str) -> int:
    if text.isdecimal() and int(text) < 1 << 16:
        return int(text)
    if text not in _PORTS:
        raise ValueError(f"expected a port number, not '{text}'")
    return _PORTS[text]


def _boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError(f"expected true or false, not '{text}'")
    return text == "true"


def _string(text: str) -> str:
    if "\0" in text:
        raise ValueError("a string cannot hold a NUL")
    return text


def _address(text: str) -> str:
    try:
        return str(ipaddress.IPv4Address(text) if "." in text else ipaddress.IPv6Address(text))
    except ValueError:
        raise ValueError(f"expected an IP address, not '{text}'") from None


def _network(text: str) -> tuple[int, int, int]:
    address, slash, length = text.partition("/")
    try:
        parsed = ipaddress.IPv4Address(address) if "." in address else ipaddress.IPv6Address(address)
    except ValueError:
        raise ValueError(f"expected an IP network such as 10.0.0.0/8, not '{text}'") from None
    if not slash or not length.isdecimal() or int(length) > parsed.max_prefixlen:
        raise ValueError(f"expected an IP network such as 10.0.0.0/8, not '{text}'")
    mask = (1 << parsed.max_prefixlen) - (1 << parsed.max_prefixlen - int(length))
    return parsed.version, int(parsed) & mask, mask


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise ValueError(f"expected bytes in hexadecimal, not '{text}'") from None


def _double(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"expected a number, not '{text}'") from None


_PARSERS: Mapping[Type, Callable[[str], Any]] = {
    "string": _string,
    "bytes": str.encode,
    "bool": _boolean,
    "port": _port,
    "ip": _address,
    "net": _network,
    "double": _double,
}

_OPERATORS: Mapping[Type, frozenset[str]] = {
    "string": _TEXT,
    "bytes": _DATA,
    "bool": _EQUALITY,
    "ip": _EQUALITY,
    "net": _EQUALITY,
    "int16": _ORDER,
    "int32": _ORDER,
    "int64": _ORDER,
    "uint32": _ORDER,
    "uint64": _ORDER,
    "port": _ORDER,
    "reltime": _ORDER,
    "abstime": _ORDER,
    "double": _ORDER,
}
