"""Times as text."""

from datetime import UTC, datetime
from functools import lru_cache


def timestamp(nanoseconds: int) -> str:
    """Nanoseconds since the epoch as ISO 8601 with all nine digits, in UTC."""
    seconds, rest = divmod(nanoseconds, 10**9)
    return f"{_second(seconds)}.{rest:09d}Z"


@lru_cache(maxsize=1024)  # in a flood many alerts are of the same second
def _second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"
