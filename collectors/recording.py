"""Recordings: the batches of a stream in one file, a JSON line each, compressed with zstd."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import zstandard

from collectors.contract import CollectorError
from wire import batch as wire_batch
from wire.batch import BadEvent, Batch, BatchError

_CHUNK = 1 << 20


@dataclass
class RecordingSource:
    """The batches of the recording at ``path``, in order. ``bad`` collects events that make no sense."""

    path: Path
    bad: list[BadEvent] = field(default_factory=list)

    async def batches(self) -> AsyncIterator[Batch]:
        """Every batch up to the end, or up to where the file is damaged: then ``CollectorError``."""
        for batch in self.read():
            yield batch
            await asyncio.sleep(0)

    def read(self) -> Iterator[Batch]:
        """The same as ``batches`` for those who wait for nothing else meanwhile."""
        for number, line in enumerate(_lines(self.path), start=1):
            try:
                batch, bad = wire_batch.decode(line)
            except BatchError as error:
                raise CollectorError(f"{self.path}, line {number}: {error}") from error
            self.bad += bad
            yield batch


class RecordingWriter:
    """Writes batches to a new recording; what ``write`` returned from, a reader finds."""

    def __init__(self, path: Path) -> None:
        """Open ``path``, replacing what was there; raises ``CollectorError`` if that cannot be done."""
        try:
            self._file: BinaryIO = path.open("wb")
        except OSError as error:
            raise CollectorError(f"cannot write the recording {path}: {error.strerror}") from error
        self._compressor = zstandard.ZstdCompressor(level=3).compressobj()

    def write(self, batch: Batch) -> None:
        """Append one batch. Whatever happens afterwards, a reader gets as far as here."""
        self._file.write(self._compressor.compress(wire_batch.encode(batch) + b"\n"))
        self._file.write(self._compressor.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK))
        self._file.flush()

    @property
    def size(self) -> int:
        """Bytes in the file so far."""
        return self._file.tell()

    def close(self) -> None:
        """Finish the file; without this, readers report it as cut off at its end."""
        self._file.write(self._compressor.flush())
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _lines(path: Path) -> Iterator[bytes]:
    """The lines of a compressed file, without keeping more than a chunk of it in memory."""
    rest = b""
    for piece in _decompressed(path):
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines
    if rest:
        raise CollectorError(f"{path} is cut off in the middle of a batch; what came before it was read")


def _decompressed(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            yield from _frames(path, file)
    except OSError as error:
        raise CollectorError(f"cannot read the recording {path}: {error.strerror}") from error


def _frames(path: Path, file: BinaryIO) -> Iterator[bytes]:
    frame = zstandard.ZstdDecompressor().decompressobj()
    read = 0
    while chunk := file.read(_CHUNK):
        while chunk:
            if frame.eof:
                frame = zstandard.ZstdDecompressor().decompressobj()
            try:
                yield frame.decompress(chunk)
            except zstandard.ZstdError as error:
                raise CollectorError(_damage(path, read, error)) from error
            read += len(chunk) - len(frame.unused_data)
            chunk = frame.unused_data
    if not frame.eof:
        raise CollectorError(f"{path} is cut off after {read} bytes; what came before was read")


def _damage(path: Path, read: int, error: Exception) -> str:
    if read == 0:
        return f"{path} is not a recording: it is not zstd-compressed ({error})"
    return f"{path} is damaged within the {_CHUNK} bytes after byte {read}: {error}"
