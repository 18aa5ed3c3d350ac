"""What every command does that watches a running system: open the kernel, and stop when told to."""

import asyncio
import signal
from collections.abc import Coroutine

from collectors.contract import Source
from tracetide.errors import CommandError

# Ctrl-C, a service manager, a terminal that is closed. What the caller has ignored, as nohup does, stays so.
_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def kernel_source() -> Source:
    """This host's kernel; raises ``CommandError`` with the reason and the remedy if it cannot be watched."""
    from collectors.kernel import KernelSource, why_not  # noqa: PLC0415  # only here on Linux with libbpf

    if reason := why_not():
        raise CommandError(reason)
    return KernelSource()


async def until_stopped(work: Coroutine[object, object, None], seconds: float | None = None) -> None:
    """Run ``work`` until it ends, the time is over, or a signal asks it to stop: then it is cancelled."""
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    stops = [number for number in _STOPS if signal.getsignal(number) is not signal.SIG_IGN]
    for number in stops:
        loop.add_signal_handler(number, task.cancel)
    if seconds is not None:
        loop.call_later(seconds, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        if not task.cancelled():
            raise
    finally:
        for number in stops:
            loop.remove_signal_handler(number)
