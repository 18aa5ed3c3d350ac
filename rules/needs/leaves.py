"""What one check lets through, told by the facts that a collector has; what is not clear is anything."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace

from rules.catalogue.event_types import KINDS
from rules.catalogue.flags import OPEN_ACCESS, OPEN_FLAGS
from rules.compiler.binding import OfStream
from rules.compiler.comparison import Call, Comparison, FieldValue
from rules.compiler.logic import Is
from rules.compiler.matching import literals
from rules.needs.algebra import ANYTHING, NOTHING, Alternatives, any_of, any_path
from rules.written import network
from wire.needs import ANY, Limits, Paths, Range

Constants = tuple[Any, ...]

# What an operator and its constants, of which any may match, let through.
Read = Callable[[str, Constants], Alternatives]


def of_leaf(leaf: Is[Comparison], event_type: str) -> Alternatives:
    """What a check lets through of an event type."""
    constants = leaf.leaf.right
    if leaf.negated or not isinstance(constants, tuple):
        return ANYTHING
    left, operator = leaf.leaf.left, leaf.leaf.operator
    if isinstance(left, Call):
        return _of_call(left, operator, constants, event_type)
    if not isinstance(left, FieldValue):
        return ANYTHING
    code = OfStream(event_type)(left)
    if code is None or (code.ends and operator == "!="):
        return ANYTHING
    return any_of(_of_source(text, operator, constants, event_type) for text in code.ends or (code.text,))


def _of_source(text: str, operator: str, constants: Constants, event_type: str) -> Alternatives:
    if text == "p.exepath" and KINDS[event_type] != "exec":
        return ANYTHING  # only an exec says itself which program it is about
    read = SOURCES.get(text)
    return ANYTHING if read is None else read(operator, constants)


def _of_call(call: Call, operator: str, constants: Constants, event_type: str) -> Alternatives:
    """``basename`` of a path; other transformers are not understood."""
    argument = call.arguments[0]
    if call.transformer != "basename" or not isinstance(argument, FieldValue):
        return ANYTHING
    code = OfStream(event_type)(argument)
    if operator == "startswith" and KINDS[event_type] != "open":
        return ANYTHING  # neither a program in memory nor an abstract socket need have a slash in its path
    if code is not None and code.text == "e.path":
        return _filename(operator, constants)
    if code is not None and code.text == "p.exepath" and KINDS[event_type] == "exec":
        return tuple(Limits(exe=each.path) for each in _filename(operator, constants))
    return ANYTHING


def _paths(operator: str, constants: Constants) -> Paths | None:
    found = Paths()
    if operator == "=":
        found = Paths(exact=constants)
    elif operator == "startswith":
        found = Paths(prefixes=constants)
    elif operator == "endswith":
        found = Paths(suffixes=constants)
    elif operator == "contains":
        found = Paths(parts=constants)
    elif operator == "pmatch":
        found = _below(constants)
    elif operator == "glob":
        found = any_path(map(_glob, constants))
    vague = "" in (*found.prefixes, *found.suffixes, *found.parts) or found == Paths()
    return None if vague else found


def _below(prefixes: Constants) -> Paths:
    """At or below paths; of one with a pattern in it, what comes before the pattern."""
    exact, below = [], []
    for prefix in prefixes:
        names = [name for name in prefix.split("/") if name]
        plain = next((at for at, name in enumerate(names) if set(name) & set("?*[")), len(names))
        path = "".join(f"/{name}" for name in names[:plain])
        below.append(f"{path}/" if path else "")
        exact += [path] if plain == len(names) else []
    return Paths(exact=tuple(exact), prefixes=tuple(below))


def _glob(pattern: str) -> Paths:
    """What is fixed of a pattern: all of it, its beginning, its end, or else the longest part between."""
    fixed = literals(pattern)
    if len(fixed) == 1:
        return Paths(exact=tuple(fixed))
    if fixed[0] or fixed[-1]:
        return Paths(prefixes=(fixed[0],)) if fixed[0] else Paths(suffixes=(fixed[-1],))
    return Paths(parts=(max(fixed, key=len),))


def _path(operator: str, constants: Constants) -> Alternatives:
    found = _paths(operator, constants)
    return ANYTHING if found is None else (Limits(path=found),)


def _exe(operator: str, constants: Constants) -> Alternatives:
    found = _paths(operator, constants)
    return ANYTHING if found is None else (Limits(exe=found),)


def _directory(operator: str, constants: Constants) -> Alternatives:
    """What is in a directory begins with its path; only the root's ends with a slash."""
    if operator == "=":
        return _path("startswith", tuple(f"{each.rstrip('/')}/" for each in constants))
    if operator == "endswith" and not any(each.endswith("/") for each in constants):
        return _path("contains", tuple(each and f"{each}/" for each in constants))
    return _path(operator, constants) if operator in ("startswith", "pmatch", "contains") else ANYTHING


def _filename(operator: str, constants: Constants) -> Alternatives:
    """What is behind the last slash, and nothing else; only of the root it is a slash itself."""
    if any("/" in each for each in constants):
        return ANYTHING
    if operator == "startswith":
        return _path("contains", tuple(each and f"/{each}" for each in constants))
    if operator == "=":
        return (Limits(path=Paths(names=constants)),)
    return _path(operator, constants) if operator in ("endswith", "contains") else ANYTHING


def _socket_name(operator: str, constants: Constants) -> Alternatives:
    """Only a unix socket's name begins with a slash, or with the sign of an abstract one."""
    if operator not in ("=", "startswith") or not all(each[:1] in ("/", "@") for each in constants):
        return ANYTHING
    return tuple(Limits(families=("unix",), path=each.path) for each in _path(operator, constants))


def _numbers(operator: str, constants: Constants) -> Alternatives:
    """What a system call returned, as far as it failed or did not."""
    good = {"=": lambda c: c >= 0, "<": lambda c: c > 0, "<=": lambda c: c >= 0}.get(operator, _always)
    bad = {"=": lambda c: c < 0, ">": lambda c: c < -1, ">=": lambda c: c < 0}.get(operator, _always)
    return _outcome(success=any(map(good, constants)), failure=any(map(bad, constants)))


def _always(_constant: object) -> bool:
    return True


def _errors(operator: str, constants: Constants) -> Alternatives:
    """``SUCCESS``, or names that all begin with E, or numbers below 0."""
    if operator == "=":
        return _outcome(success="SUCCESS" in constants, failure=set(constants) != {"SUCCESS"})
    if operator == "!=":
        return _outcome(success=set(constants) != {"SUCCESS"}, failure=True)
    if operator == "startswith":
        good = any("SUCCESS".startswith(each) for each in constants)
        return _outcome(success=good, failure=any(each[:1] in ("", "E", "-") for each in constants))
    return ANYTHING


def _outcome(*, success: bool, failure: bool) -> Alternatives:
    if success and failure:
        return ANYTHING
    if not success and not failure:
        return NOTHING
    return (Limits(result="success" if success else "failure"),)


def _truths(operator: str, constants: Constants) -> set[bool]:
    """The values of a flag that a check is true of."""
    if operator not in ("=", "!="):
        return {True, False}
    return set(constants) if operator == "=" else {not each for each in constants}


def _flag(when_true: Limits, when_false: Limits) -> Read:
    def read(operator: str, constants: Constants) -> Alternatives:
        truths = _truths(operator, constants)
        return any_of((when_true if truth else when_false,) for truth in truths)

    return read


def _flags(operator: str, constants: Constants) -> Alternatives:
    """An open with a flag of that name."""
    access = {name: number for number, name in OPEN_ACCESS.items()}
    bits = {name: bit for bit, name in OPEN_FLAGS.items()}
    found: list[Limits] = []
    for each in constants:
        alike = [name for name in bits if each in name]
        if operator != "contains" or (each not in access and alike != [each]):
            return ANYTHING
        found.append(Limits(access=(access[each],)) if each in access else Limits(flags=bits[each]))
    return any_of([tuple(found)])


def _limit(name: str, values: tuple[Any, ...]) -> Limits:
    return replace(ANY, **{name: values})


def _ports(name: str) -> Read:
    def read(operator: str, constants: Constants) -> Alternatives:
        ranges = tuple(each for port in constants for each in _range(operator, port))
        return ANYTHING if (0, 65535) in ranges else (_limit(name, ranges),) if ranges else NOTHING

    return read


def _range(operator: str, port: int) -> list[Range]:
    whole = (0, 65535)
    low, high = {
        "=": (port, port),
        "<": (0, port - 1),
        "<=": (0, port),
        ">": (port + 1, 65535),
        ">=": (port, 65535),
    }.get(operator, whole)
    return [(low, high)] if low <= high else []


def _nets(name: str) -> Read:
    def read(operator: str, constants: Constants) -> Alternatives:
        if operator != "=":
            return ANYTHING
        return (_limit(name, tuple(map(_net, constants))),)

    return read


def _net(constant: Any) -> str:  # noqa: ANN401  # an address, or a network as the compiler keeps it
    if isinstance(constant, tuple):
        return network(constant)
    return f"{constant}/{128 if ':' in constant else 32}"


def _values(name: str, meaning: Mapping[str, tuple[str, ...]] | None = None) -> Read:
    def read(operator: str, constants: Constants) -> Alternatives:
        if operator != "=":
            return ANYTHING
        values = [value for each in constants for value in (meaning.get(each, ()) if meaning else (each,))]
        return (_limit(name, tuple(values)),) if values else NOTHING

    return read


def _container(operator: str, constants: Constants) -> Alternatives:
    """``host`` or the id of a container."""
    if operator == "!=":
        return (Limits(scope="container"),) if constants == ("host",) else ANYTHING
    if operator != "=" or len({each == "host" for each in constants}) > 1:
        return ANYTHING
    return (Limits(scope="host" if constants[0] == "host" else "container"),)


def _within_container(_operator: str, _constants: Constants) -> Alternatives:
    """What only a container has."""
    return (Limits(scope="container"),)


_LETTERS = {"4": ("ipv4",), "6": ("ipv6",), "u": ("unix",)}
_KINDS_OF_SOCKETS = {"ip": ("ipv4", "ipv6"), "unix": ("unix",)}

# By the source that the catalogue has for a field's value.
SOURCES: Mapping[str, Read] = {
    "e.path": _path,
    "(e.path[: e.path.rfind('/')] or '/')": _directory,
    "((e.path[e.path.rfind('/') + 1 :] or '/') if e.result >= 0 else None)": _filename,
    "p.exepath": _exe,
    "socket_name(e)": _socket_name,
    "e.result": _numbers,
    "(e.result if e.result >= 0 else -1)": _numbers,
    "outcome(e.result)": _errors,
    "(e.result < 0)": _flag(Limits(result="failure"), Limits(result="success")),
    "(e.result >= 0)": _flag(Limits(result="success"), Limits(result="failure")),
    "('file' if e.result >= 0 else None)": _flag(Limits(result="success"), ANY),
    "(e.flags & 1 == 0)": _flag(Limits(access=(0, 2)), Limits(access=(1, 3))),
    "(e.flags & 3 in (1, 2))": _flag(Limits(access=(1, 2)), Limits(access=(0, 3))),
    "open_flags(e.flags)": _flags,
    "e.local_port": _ports("local_ports"),
    "e.remote_port": _ports("remote_ports"),
    "e.local_ip": _nets("local_nets"),
    "e.remote_ip": _nets("remote_nets"),
    "e.family": _values("families"),
    "typechar(e.family)": _values("families", _LETTERS),
    "('unix' if e.family == 'unix' else 'ip')": _values("families", _KINDS_OF_SOCKETS),
    "e.proto": _values("protocols"),
    "p.container.id": _container,
    "('host' if p.container.id == 'host' else p.container.runtime)": _container,
    "p.container.full_id": _within_container,
}
