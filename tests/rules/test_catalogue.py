"""The table of fields: complete, and every source in it works on real events and processes."""

from typing import Any

import pytest

from rules import FIELDS
from rules.catalogue.arguments import ARGUMENTS
from rules.catalogue.container import CONTAINER
from rules.catalogue.event import EVENT
from rules.catalogue.event_types import KINDS, KNOWN
from rules.catalogue.file import FILE
from rules.catalogue.process import PROCESS as OF_PROCESS
from rules.catalogue.row import Code, Row
from rules.catalogue.user import USER
from rules.compiler.binding import OfStream
from rules.compiler.comparison import FieldValue
from rules.compiler.source import NAMES
from stream.process import NOBODY
from tests.rules.host import SomeHost
from tests.rules.test_output import BASE, CONNECT, OPEN, PROCESS
from wire import batch as wire_batch
from wire.batch import Batch, Host
from wire.event import Answer, Call, Change, Descriptor, Event, Exec, Identity
from wire.event_types import EVENT_TYPES

CHANGE = Change(**BASE, type="rename", result=0, path="/a", other="/b", text="c", owner=1, group=1)
SETUID = Identity(**BASE, type="setresuid", result=0, ids=[33, 0, 4294967295], names=["www", None, None])
CONNECTION = Descriptor("ipv4", "10.0.0.1:80->10.0.0.2:443", 7)
DUP = Call(**BASE, type="dup2", result=0, args=[3, 0, 1, 2], text="x", fd=0, file=CONNECTION)
EVENTS: dict[str, Event] = {
    "exec": Exec(**BASE),
    "open": OPEN,
    "change": CHANGE,
    "identity": SETUID,
    "call": DUP,
    "network": CONNECT,
    "answer": Answer(**BASE, server="10.0.0.53", name="db.example", asked=1, addresses=["10.0.0.2"]),
}

TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "bool": bool,
    "ip": str,
    "net": str,
    "bytes": bytes,
    "double": float,
}


def _sources(row: Row, event_type: str) -> Code | None:
    argument = "2" if row.index else "x"
    value = FieldValue(row, argument if row.argument == "required" or row.index else "", row.name)
    return OfStream(event_type)(value)


@pytest.mark.parametrize("row", FIELDS.values(), ids=lambda row: row.name)
def test_sources(row: Row) -> None:
    """A field's source gives a value of its type for every event; None, unless it says never."""
    for event_type, kind in KINDS.items():
        code = _sources(row, event_type)
        for text in () if code is None else code.ends or (code.text,):
            for process in (PROCESS, NOBODY):
                value = eval(text, dict(NAMES), {"e": EVENTS[kind], "p": process, "h": SomeHost()})  # noqa: S307
                if value is None:
                    assert code is not None
                    assert not code.sure
                else:
                    assert isinstance(value, TYPES.get(row.type, int))


@pytest.mark.parametrize("row", FIELDS.values(), ids=lambda row: row.name)
def test_rows(row: Row) -> None:
    """A field that is collected has a source, and every field says what it means and where it comes from."""
    assert row.meaning
    assert row.source
    assert bool(row.on) or not row.collected
    assert set(row.on) <= {*KINDS, *KINDS.values(), "*"}


def test_arguments() -> None:
    """Every event type has its arguments, and every name that one has is explained."""
    assert ARGUMENTS.keys() == KINDS.keys() == EVENT_TYPES.keys() - {"fork", "procexit"}
    assert all(ARGUMENTS.values())
    names = {argument.name for arguments in ARGUMENTS.values() for argument in arguments}
    assert names == {name.removeprefix("evt.arg.") for name in FIELDS if name.startswith("evt.arg.")}


def test_names_are_unique() -> None:
    """No two rows of the table have the same name."""
    assert len(FIELDS) == sum(map(len, (EVENT, FILE, OF_PROCESS, USER, CONTAINER)))


def test_event_types() -> None:
    """Every type that reaches the engine is one that rules may name."""
    assert set(KINDS) <= KNOWN
    assert {"sendto", "ptrace", "userfaultfd", "procexit", "finit_module"} <= KNOWN


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("evt.res", {-2: "ENOENT", 0: "SUCCESS", 5: "SUCCESS", -115: "EINPROGRESS"}),
    ],
)
def test_outcomes(name: str, values: dict[int, str]) -> None:
    """Results are named as in errno(3)."""
    code = _sources(FIELDS[name], "openat")
    assert code is not None
    for result, outcome in values.items():
        event: Any = type("E", (), {"result": result})
        assert eval(code.text, dict(NAMES), {"e": event}) == outcome  # noqa: S307


def test_an_event_without_its_numbers_is_refused() -> None:
    """An event that lacks a number is a bad event, not one on which rules fail."""
    data = wire_batch.encode(Batch(host=Host("h", "h", "b"), first=1, last=1, events=[DUP]))
    batch, bad = wire_batch.decode(data.replace(b"[3,0,1,2]", b"[3]"))
    assert batch.events == []
    assert "dup2 has 2 numbers, not 1" in bad[0].reason
