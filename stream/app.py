"""The runtime for a fleet: a Faust worker that feeds the engine from Kafka.

Faust decides which partitions this worker has and delivers their records; the settings are those that
``docs/stream.md`` gives reasons for.
"""

import logging
import shutil
import tempfile
from collections.abc import Mapping
from typing import Any

import faust
from faust.types import TP, EventT

from stream.worker import Record, Worker
from wire import topics

_log = logging.getLogger(__name__)

# Records between two settlements: enough to make their cost small, few enough to repeat quickly.
_RECORDS = 256


def create_app(
    bootstrap: str, worker: Worker, *, group: str = "tracetide-stream", interval: float = 5.0
) -> faust.App:
    """An application for ``run`` that hands its records to ``worker``.

    After a crash at most ``interval`` seconds of events are repeated.
    """
    app = _configured(bootstrap, group)
    events = app.topic(topics.EVENTS, value_serializer="raw", key_serializer="raw")

    @app.agent(events, concurrency=1)
    async def detect(stream: Any) -> None:  # noqa: ANN401  # faust types streams without their methods
        await worker.start()
        unsettled = 0
        async for event in stream.noack().events():
            again = await worker.process(_record(event))
            if again is not None:
                _log.warning("reading partition %s again from offset %s", event.message.partition, again)
                await app.consumer.seek(TP(topics.EVENTS, event.message.partition), again)
            unsettled += 1
            if unsettled >= _RECORDS:
                await worker.settle()
                unsettled = 0

    @app.timer(1.0)  # type: ignore[untyped-decorator]  # as faust has it
    async def settle() -> None:
        await worker.settle_when_idle(interval)

    @app.on_partitions_revoked.connect
    async def let_go(*_: Any, **_signal: Any) -> None:
        await worker.let_go()

    @app.on_before_shutdown.connect
    async def finish(*_: Any, **_signal: Any) -> None:
        await worker.stop()

    return app


async def run(app: faust.App) -> None:
    """Work until cancelled; what was read is settled before this returns. Raises what crashed the worker."""
    await app.start()
    try:
        await app.wait_until_stopped()
    finally:
        await app.stop()
        shutil.rmtree(app.conf.datadir, ignore_errors=True)
    if app.crash_reason is not None:
        raise app.crash_reason


def _record(event: EventT[bytes]) -> Record:
    message = event.message
    headers = message.headers or ()
    return Record(
        message.partition,
        message.offset,
        message.value,
        event.ack,
        list(headers.items() if isinstance(headers, Mapping) else headers),
    )


def _configured(bootstrap: str, group: str) -> faust.App:
    return faust.App(
        group,
        broker=[f"kafka://{server}" for server in bootstrap.split(",")],
        store="memory://",
        datadir=tempfile.mkdtemp(prefix="tracetide-stream-"),  # faust wants one, and keeps nothing in it
        web_enabled=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        consumer_auto_offset_reset="earliest",
        broker_session_timeout=10.0,
        broker_heartbeat_interval=3.0,
        broker_commit_interval=1.0,
        consumer_max_fetch_size=8 << 20,
        stream_buffer_maxsize=64,
        stream_wait_empty=False,
    )
