"""What goes on around the attack in any container and must raise no alarm."""

import asyncio

from tracetide.demo.container import run_once
from tracetide.demo.network import request
from tracetide.demo.scenes.scene import Scene
from tracetide.demo.shop import PORT, STATUS
from tracetide.demo.stage import Stage


async def _visit(stage: Stage) -> None:
    """A customer looks at the page, and a load balancer at the status."""
    for target in ("/", STATUS):
        await request(stage.shop.pid, PORT, target)


async def _look_after(stage: Stage) -> None:
    """What a runtime's health check and an administrator do."""
    for command in (
        ("/usr/bin/wget", "-q", "-O", "/dev/null", f"http://127.0.0.1:{PORT}/"),
        ("/bin/ls", "-l", "/var/www"),
        ("/bin/sh", "-c", "echo checked >> /var/log/shop.log"),
        ("/bin/cat", "/etc/passwd"),
    ):
        await asyncio.to_thread(stage.shop.execute, *command)


async def _batch_job(stage: Stage) -> None:
    """Another container comes and goes."""
    await asyncio.to_thread(run_once, stage.place, "/bin/date")


async def _open(stage: Stage) -> str:
    await _visit(stage)
    await _look_after(stage)
    return "a page, a status, a health check, ls, a line in a log"


async def _between(stage: Stage) -> str:
    await _visit(stage)
    await _batch_job(stage)
    return "two more customers, another container started and ended"


async def _close(stage: Stage) -> str:
    await _visit(stage)
    await _look_after(stage)
    await _batch_job(stage)
    return "pages, health check, log, another container"


OPENING = Scene("ordinary-before", "Ordinary work", "The shop is open.", frozenset(), _open)
BETWEEN = Scene("ordinary-between", "Ordinary work", "The shop is still open.", frozenset(), _between)
CLOSING = Scene("ordinary-after", "Ordinary work", "Business goes on.", frozenset(), _close)
