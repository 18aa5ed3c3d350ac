"""What became of a sink's detections, in numbers that a person or a program can read."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Counters:
    """Counts since the start.

    ``retries`` counts detections, each time that they have to be tried again; ``shed`` those that a full
    queue could not take. Latencies are seconds from the queue to the acknowledgement, ``latency`` their
    sum. ``oldest`` is the time of the oldest event that is on its way, in nanoseconds since the epoch.
    """

    delivered: int = 0
    duplicates: int = 0
    retries: int = 0
    dead: int = 0
    shed: int = 0
    latency: float = field(default=0.0, compare=False)
    slowest: float = field(default=0.0, compare=False)
    oldest: int | None = field(default=None, compare=False)

    def arrived(self, seconds: float) -> None:
        """Take the latency of one that has been delivered."""
        self.latency += seconds
        self.slowest = max(self.slowest, seconds)

    def as_json(self, now: float) -> dict[str, float | None]:
        """All of it for a program, times in seconds; ``now`` is in seconds since the epoch."""
        arrived = self.delivered + self.duplicates
        return {
            "delivered": self.delivered,
            "duplicates": self.duplicates,
            "retries": self.retries,
            "dead": self.dead,
            "shed": self.shed,
            "latency_mean": self.latency / arrived if arrived else None,
            "latency_longest": self.slowest if arrived else None,
            "oldest_undelivered": None if self.oldest is None else max(0.0, now - self.oldest / 10**9),
        }

    def line(self, now: float) -> str:
        """All of it for a log; ``now`` is in seconds since the epoch."""
        arrived = self.delivered + self.duplicates
        mean = self.latency / arrived if arrived else 0.0
        waiting = "none" if self.oldest is None else f"{max(0.0, now - self.oldest / 10**9):.0f} s"
        counts = (
            f"{self.delivered} delivered, {self.duplicates} duplicates, {self.retries} retries,"
            f" {self.dead} dead, {self.shed} shed"
        )
        times = f"latency {mean:.2f} s (longest {self.slowest:.2f} s), oldest undelivered {waiting}"
        return f"{counts}, {times}"
