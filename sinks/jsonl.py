"""Appends detections to a file, one line of JSON each, or writes them to standard output."""

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from sinks.body import body
from sinks.contract import Delivered, Never, Outcome, Retry, SinkError
from wire.detection import Detection

# How far from its end a file is searched for the beginning of its last line.
_LONGEST_LINE = 32 << 20


class Settings(BaseSettings):
    """``TRACETIDE_JSONL_*``."""

    model_config = SettingsConfigDict(env_prefix="TRACETIDE_JSONL_")

    path: str = Field(description="the file to append to, or - for standard output", min_length=1)


def create(settings: Settings) -> "JsonLinesSink":
    """The sink for these settings; the file is opened with each batch, so that it can be rotated."""
    return JsonLinesSink(None if settings.path == "-" else Path(settings.path))


@dataclass(frozen=True)
class JsonLinesSink:
    """Delivered means on disk: every batch is followed by ``fsync``. No path means standard output."""

    path: Path | None
    encode: Callable[[Detection], bytes | Never] = body
    name: str = "jsonl"
    at_once: int = 1

    async def deliver(self, detections: Sequence[Detection]) -> Sequence[Outcome]:
        """Write the whole batch, or on an error leave nothing of it."""
        bodies = [self.encode(detection) for detection in detections]
        lines = b"".join(line + b"\n" for line in bodies if isinstance(line, bytes))
        try:
            await asyncio.to_thread(_append, self.path, lines)
        except BrokenPipeError:
            raise SinkError("nobody reads standard output any more") from None
        except OSError as error:
            return [Retry(f"{self.path}: {error.strerror}")] * len(detections)
        return [line if isinstance(line, Never) else Delivered() for line in bodies]

    async def check(self) -> None:
        """Create the file if there is none, and mend its last line."""
        try:
            await asyncio.to_thread(_append, self.path, b"")
        except OSError as error:
            raise SinkError(
                f"{self.path} cannot be written ({error.strerror}); "
                f"TRACETIDE_{self.name.upper()}_PATH names it"
            ) from error

    async def close(self) -> None:
        """Nothing is held."""


def _append(path: Path | None, lines: bytes) -> None:
    if path is None:
        sys.stdout.buffer.write(lines)
        sys.stdout.buffer.flush()
        return
    with path.open("a+b") as file:
        end = _mend(file)
        try:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())
        except OSError:
            file.truncate(end)
            raise


def _mend(file: BinaryIO) -> int:
    """Make the file end with a whole line, and return its length.

    A line torn by a crash was never acknowledged, so it comes again: it goes. A whole one that only
    lacks its line break gets it.
    """
    end = file.seek(0, os.SEEK_END)
    if _read(file, end - 1, end) in (b"", b"\n"):
        return end
    rest = _read(file, end - _LONGEST_LINE, end)
    torn = rest[rest.rfind(b"\n") + 1 :]
    try:
        msgspec.json.decode(torn)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return file.truncate(end - len(torn))
    return end + file.write(b"\n")


def _read(file: BinaryIO, start: int, end: int) -> bytes:
    file.seek(max(0, start))
    return file.read(end - max(0, start))
