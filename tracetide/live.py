"""What every command does that watches a running system: open the kernel, and stop when told to."""

import asyncio
import os
import signal
from collections.abc import Callable, Collection, Coroutine
from typing import TYPE_CHECKING

from collectors.contract import Source
from tracetide.errors import CommandError
from wire.needs import Needs

if TYPE_CHECKING:
    from collectors.kernel import KernelSource

# Ctrl-C, a service manager, a terminal that is closed. What the caller has ignored, as nohup does, stays so.
_STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def kernel_source(
    events: Collection[str] | None = None,
    *,
    frequent: bool = False,
    needs: Callable[[], Needs] | None = None,
    rate: int = 0,
) -> "KernelSource":
    """This host's kernel with these types of events; by default with all, if ``frequent`` those of data too.

    ``needs`` is asked again and again instead, what is needed by then. ``rate`` is how many events a second
    one control group may have on each CPU, 0 for any number.
    Raises ``CommandError`` with the reason and the remedy if it cannot be watched.
    """
    from collectors.kernel import EVENTS, HOOKS, KernelSource, why_not  # noqa: PLC0415  # only on Linux

    if reason := why_not():
        raise CommandError(reason)
    if events is None:
        events = HOOKS if frequent else EVENTS
    return KernelSource(tuple(events), needs=needs, rate=rate)


def kernel_way() -> str:
    """How system calls are hooked on this host, as a phrase."""
    from collectors.kernel import way  # noqa: PLC0415  # the same

    return str(way())


def described(source: Source, inventory: tuple[str, ...]) -> Source:
    """The events of ``source``, and in it what container runtimes and the cluster know of the containers."""
    from collectors.inventory import DescribedSource, Sources, where  # noqa: PLC0415  # the same

    return DescribedSource(source, Sources(where(inventory)))


async def until_stopped(
    work: Coroutine[object, object, None],
    seconds: float | None = None,
    *,
    reload: Callable[[], None] | None = None,
) -> None:
    """Run ``work`` until it ends, the time is over, or a signal asks it to stop: then it is cancelled.

    With ``reload``, SIGHUP calls that instead, unless it came because the terminal was closed.
    """
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    stops = [number for number in _STOPS if signal.getsignal(number) is not signal.SIG_IGN]
    for number in stops:
        loop.add_signal_handler(number, task.cancel)
    if reload is not None and signal.SIGHUP in stops:
        loop.add_signal_handler(signal.SIGHUP, _hang_up, task, reload, _has_terminal())
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


def _hang_up(task: asyncio.Future[None], reload: Callable[[], None], had_terminal: bool) -> None:
    """Somebody asks for the new rules, or the terminal is gone, and with it whoever was looking."""
    if had_terminal and not _has_terminal():
        task.cancel()
    else:
        reload()


def _has_terminal() -> bool:
    """Whether this process has a terminal that controls it: tty(4)."""
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
