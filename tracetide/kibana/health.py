"""Whether alerts can be relied on: how late they come, what was lost on the way, what could not be known."""

from tracetide.kibana.panels import (
    Chart,
    Count,
    Dashboard,
    Highest,
    Links,
    Number,
    Panel,
    Percentile,
    Row,
    Table,
    Text,
    Times,
    Values,
)
from tracetide.kibana.runtime import DELIVERY

_ARRIVAL = Times("event.ingested", "arrival")
_INCOMPLETE = Count("not all known", "tracetide.missing: *")
_AFTER_LOSS = Count("after losses", "tracetide.lost > 0")

# How far the consumers are behind, and what could not be delivered, is in no document.
_ELSEWHERE = """\
What no alert carries is where it arises. **Lag** is that of the consumer groups `tracetide-stream` and
`tracetide-forward-elasticsearch` in Kafka. **Dead letters** are listed by `tracetide dead list`.

Losses are counted in the minute before an alert: a host that lost events and had no alert is not seen here.

Delivery time counts from the event. After a replay, or while a forwarder was away, it is long.
"""

HEALTH = Dashboard(
    "tracetide-health",
    "tracetide: pipeline health",
    "How late alerts come, what was lost before them, and what could not be known.",
    (
        Row(3, (Panel("links", "", 48, Links()),)),
        Row(
            6,
            (
                Panel("median-number", "", 8, Number(Percentile(DELIVERY, "delivery time, half below", 50))),
                Panel("slow-number", "", 8, Number(Percentile(DELIVERY, "delivery time, 95 % below", 95))),
                Panel(
                    "lost-number", "", 8, Number(Highest("tracetide.lost", "most events lost in a minute"))
                ),
                Panel("after-loss-number", "", 8, Number(_AFTER_LOSS)),
                Panel("incomplete-number", "", 8, Number(_INCOMPLETE)),
                Panel("refused-number", "", 8, Number(Count("with a value not indexed", "_ignored: *"))),
            ),
        ),
        Row(
            14,
            (
                Panel(
                    "delivery",
                    "Delivery time: from the event to the sending of its alert",
                    24,
                    Chart(
                        "line",
                        Times(),
                        (
                            Percentile(DELIVERY, "half below", 50),
                            Percentile(DELIVERY, "95 % below", 95),
                            Highest(DELIVERY, "slowest"),
                        ),
                    ),
                ),
                Panel(
                    "arrivals",
                    "Alerts by time of arrival",
                    24,
                    Chart("bar_stacked", _ARRIVAL, (Count(),), Values("host.name", "host", 10)),
                ),
            ),
        ),
        Row(
            14,
            (
                Panel(
                    "lost",
                    "Events lost in the minute before an alert, the most of each host",
                    24,
                    Chart(
                        "line",
                        Times(),
                        (Highest("tracetide.lost", "lost"),),
                        Values("host.name", "host", 10),
                    ),
                ),
                Panel(
                    "incomplete",
                    "Alerts after losses, and those of which not all could be known",
                    24,
                    Chart("line", Times(), (_AFTER_LOSS, _INCOMPLETE)),
                ),
            ),
        ),
        Row(
            14,
            (
                Panel(
                    "hosts",
                    "Hosts",
                    32,
                    Table(
                        (Values("host.name", "host", 200), Values("host.boot.id", "boot", 3)),
                        (
                            Count(),
                            Highest("@timestamp", "last event", "date"),
                            Highest("event.ingested", "last arrival", "date"),
                            Percentile(DELIVERY, "95 % delivered within", 95),
                            Highest("tracetide.lost", "most lost in a minute"),
                            _INCOMPLETE,
                        ),
                    ),
                ),
                Panel("elsewhere", "What is not in the alerts", 16, Text(_ELSEWHERE)),
            ),
        ),
    ),
    controls=(("host.name", "Host"),),
)
