"""What the collector that runs here has missed so far, as it tells by itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator

from tracetide.doctor.contract import Asked, Finding, bad, note

_PATIENCE = 10.0


async def look(asked: Asked) -> AsyncIterator[Finding]:
    """Its events and losses; nothing if nobody said where it tells them."""
    if asked.metrics is None:
        return
    import httpx  # noqa: PLC0415  # only where there is somebody to ask

    host, _, port = asked.metrics.rpartition(":")
    address = f"http://{host or '127.0.0.1'}:{port}/metrics"
    try:
        async with httpx.AsyncClient(trust_env=False, timeout=_PATIENCE) as client:
            answer = await client.get(address)
        answer.raise_for_status()
    except httpx.HTTPError as error:
        reason = str(error) or type(error).__name__
        yield bad("collector", f"it does not answer at {address} ({reason})", "start it with --metrics")
        return
    yield _told(answer.text)


def _told(text: str) -> Finding:
    from prometheus_client.parser import text_string_to_metric_families  # noqa: PLC0415  # the same

    counts: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name.endswith("_total"):
                counts[family.name] += int(sample.value)
            if family.name in _MISSED and sample.value:
                where = _MISSED[family.name] or sample.labels["where"]
                missed[f"{sample.labels['type']} ({where})"] += int(sample.value)
    state = f"{counts['tracetide_events']:,} events"
    if not missed:
        return Finding("collector", f"{state}, none lost")
    worst = ", ".join(f"{number:,} {what}" for what, number in missed.most_common(5))
    return note(
        "collector",
        f"{state}, {missed.total():,} lost: {worst}",
        "see `tracetide rules explain --kernel` for what asks for most, or set --rate",
    )


# Families of events that did not arrive, and where they were lost; without a word the sample says it.
_MISSED = {"tracetide_events_lost": "", "tracetide_events_shed": "spill"}
