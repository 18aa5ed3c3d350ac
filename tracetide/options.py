"""Options that several commands share."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import click

Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]

kafka: Decorator = click.option(
    "--kafka",
    metavar="HOST:PORT[,…]",
    required=True,
    envvar="TRACETIDE_KAFKA",
    show_envvar=True,
    help="Where Kafka is.",
)

rules: Decorator = click.option(
    "--rules",
    "rule_paths",
    multiple=True,
    type=click.Path(exists=True, path_type=Path),
    envvar="TRACETIDE_RULES",
    show_envvar=True,
    help="A rule file or a folder of them; may be given several times, later ones override earlier ones.",
)

library: Decorator = click.option(
    "--library/--no-library", default=True, show_default=True, help="Load the rules that come with tracetide."
)

# Where a service manager wants state, or where it is customary.
_STATE = Path(os.environ.get("STATE_DIRECTORY", "/var/lib/tracetide"))

queue: Decorator = click.option(
    "--queue",
    type=click.Path(dir_okay=False, path_type=Path),
    default=_STATE / "queue.sqlite",
    show_default="/var/lib/tracetide/queue.sqlite",
    envvar="TRACETIDE_QUEUE",
    show_envvar=True,
    help="The file that keeps what `tracetide run` has not delivered yet.",
)

spill: Decorator = click.option(
    "--spill",
    type=click.Path(file_okay=False, path_type=Path),
    default=_STATE / "spill",
    show_default="/var/lib/tracetide/spill",
    help="Where events wait while Kafka is away; made when it is needed.",
)

routes: Decorator = click.option(
    "--routes",
    metavar="FILE",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="TRACETIDE_ROUTES",
    show_envvar=True,
    help="Who is told of what, and how; docs/notify.md explains it.",
)

notify_state: Decorator = click.option(
    "--state",
    metavar="FOLDER",
    default=_STATE / "notify",
    show_default="/var/lib/tracetide/notify",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="TRACETIDE_NOTIFY_STATE",
    show_envvar=True,
    help="Where incidents and silences are kept.",
)

Matching = Literal["all", "first"]

matching: Decorator = click.option(
    "--matching",
    type=click.Choice(["all", "first"]),
    default="all",
    show_default=True,
    help="Whether every rule that matches an event fires, or only the first one, as Falco does by default.",
)


def _event_types(_context: click.Context, _option: click.Parameter, value: str | None) -> list[str] | None:
    return None if value is None else [name.strip() for name in value.split(",") if name.strip()]


def events(default: str) -> Decorator:
    """The option that says which types of events to collect; without it ``default``."""
    return click.option(
        "--events",
        "wanted",
        metavar="TYPE[,…]",
        callback=_event_types,
        envvar="TRACETIDE_EVENTS",
        show_envvar=True,
        help="Types of events to collect besides those of processes, such as openat,connect. "
        f"[default: {default}]",
    )


rate: Decorator = click.option(
    "--rate",
    type=click.IntRange(min=0),
    default=30_000,
    show_default=True,
    metavar="EVENTS",
    envvar="TRACETIDE_RATE",
    show_envvar=True,
    help="How many events a second one container (or other control group) may have on each CPU; what is "
    "beyond is counted and told. 0 for any number.",
)

inventory: Decorator = click.option(
    "--inventory",
    metavar="SOURCE[=PATH]",
    multiple=True,
    envvar="TRACETIDE_INVENTORY",
    show_envvar=True,
    help="Who is asked about containers: docker, podman, cri or kubernetes; may be given several times. "
    "Without it, all that are found at their usual places; none asks nobody.",
)

batch: Decorator = click.option(
    "--batch",
    type=click.IntRange(min=1, max=10_000),
    default=500,
    show_default=True,
    metavar="DETECTIONS",
    envvar="TRACETIDE_BATCH",
    show_envvar=True,
    help="How many go out together, and may come again after a kill where the destination cannot tell; "
    "1 is slow and bounds that to one.",
)

metrics: Decorator = click.option(
    "--metrics",
    metavar="[HOST:]PORT",
    envvar="TRACETIDE_METRICS",
    show_envvar=True,
    help="Tell what is counted there, for Prometheus; on loopback without a host.",
)

json: Decorator = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")

rule_files: Decorator = click.argument("paths", nargs=-1, type=click.Path(exists=True, path_type=Path))

on_library: Decorator = click.option(
    "--library", "on_library", is_flag=True, help="Load the rules that come with tracetide before PATHS."
)
