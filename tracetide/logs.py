"""What goes to the log: our sentences as they come, a library's complaints once in a while."""

import logging
import sys
import time
from dataclasses import dataclass, field

# Seconds for which a library need not say the same again; aiokafka complains ten times a second.
_QUIET = 60.0

_OURS = ("bpf", "collectors", "rules", "sinks", "stream", "tracetide", "wire")


def set_up(*, verbose: bool) -> None:
    """Log to standard error: warnings, and with ``verbose`` also what goes well."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(Seldom())
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        handlers=[handler],
    )


@dataclass
class Seldom:
    """A logging filter: lets through everything of ours, and of others each kind of message now and then."""

    quiet: float = _QUIET
    _last: dict[tuple[str, str], float] = field(default_factory=dict)

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is to be logged; records of one logger with one text unformatted are a kind."""
        if record.name.partition(".")[0] in _OURS:
            return True
        kind, now = (record.name, str(record.msg)), time.monotonic()
        if now - self._last.get(kind, -self.quiet) < self.quiet:
            return False
        self._last[kind] = now
        return True
