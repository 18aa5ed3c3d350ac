"""What one process, container or host did: when, below which parents, with which files and addresses."""

from tracetide.kibana.panels import (
    Alerts,
    Chart,
    Count,
    Dashboard,
    Distinct,
    Drawing,
    Highest,
    Latest,
    Links,
    Panel,
    Row,
    Table,
    Times,
    Values,
)
from tracetide.kibana.process_tree import ALERTS, PROCESS_TREE
from tracetide.kibana.runtime import PARENT_AND_CHILD

_FIRST_LOOK = Row(
    12,
    (
        Panel(
            "timeline",
            "Alerts over time by rule",
            48,
            Chart("bar_stacked", Times(), (Count(),), Values("rule.name", "rule", 12)),
        ),
    ),
)

_PROCESSES = Table(
    (Values("process.entity_id", "entity", 200),),
    (
        Count(),
        Latest("process.name", "process"),
        Latest("process.command_line", "command line"),
        Latest("process.pid", "pid", "number"),
        Latest("user.name", "user"),
        Latest("process.parent.entity_id", "parent entity"),
        Latest("process.parent.command_line", "parent command line"),
        Latest("host.name", "host"),
        Highest("@timestamp", "last seen", "date"),
    ),
)

_DESTINATIONS = Table(
    (
        Values("destination.ip", "address", 50, "ip"),
        Values("destination.port", "port", 5, "number"),
    ),
    (
        Count(where='network.direction: "egress"'),
        Distinct("process.entity_id", "processes"),
        Latest("process.command_line", "last command line"),
        Highest("@timestamp", "last seen", "date"),
    ),
)

INVESTIGATION = Dashboard(
    "tracetide-investigation",
    "tracetide: investigation",
    "What a process, container or host did: its process tree, timeline, destinations and files.",
    (
        Row(3, (Panel("links", "", 48, Links()),)),
        _FIRST_LOOK,
        Row(30, (Panel("tree", f"Process tree of the newest {ALERTS} alerts", 48, Drawing(PROCESS_TREE)),)),
        Row(16, (Panel("processes", "Processes by entity id", 48, _PROCESSES),)),
        Row(
            14,
            (
                Panel("destinations", "Outbound destinations", 28, _DESTINATIONS),
                Panel(
                    "rare-pairs",
                    "Rare parents and children (in at most 3 alerts)",
                    20,
                    Table(
                        (Values(PARENT_AND_CHILD, "parent > child", 100, rare=3),),
                        (
                            Count(),
                            Latest("process.command_line", "last command line"),
                            Latest("host.name", "host"),
                        ),
                    ),
                ),
            ),
        ),
        Row(
            14,
            (
                Panel(
                    "files",
                    "Files",
                    24,
                    Table(
                        (Values("file.path", "path", 100),),
                        (
                            Count(),
                            Distinct("process.entity_id", "processes"),
                            Latest("event.action", "action"),
                        ),
                    ),
                ),
                Panel(
                    "ancestors",
                    "Programs above the processes of the alerts",
                    24,
                    Table(
                        (Values("tracetide.ancestors.executable", "executable", 100),),
                        (Count("alerts below it"), Distinct("host.name", "hosts")),
                    ),
                ),
            ),
        ),
        Row(
            22,
            (
                Panel(
                    "alerts",
                    "Alerts, with what to do",
                    48,
                    Alerts(
                        "tracetide-alerts-in-detail",
                        "tracetide: alerts in detail",
                        (
                            "message",
                            "process.entity_id",
                            "process.command_line",
                            "process.parent.command_line",
                            "file.path",
                            "destination.ip",
                            "tracetide.response",
                            "tracetide.false_positives",
                            "tracetide.missing",
                        ),
                    ),
                ),
            ),
        ),
    ),
    controls=(
        ("host.name", "Host"),
        ("container.name", "Container"),
        ("rule.name", "Rule"),
        ("user.name", "User"),
        ("process.entity_id", "Process (entity id)"),
    ),
)
