"""How it goes with telling people, read from the state while whoever tells them goes on."""

import sqlite3
from pathlib import Path

from msgspec import Struct

from notify.store import StoreError

_WAITING = (
    """SELECT COUNT(*), MIN(json_extract(body, '$.time')), MAX(attempts) FROM outbox WHERE target = ?"""
)


class Way(Struct, frozen=True):
    """One way to people. ``sent``, ``failed`` and ``refused`` count since the state was made.

    ``waiting`` messages are due and not told, the oldest for ``oldest`` seconds; ``attempts`` is how often
    the one was tried that was tried most.
    """

    name: str
    sent: int = 0
    failed: int = 0
    refused: int = 0
    waiting: int = 0
    oldest: float = 0.0
    attempts: int = 0


class Status(Struct, frozen=True):
    """The whole. ``silenced``, ``inhibited`` and ``unaddressed`` alerts were told to nobody.

    ``throttled`` ones are told within a message for others; ``pending`` ones wait for their message.
    """

    open: int
    pending: int
    throttled: int
    silenced: int
    inhibited: int
    unaddressed: int
    ways: list[Way]


def status(folder: Path, now: float) -> Status:
    """What the state in ``folder`` says at ``now`` (seconds since the epoch); raises ``StoreError``."""
    path = folder / "state.sqlite"
    if not path.exists():
        raise StoreError(f"there is no state in {folder}: nobody has told anybody anything there")
    try:
        database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            return _status(database, now)
        finally:
            database.close()
    except sqlite3.Error as error:
        raise StoreError(f"the state in {folder} cannot be read: {error}") from error


def _status(database: sqlite3.Connection, now: float) -> Status:
    counts: dict[str, dict[str, int]] = {}
    for target, name, value in database.execute("SELECT target, name, value FROM counts"):
        counts.setdefault(target, {})[name] = value
    whole = counts.pop("", {})
    waiting = {row[0] for row in database.execute("SELECT DISTINCT target FROM outbox")}
    groups, pending = database.execute(
        "SELECT COUNT(*), SUM((SELECT SUM(json_array_length(pile.value, '$.ids'))"
        " FROM json_each(body, '$.pending') AS pile)) FROM groups"
    ).fetchone()
    return Status(
        open=groups,
        pending=pending or 0,
        throttled=whole.get("throttled", 0),
        silenced=whole.get("silenced", 0),
        inhibited=whole.get("inhibited", 0),
        unaddressed=whole.get("unaddressed", 0),
        ways=[_way(database, name, counts.get(name, {}), now) for name in sorted(counts.keys() | waiting)],
    )


def _way(database: sqlite3.Connection, name: str, counts: dict[str, int], now: float) -> Way:
    count, oldest, attempts = database.execute(_WAITING, (name,)).fetchone()
    age = max(0.0, now - oldest) if count else 0.0
    return Way(name, **counts, waiting=count, oldest=age, attempts=attempts or 0)
