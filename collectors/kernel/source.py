"""The kernel of this host as a source of event batches."""

from __future__ import annotations

import asyncio
import logging
import mmap
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass

from collectors.contract import CollectorError
from collectors.kernel.decode import this_host
from collectors.kernel.hooks import EVENTS, HOOKS
from collectors.kernel.layout import SKIP_DIRECTORY_READS, SKIP_EMPTY_CALLS
from collectors.kernel.libbpf import BpfError
from collectors.kernel.loader import Loaded, load
from collectors.kernel.losses import Counts
from collectors.kernel.needs import everything, wanted
from collectors.kernel.own import own_cgroup
from collectors.kernel.reader import Reader
from collectors.kernel.requirements import why_not
from collectors.kernel.settings import Settings
from collectors.kernel.tracepoint import TracepointError
from collectors.kernel.ways import way
from wire.batch import Batch
from wire.needs import Needs

_log = logging.getLogger(__name__)

_LARGEST_RING = 1 << 30


@dataclass(slots=True)
class KernelSource:
    """Events of these types as the kernel reports them; those of ``ALWAYS`` are always among them.

    ``needs`` is asked again and again, instead of ``events``, what is needed by then; that holds within
    ``interval``. ``ring_bytes``, a power of two, is what the kernel can hold until it is read. ``interval``
    is how many seconds events wait for others to fill a batch. ``skip`` is what nobody needs (``enum skip``).
    ``rate`` is as in ``Settings``.
    """

    events: Collection[str] = EVENTS
    ring_bytes: int = 4 << 20
    interval: float = 0.1
    skip: int = SKIP_DIRECTORY_READS | SKIP_EMPTY_CALLS
    rate: int = 0
    needs: Callable[[], Needs] | None = None
    _done: Needs | None = None
    _reader: Reader | None = None
    _loaded: Loaded | None = None

    async def batches(self) -> AsyncIterator[Batch]:
        """First the processes that already run, then what happens; never ends by itself."""
        needs = self.needs() if self.needs else everything(self.events)
        self._loaded, self._reader = _open(self, needs)
        reader = self._reader
        self._done = needs
        following = asyncio.create_task(self._follow())
        try:
            for batch in reader.running():
                yield batch
            while not following.done():
                for batch in reader.waiting():
                    yield batch
                    await asyncio.sleep(0)
                await reader.more(self.interval)
            following.result()
        finally:
            following.cancel()
            self._loaded.close()
            reader.close()

    @property
    def settled(self) -> bool:
        """Whether the kernel's programs are those that what is needed by now takes, and no others."""
        loaded = self._loaded
        return loaded is not None and loaded.settled and (self.needs is None or self.needs() is self._done)

    def left_out(self) -> frozenset[str]:
        """The event types that are not collected now."""
        done = self._done
        return frozenset() if done is None else frozenset(HOOKS) - wanted(done)

    def counts(self) -> Counts | None:
        """What was delivered and what was not since watching began; ``None`` before that."""
        if self._reader is None or self._loaded is None:
            return None
        return self._reader.counts()

    async def _follow(self) -> None:
        """Have the kernel's programs do what is needed by now, without keeping the reader from reading."""
        loaded = self._loaded
        while loaded and self.needs:
            needs = self.needs()
            try:
                if needs is not self._done:
                    await asyncio.to_thread(loaded.want, needs)
                    self._done = needs
                elif not loaded.settled:
                    await asyncio.to_thread(loaded.step)
                else:
                    await asyncio.sleep(self.interval)
            except (BpfError, TracepointError) as error:
                raise CollectorError(f"the kernel cannot be watched any further: {error}") from error
        await asyncio.Event().wait()


def _open(source: KernelSource, needs: Needs) -> tuple[Loaded, Reader]:
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
        loaded = load(needs, Settings(source.ring_bytes, source.skip, source.rate, own_cgroup=own_cgroup()))
    except (BpfError, TracepointError) as error:
        raise CollectorError(f"the kernel cannot be watched: {error}") from error
    _log.info("%s", way())
    try:
        return loaded, Reader(context, loaded, source.ring_bytes)
    except OSError as error:
        loaded.close()
        raise CollectorError(f"the kernel's events cannot be read: {error}") from error
