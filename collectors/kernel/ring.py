"""Reads the kernel's ring buffer in bulk: one copy for many records instead of a call for each."""

import mmap
import os
from threading import Lock
from typing import NamedTuple

# The layout of BPF_MAP_TYPE_RINGBUF (kernel/bpf/ringbuf.c): a page with the reader's position, one with the
# writers', then the data. A record has a header of eight bytes: its length with two marks, and four unused.
_BUSY = 1 << 31
_DISCARDED = 1 << 30
_HEADER = 8

# So many bytes before a record is its length, in four bytes.
LENGTH_BEFORE = _HEADER


class Span(NamedTuple):
    """Some records as they lay in the buffer: ``records`` are their offsets in ``data``."""

    data: bytes
    records: list[int]


_NOTHING = Span(b"", [])


class Ring:
    """The reading end of a ring buffer map. There may be only one."""

    def __init__(self, map_fd: int, size: int) -> None:
        """``size`` is the number of bytes that the map was made with."""
        page = os.sysconf("SC_PAGE_SIZE")
        self._size = size
        self._reader = mmap.mmap(map_fd, page, mmap.MAP_SHARED)
        self._rest = mmap.mmap(map_fd, page + size, mmap.MAP_SHARED, mmap.PROT_READ, offset=page)
        # Views of eight and four bytes are read and written in one go, as the kernel does on its side.
        self._consumed = memoryview(self._reader)[:8].cast("Q")
        self._produced = memoryview(self._rest)[:8].cast("Q")
        self._data = memoryview(self._rest)[page:]
        self._words = self._data.cast("I")
        self._fence = Lock()
        self._fence.acquire()

    def read(self, max_records: int, max_bytes: int) -> Span:
        """The next complete records, up to one more than ``max_bytes``; empty if there are none."""
        begin = self._consumed[0]
        end, records = self._committed(begin, max_records, max_bytes)
        if end == begin:
            return _NOTHING
        self._order()
        data = self._copy(begin % self._size, end - begin)
        self._order()
        self._consumed[0] = end
        return Span(data, records)

    def _committed(self, begin: int, max_records: int, max_bytes: int) -> tuple[int, list[int]]:
        """How far the writers are done, and where in between records lie."""
        words, size = self._words, self._size
        at, limit = begin, min(self._produced[0], begin + max_bytes)
        records: list[int] = []
        while at < limit and len(records) < max_records:
            length = words[at % size >> 2]
            if length & _BUSY:
                break
            if not length & _DISCARDED:
                records.append(at - begin + _HEADER)
            at += _HEADER + ((length & ~_DISCARDED) + 7 & ~7)
        return at, records

    def _copy(self, at: int, length: int) -> bytes:
        """``length`` bytes from ``at``, which may go on at the beginning of the buffer."""
        data = bytes(self._data[at : at + length])
        return data + bytes(self._data[: length - len(data)]) if len(data) < length else data

    def _order(self) -> None:
        """Let no access move across: arm64 does not keep the order of loads as x86 does."""
        self._fence.release()
        self._fence.acquire()

    def close(self) -> None:
        """Unmap the buffer."""
        for view in (self._consumed, self._produced, self._words, self._data):
            view.release()
        self._reader.close()
        self._rest.close()
