"""Bytes as records: each is a batch or refused, and the engine takes any batch."""

import sys

import atheris

with atheris.instrument_imports(include=["wire", "stream"]):
    import rules
    from stream.engine import Engine
    from wire import batch as wire_batch
    from wire.batch import BatchError

RULES = rules.load([])


def judge(data: bytes) -> None:
    """Raises whatever must not happen."""
    try:
        batch, bad = wire_batch.decode(data)
    except BatchError:
        return
    engine = Engine(RULES)
    engine.process(batch)
    if engine.counters.errors:
        raise AssertionError(f"rules failed: {engine.counters.errors}, {len(bad)} events were refused")


if __name__ == "__main__":
    atheris.Setup(sys.argv, judge)
    atheris.Fuzz()
