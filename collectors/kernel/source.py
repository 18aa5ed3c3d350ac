"""The kernel of this host as a source of event batches."""

from __future__ import annotations

import asyncio
import logging
import mmap
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass

from collectors.contract import CollectorError
from collectors.kernel.decode import this_host
from collectors.kernel.hooks import ALWAYS, EVENTS, HOOKS
from collectors.kernel.layout import SKIP_DIRECTORY_READS, SKIP_EMPTY_CALLS
from collectors.kernel.libbpf import BpfError
from collectors.kernel.loader import Settings, load
from collectors.kernel.reader import Reader
from collectors.kernel.requirements import why_not
from collectors.kernel.tracepoint import TracepointError
from collectors.kernel.ways import way
from wire.batch import Batch

_log = logging.getLogger(__name__)

_LARGEST_RING = 1 << 30


@dataclass(frozen=True, slots=True)
class KernelSource:
    """Events of these types as the kernel reports them; those of ``ALWAYS`` are always among them.

    ``ring_bytes``, a power of two, is what the kernel can hold until it is read. ``interval`` is how many
    seconds events wait for others to fill a batch. ``skip`` is what nobody needs (``enum skip``).
    ``further`` is asked as often what else is wanted meanwhile.
    """

    events: Collection[str] = EVENTS
    ring_bytes: int = 4 << 20
    interval: float = 0.1
    skip: int = SKIP_DIRECTORY_READS | SKIP_EMPTY_CALLS
    further: Callable[[], Collection[str]] | None = None

    async def batches(self) -> AsyncIterator[Batch]:
        """First the processes that already run, then what happens; never ends by itself."""
        reader = _open(self)
        try:
            for batch in reader.running():
                yield batch
            while True:
                for batch in reader.waiting():
                    yield batch
                    await asyncio.sleep(0)
                if self.further:
                    _attach(reader, self.further())
                await reader.more(self.interval)
        finally:
            reader.close()


def _attach(reader: Reader, events: Collection[str]) -> None:
    try:
        reader.attach(events)
    except (BpfError, TracepointError) as error:
        raise CollectorError(f"the kernel cannot be watched any further: {error}") from error


def _open(source: KernelSource) -> Reader:
    if reason := why_not():
        raise CollectorError(reason)
    if unknown := set(source.events) - HOOKS.keys():
        raise CollectorError(f"the kernel side has no event type {', '.join(sorted(unknown))}")
    size = source.ring_bytes
    if size & (size - 1) or not mmap.PAGESIZE <= size <= _LARGEST_RING:
        limits = f"from {mmap.PAGESIZE} to {_LARGEST_RING}"
        raise CollectorError(f"the ring buffer cannot have {size} bytes, only a power of two {limits}")
    context = this_host()
    try:
        loaded = load(ALWAYS.union(source.events), Settings(source.ring_bytes, source.skip))
    except (BpfError, TracepointError) as error:
        raise CollectorError(f"the kernel cannot be watched: {error}") from error
    _log.info("%s", way())
    try:
        return Reader(context, loaded, source.ring_bytes)
    except OSError as error:
        loaded.close()
        raise CollectorError(f"the kernel's events cannot be read: {error}") from error
