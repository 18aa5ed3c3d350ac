"""Silences: who does not want to hear of what, until when, and why. Kept in a file that commands write."""

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from msgspec import Struct

from notify.labels import Labels
from notify.matchers import Matcher, MatcherError, hold, matcher


class SilenceError(Exception):
    """Silences cannot be read, or one cannot be made: the message says why."""


class Silence(Struct, frozen=True, kw_only=True):
    """Detections whose labels match are not told from ``starts`` until ``ends`` (seconds since the epoch)."""

    id: str
    matchers: list[str]
    starts: float
    ends: float
    author: str
    comment: str

    def active(self, now: float) -> bool:
        """Whether it holds at this moment."""
        return self.starts <= now < self.ends


@dataclass(frozen=True, slots=True)
class Active:
    """A silence that is ready to be asked."""

    silence: Silence
    matchers: tuple[Matcher, ...]

    def __call__(self, labels: Labels, now: float) -> bool:
        """Whether it silences a detection with these labels."""
        return self.silence.active(now) and hold(self.matchers, labels)


def make(matchers: Sequence[str], *, starts: float, seconds: float, author: str, comment: str) -> Silence:
    """A new silence.

    Raises:
        SilenceError: it would silence everything, says not why, or has a condition that cannot be read.
    """
    try:
        read = [matcher(text) for text in matchers]
    except MatcherError as error:
        raise SilenceError(str(error)) from error
    if all(each({}) for each in read):
        raise SilenceError(
            "such a silence would be for everything; name at least one value that must be there"
        )
    if not author.strip() or not comment.strip():
        raise SilenceError("a silence needs an author and a comment: others will ask who and why")
    if seconds <= 0:
        raise SilenceError("a silence must last longer than nothing")
    return Silence(
        id=secrets.token_hex(4),
        matchers=[str(each) for each in read],
        starts=starts,
        ends=starts + seconds,
        author=author.strip(),
        comment=comment.strip(),
    )


@dataclass
class Silences:
    """The silences in a file; read anew when it has changed. No file is no silences."""

    path: Path
    _stamp: tuple[int, int] | None = None
    _read: list[Active] = field(default_factory=list)

    def all(self) -> list[Silence]:
        """Also those that are over or have not begun."""
        self._refresh()
        return [each.silence for each in self._read]

    def of(self, labels: Labels, now: float) -> Silence | None:
        """The first silence that holds for these labels now."""
        self._refresh()
        return next((each.silence for each in self._read if each(labels, now)), None)

    def add(self, silence: Silence) -> None:
        """Keep a silence."""
        self._change(lambda there: [*there, silence])

    def expire(self, name: str, now: float) -> Silence:
        """End a silence now; raises ``SilenceError`` if none has this id."""
        found = next((each for each in self.all() if each.id == name), None)
        if found is None:
            raise SilenceError(f"there is no silence {name}")
        ended = msgspec.structs.replace(found, ends=min(found.ends, now))
        self._change(lambda there: [ended if each.id == name else each for each in there])
        return ended

    def _change(self, change: Callable[[list[Silence]], list[Silence]]) -> None:
        with _locked(self.path.with_suffix(".lock")):
            changed = change(self.all())
            temporary = self.path.with_suffix(".new")
            with temporary.open("wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(changed), indent=1))
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)

    def _refresh(self) -> None:
        try:
            status = self.path.stat()
            stamp = status.st_mtime_ns, status.st_ino
            if stamp == self._stamp:
                return
            read = msgspec.json.decode(self.path.read_bytes(), type=list[Silence])
            self._read = [Active(one, tuple(matcher(text) for text in one.matchers)) for one in read]
            self._stamp = stamp
        except FileNotFoundError:
            self._stamp, self._read = None, []
        except (OSError, msgspec.DecodeError, MatcherError) as error:
            raise SilenceError(f"the silences in {self.path} cannot be read: {error}") from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Alone among the commands that write."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise SilenceError(f"{path.parent} cannot be written to: {error.strerror}") from error
