"""Where each type of event is taken from on this kernel, and which cannot be had."""

from __future__ import annotations

from collections.abc import AsyncIterator

from tracetide.doctor.contract import Asked, Finding, bad, note


async def look(_asked: Asked) -> AsyncIterator[Finding]:
    """How system calls are hooked, and those that this kernel does not know."""
    from collectors.kernel import HOOKS, way  # noqa: PLC0415  # only on Linux
    from collectors.kernel.libbpf import BpfError  # noqa: PLC0415  # the same
    from collectors.kernel.tracepoint import TracepointError  # noqa: PLC0415  # the same
    from collectors.kernel.ways import absent  # noqa: PLC0415  # the same

    try:
        missing = absent()
    except (BpfError, TracepointError) as error:
        sentence, _, remedy = str(error).partition(": ")
        yield bad("hooks", sentence, remedy or "run as root")
        return
    state = f"{len(HOOKS) - len(missing)} of {len(HOOKS)} types of events; {way()}"
    if way().problem:
        yield note("hooks", state, "a kernel with CONFIG_FUNCTION_TRACER makes them cheaper")
    else:
        yield Finding("hooks", state)
    if missing:
        yield note(
            "not in this kernel", ", ".join(missing), "nothing: what it does not have, nobody can call"
        )
