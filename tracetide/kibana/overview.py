"""What happens on the fleet: how much, how grave, which techniques, and where."""

from tracetide.kibana.attack_map import ATTACK_MAP
from tracetide.kibana.panels import (
    Alerts,
    Chart,
    Count,
    Dashboard,
    Distinct,
    Drawing,
    Highest,
    Links,
    Number,
    Panel,
    Row,
    Severities,
    Table,
    Times,
    Values,
)

_NEXT = "tracetide-investigation"
_LAST = Highest("@timestamp", "last seen", "date")
_WORST = Highest("event.severity", "worst severity")

NUMBERS = Row(
    6,
    (
        Panel("alerts-number", "", 8, Number(Count())),
        Panel("grave-number", "", 8, Number(Count("critical or high", "event.severity >= 73"))),
        Panel("rules-number", "", 8, Number(Distinct("rule.name", "rules"))),
        Panel("hosts-number", "", 8, Number(Distinct("host.name", "hosts"))),
        Panel("containers-number", "", 8, Number(Distinct("container.id", "containers"))),
        Panel("users-number", "", 8, Number(Distinct("user.name", "users"))),
    ),
)

OVERVIEW = Dashboard(
    "tracetide-overview",
    "tracetide: overview",
    "How many alerts of which severity, which ATT&CK techniques they show, and where.",
    (
        Row(3, (Panel("links", "", 48, Links()),)),
        NUMBERS,
        Row(
            12,
            (
                Panel(
                    "by-severity",
                    "Alerts over time by severity",
                    48,
                    Chart("bar_stacked", Times(), (Count(),), Severities()),
                ),
            ),
        ),
        Row(20, (Panel("attack", "ATT&CK tactics and techniques", 48, Drawing(ATTACK_MAP)),)),
        Row(
            14,
            (
                Panel(
                    "rules",
                    "Top rules",
                    24,
                    Table((Values("rule.name", "rule", 50),), (Count(), _WORST, _LAST)),
                    to=_NEXT,
                ),
                Panel(
                    "hosts",
                    "Top hosts",
                    24,
                    Table(
                        (Values("host.name", "host", 50),),
                        (Count(), Distinct("rule.name", "rules"), _WORST, _LAST),
                    ),
                    to=_NEXT,
                ),
            ),
        ),
        Row(
            14,
            (
                Panel(
                    "containers",
                    "Top containers",
                    16,
                    Table((Values("container.name", "container", 50),), (Count(), _WORST)),
                    to=_NEXT,
                ),
                Panel(
                    "images",
                    "Top images",
                    16,
                    Table((Values("container.image.name", "image", 50),), (Count(), _WORST)),
                    to=_NEXT,
                ),
                Panel(
                    "users",
                    "Top users",
                    16,
                    Table((Values("user.name", "user", 50),), (Count(), _WORST)),
                    to=_NEXT,
                ),
            ),
        ),
        Row(
            18,
            (
                Panel(
                    "alerts",
                    "Alerts",
                    48,
                    Alerts(
                        "tracetide-alerts",
                        "tracetide: alerts",
                        (
                            "tracetide.priority",
                            "message",
                            "host.name",
                            "container.name",
                            "user.name",
                            "process.command_line",
                        ),
                    ),
                ),
            ),
        ),
    ),
    controls=(
        ("host.name", "Host"),
        ("container.image.name", "Image"),
        ("rule.name", "Rule"),
        ("tracetide.priority", "Priority"),
    ),
)
