"""Keeps incidents and messages on disk, so that neither a restart nor a crash loses or repeats them."""

import fcntl
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import msgspec

from notify.groups import Group, Groups, Notification, Step
from notify.inhibit import Source

# Why something was not told is kept for 30 days, threads of incidents for half a year.
_REASONS = 30 * 86400
_THREADS = 180 * 86400

_TABLES = """
CREATE TABLE IF NOT EXISTS groups (key TEXT PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS sources (only_row INTEGER PRIMARY KEY CHECK (only_row = 0), body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, target TEXT NOT NULL,
    incident TEXT NOT NULL, body BLOB NOT NULL, attempts INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS outbox_by_target ON outbox (target, incident);
CREATE TABLE IF NOT EXISTS threads (incident TEXT, target TEXT, thread TEXT NOT NULL, time REAL NOT NULL,
    PRIMARY KEY (incident, target));
CREATE TABLE IF NOT EXISTS asked (target TEXT PRIMARY KEY, time REAL NOT NULL);
CREATE TABLE IF NOT EXISTS counts (target TEXT, name TEXT, value INTEGER NOT NULL,
    PRIMARY KEY (target, name));
CREATE TABLE IF NOT EXISTS withheld (detection TEXT NOT NULL, reason TEXT NOT NULL, time REAL NOT NULL);
CREATE TABLE IF NOT EXISTS refused (target TEXT NOT NULL, body BLOB NOT NULL, reason TEXT NOT NULL,
    time REAL NOT NULL);
"""

# The first words of the reasons for which something is not told, and the counters of those.
_WITHHELD = {"silence": "silenced", "inhibited": "inhibited"}

_Sources = list[tuple[int, tuple[str, ...], bool, Source]]


class StoreError(Exception):
    """The folder of the state cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Notifications of one incident that a target has not got yet, in their order."""

    rows: tuple[int, ...]
    notifications: tuple[Notification, ...]
    thread: str


@dataclass(frozen=True)
class Store:
    """A folder with a database; one process at a time."""

    database: sqlite3.Connection
    lock: TextIO

    def groups(self) -> list[Group]:
        """The incidents that go on."""
        rows = self.database.execute("SELECT body FROM groups")
        return [msgspec.json.decode(body, type=Group) for (body,) in rows]

    def sources(self) -> dict[tuple[int, tuple[str, ...], bool], Source]:
        """What the inhibitor remembers."""
        row = self.database.execute("SELECT body FROM sources").fetchone()
        known: _Sources = msgspec.json.decode(row[0], type=_Sources) if row else []
        return {(number, values, both): source for number, values, both, source in known}

    def keep(self, machine: Groups, step: Step, targets: Mapping[str, Sequence[str]], now: float) -> None:
        """All that changed, all at once: incidents, messages that are due, reasons of those that are not."""
        sources: _Sources = [(*key, source) for key, source in machine.inhibitor.sources.items()]
        with self.database:
            for key in machine.changed:
                group = machine.groups.get(key)
                if group is None:
                    self.database.execute("DELETE FROM groups WHERE key = ?", (key,))
                else:
                    self.database.execute(
                        "INSERT OR REPLACE INTO groups VALUES (?, ?)", (key, msgspec.json.encode(group))
                    )
            self.database.execute(
                "INSERT OR REPLACE INTO sources VALUES (0, ?)", (msgspec.json.encode(sources),)
            )
            for one in step.notifications:
                self._put(one, targets.get(one.receiver, ()), now)
                self._count("", "throttled", max(0, one.count - 1))
            for each in step.withheld:
                self._withhold(each.ids, each.reason, now)
        machine.saved()

    def waiting(self, target: str) -> Waiting | None:
        """What to deliver next: of the incident that was tried least, what was tried together or never."""
        incident = self.database.execute(
            "SELECT incident FROM outbox WHERE target = ? GROUP BY incident"
            " ORDER BY MAX(attempts), MIN(seq) LIMIT 1",
            (target,),
        ).fetchone()
        if incident is None:
            return None
        rows = self.database.execute(
            "SELECT seq, attempts, body FROM outbox WHERE target = ? AND incident = ? ORDER BY seq",
            (target, *incident),
        ).fetchall()
        tried = rows[0][1]
        together = [row for row in rows if row[1] == tried]
        thread = self.database.execute(
            "SELECT thread FROM threads WHERE target = ? AND incident = ?", (target, *incident)
        ).fetchone()
        return Waiting(
            rows=tuple(seq for seq, _, _ in together),
            notifications=tuple(msgspec.json.decode(body, type=Notification) for _, _, body in together),
            thread=thread[0] if thread else "",
        )

    def asks(self, target: str, now: float) -> None:
        """A target is about to be asked; until its answer is kept, nobody knows whether it has it."""
        with self.database:
            self.database.execute("INSERT OR REPLACE INTO asked VALUES (?, ?)", (target, now))

    def asked(self, target: str) -> float | None:
        """When a target was asked by a process that ended before the answer."""
        row = self.database.execute("SELECT time FROM asked WHERE target = ?", (target,)).fetchone()
        return float(row[0]) if row else None

    def delivered(self, target: str, waiting: Waiting, thread: str, now: float) -> None:
        """It is there; ``thread`` is for the next message of the incident."""
        with self.database:
            self._count(target, "sent", 1)
            if thread:
                self.database.execute(
                    "INSERT OR REPLACE INTO threads VALUES (?, ?, ?, ?)",
                    (waiting.notifications[0].incident, target, thread, now),
                )
            self._forget(target, waiting)

    def failed(self, target: str, waiting: Waiting) -> None:
        """It was tried, and will be again."""
        with self.database:
            self._answered(target)
            self._count(target, "failed", 1)
            self.database.executemany(
                "UPDATE outbox SET attempts = attempts + 1 WHERE seq = ?", [(seq,) for seq in waiting.rows]
            )

    def refused(self, target: str, waiting: Waiting, reason: str, now: float) -> None:
        """It is refused for good: kept with the reason, and not tried again."""
        with self.database:
            self._count(target, "refused", 1)
            self.database.executemany(
                "INSERT INTO refused VALUES (?, ?, ?, ?)",
                [(target, msgspec.json.encode(one), reason, now) for one in waiting.notifications],
            )
            self._forget(target, waiting)

    def adopt(self, known: Iterable[str], heir: str | None) -> int:
        """Give what waits for targets that are no more to another; how many those are."""
        names = list(known)
        marks = ",".join("?" * len(names))
        where = f"target NOT IN ({marks})"
        with self.database:
            if heir is None:
                found = self.database.execute(f"SELECT COUNT(*) FROM outbox WHERE {where}", names)  # noqa: S608  # marks
                return int(found.fetchone()[0])
            return self.database.execute(
                f"UPDATE outbox SET target = ?, attempts = 0 WHERE {where}",  # noqa: S608  # marks only
                [heir, *names],
            ).rowcount

    def withheld(self) -> list[tuple[str, str]]:
        """Detections that were not told, and why."""
        return self.database.execute("SELECT detection, reason FROM withheld ORDER BY rowid").fetchall()

    def close(self) -> None:
        """Let others have it."""
        self.database.close()
        self.lock.close()

    def _put(self, one: Notification, targets: Sequence[str], now: float) -> None:
        """A message for each way of its receiver; a receiver without one is for what nobody wants to hear."""
        body = msgspec.json.encode(one)
        for target in targets:
            self.database.execute(
                "INSERT INTO outbox (target, incident, body) VALUES (?, ?, ?)", (target, one.incident, body)
            )
        if not targets:
            ids = [name for pile in one.piles for name in pile.ids]
            self._withhold(ids, f"receiver {one.receiver} has no way to anybody", now)

    def _count(self, target: str, name: str, more: int) -> None:
        self.database.execute(
            "INSERT INTO counts VALUES (?, ?, ?)"
            " ON CONFLICT (target, name) DO UPDATE SET value = value + excluded.value",
            (target, name, more),
        )

    def _withhold(self, ids: Sequence[str], reason: str, now: float) -> None:
        self._count("", _WITHHELD.get(reason.partition(" ")[0], "unaddressed"), len(ids))
        self.database.executemany(
            "INSERT INTO withheld VALUES (?, ?, ?)", [(name, reason, now) for name in ids]
        )
        self.database.execute("DELETE FROM withheld WHERE time < ?", (now - _REASONS,))
        self.database.execute("DELETE FROM threads WHERE time < ?", (now - _THREADS,))

    def _answered(self, target: str) -> None:
        self.database.execute("DELETE FROM asked WHERE target = ?", (target,))

    def _forget(self, target: str, waiting: Waiting) -> None:
        self._answered(target)
        self.database.executemany("DELETE FROM outbox WHERE seq = ?", [(seq,) for seq in waiting.rows])


def open_store(folder: Path) -> Store:
    """The state in a folder, made if it is missing.

    Raises:
        StoreError: it cannot be written, is in use, or holds something else.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise StoreError(f"{folder} cannot be written to: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        database = sqlite3.connect(folder / "state.sqlite")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.executescript(_TABLES)
    except BlockingIOError as error:
        lock.close()
        raise StoreError(f"{folder} is in use by another process; each needs a folder of its own") from error
    except sqlite3.Error as error:
        lock.close()
        raise StoreError(f"the state in {folder} cannot be used: {error}") from error
    return Store(database, lock)
