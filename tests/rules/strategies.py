"""Random conditions over fields of every type, and random values for these fields."""

from typing import Any

from hypothesis import strategies as st

# Few and alike, so that comparisons hold often enough to tell something.
WORDS = ("sh", "bash", "SH", "nginx", "/bin/sh", "/etc/passwd", "/etc", "a b", "é", "x", "/tmp/.x/y", "")
ADDRESSES = ("10.0.0.1", "10.1.2.3", "127.0.0.1", "::1", "fd00::5", "0.0.0.0")
NETWORKS = ("10.0.0.0/8", "10.0.0.1/32", "127.0.0.0/8", "fd00::/16", "::/0", "0.0.0.0/0")
NUMBERS = (-1, 0, 1, 2, 3, 80, 1000)
PATTERNS = ("*", "*sh", "/etc/*", "?h", "[a-c]*", "*/.x/*", "sh", "x[!y]", "*é*")
REGEXES = (".*", "sh|bash", "/etc/.*", "[a-z]+", "(a b)?", "é")

STRINGS = ("proc.name", "proc.pname", "proc.exe", "proc.cmdline", "fd.name", "proc.aname[2]", "user.name")
SIGNED = ("proc.pid", "proc.ppid", "fd.num", "evt.rawres", "user.loginuid")
UNSIGNED = ("user.uid", "proc.tty")
PORTS = ("fd.sport", "fd.lport")
BOOLEANS = ("evt.is_open_write", "proc.is_exe_upper_layer")
ALL_ANCESTORS = ("proc.aname", "proc.aexe")
LISTS = ("fd.types",)


def _quoted(text: str) -> str:
    return '"' + text + '"'


words = st.sampled_from(WORDS).map(_quoted)


def _values(items: st.SearchStrategy[str], least: int = 0) -> st.SearchStrategy[str]:
    return st.lists(items, min_size=least, max_size=4).map(lambda chosen: f"({', '.join(chosen)})")


_signs = st.sampled_from(("=", "==", "!="))
_order = st.sampled_from(("<", "<=", ">", ">="))
_lists = st.sampled_from(("in", "intersects"))
_words_operators = st.sampled_from(("contains", "icontains", "startswith", "endswith"))
_modifiers = st.sampled_from(("oneof", "anyof", "allof"))


def _check(*parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map(" ".join)


def _fixed(text: str) -> st.SearchStrategy[str]:
    return st.just(text)


def _of_text(left: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        _check(left, _signs | _words_operators, words),
        _check(left, _signs | _words_operators, _modifiers, _values(words)),
        _check(left, _lists, _values(words)),
        _check(left, st.sampled_from(("glob", "iglob")), st.sampled_from(PATTERNS).map(_quoted)),
        _check(left, _fixed("glob anyof"), _values(st.sampled_from(PATTERNS).map(_quoted))),
        _check(left, _fixed("regex"), st.sampled_from(REGEXES).map(_quoted)),
        _check(left, _fixed("pmatch"), _values(st.sampled_from(("/etc", "/", "/e*/passwd", "/tmp/.x")))),
        _check(left, _order, st.sampled_from(("0", "5"))),
        _check(left, _fixed("exists")),
    )


def _of_number(names: tuple[str, ...], numbers: tuple[int, ...]) -> st.SearchStrategy[str]:
    left = st.sampled_from(names)
    texts = st.sampled_from(numbers).map(str)
    return st.one_of(
        _check(left, _signs | _order, texts),
        _check(left, _lists, _values(texts)),
        _check(left, _signs, _modifiers, _values(texts)),
        _check(left, _fixed("exists")),
    )


_single = st.sampled_from(("proc.name", "proc.pname", "proc.exe", "proc.cmdline", "fd.name", "user.name"))
transformed = st.one_of(
    st.sampled_from(("tolower", "toupper", "basename", "b64")).flatmap(
        lambda name: _single.map(lambda field: f"{name}({field})")
    ),
    st.tuples(_single, words).map(lambda pair: f"concat({pair[0]}, {pair[1]})"),
    st.tuples(_single, _single).map(lambda pair: f'join("-", ({pair[0]}, tolower({pair[1]}), proc.pid))'),
)

checks = st.one_of(
    _of_text(st.sampled_from(STRINGS)),
    _of_text(st.sampled_from(ALL_ANCESTORS)),
    _of_text(transformed),
    _of_number(SIGNED, NUMBERS),
    _of_number(UNSIGNED, NUMBERS),
    _of_number((*PORTS, "fd.port"), (0, 80, 443)),
    _check(_single.map(lambda field: f"len({field})"), _order | _signs, st.sampled_from(("0", "2", "7"))),
    _check(st.sampled_from(("len(fd.types)",)), _order, st.sampled_from(("0", "1", "2"))),
    _check(st.sampled_from(BOOLEANS), _signs, st.sampled_from(("true", "false"))),
    _check(st.sampled_from(BOOLEANS), _lists, _values(st.sampled_from(("true", "false")))),
    _check(st.sampled_from(("fd.sip", "fd.ip")), _signs, st.sampled_from(ADDRESSES).map(_quoted)),
    _check(st.sampled_from(("fd.sip", "fd.ip")), _lists, _values(st.sampled_from(ADDRESSES).map(_quoted))),
    _check(st.sampled_from(("fd.snet", "fd.net")), _signs, st.sampled_from(NETWORKS).map(_quoted)),
    _check(st.sampled_from(("fd.snet", "fd.net")), _lists, _values(st.sampled_from(NETWORKS).map(_quoted))),
    _check(st.sampled_from(("fd.ip", "fd.net", "fd.port", "proc.aname", "fd.types")), _fixed("exists")),
    _check(st.sampled_from(LISTS), _lists, _values(words)),
    _check(_single, _signs | _order | _words_operators, _single.map(lambda field: f"val({field})")),
    _check(_single, _signs, transformed),
    _check(st.sampled_from(("proc.pid",)), _order | _signs, _fixed("val(proc.ppid)")),
    _check(st.sampled_from(("evt.buffer",)), st.sampled_from(("contains", "startswith", "=")), words),
    _check(st.sampled_from(("evt.buffer",)), st.sampled_from(("bcontains", "bstartswith")), _fixed("2f62")),
)


def _joined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    both = st.lists(parts, min_size=2, max_size=4)
    return st.one_of(
        parts.map(lambda text: f"not ({text})"),
        both.map(lambda texts: f"({' and '.join(texts)})"),
        both.map(lambda texts: f"({' or '.join(texts)})"),
    )


conditions = st.recursive(checks, _joined, max_leaves=12)

_texts = st.sampled_from(WORDS)


def _optional(values: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=values)


fields = _optional(
    dict.fromkeys(STRINGS, _texts)
    | dict.fromkeys(SIGNED, st.sampled_from(NUMBERS))
    | dict.fromkeys(UNSIGNED, st.sampled_from((0, 1, 1000, 2**32 - 1)))
    | dict.fromkeys(PORTS, st.sampled_from((0, 80, 443)))
    | dict.fromkeys(BOOLEANS, st.booleans())
    | dict.fromkeys((*ALL_ANCESTORS, *LISTS), st.lists(_texts, max_size=3))
    | dict.fromkeys(("fd.sip", "fd.snet"), st.sampled_from(ADDRESSES))
    | dict.fromkeys(("fd.ip", "fd.net"), st.lists(st.sampled_from(ADDRESSES), max_size=2))
    | {"fd.port": st.lists(st.sampled_from((0, 80, 443)), max_size=2)}
    | {"evt.buffer": _texts.map(str.encode)}
)
